//! Rules out that a block is in two places, lost, or used after its span is gone, in the exchange of a class's home.
#![cfg(loom)]

use core::ptr::null_mut;
use gort_mcentral::batch::BATCH_MAX;
use gort_mcentral::{Central, Misuse};
use gort_mheap::Heap;
use gort_mspan::{SizeClass, size_class::SIZE_MAX};
use gort_sync::cell::UnsafeCell;
use gort_sync::model::{Arc, model, thread};

/// Blocks of the first span of the largest class.
const BLOCKS: usize = 4;

struct Shared {
    heap: Heap,
    central: Central,
    /// Address of the first span.
    base: usize,
    /// The contents of the blocks of two spans.
    contents: [UnsafeCell<usize>; 2 * BLOCKS],
}

// SAFETY: the model is what shows that a block has one user; loom reports a race otherwise.
unsafe impl Sync for Shared {}
// SAFETY: as above.
unsafe impl Send for Shared {}

impl Shared {
    /// A home with one span, all of whose blocks are free in it.
    fn new() -> Self {
        let (heap, central) = (Heap::new(), Central::new(SizeClass::of(SIZE_MAX).unwrap()));
        let block = central.take_one(&heap).unwrap();
        central.give_back(&heap, &[block]).unwrap();
        Self { heap, central, base: block.addr(), contents: core::array::from_fn(|_| UnsafeCell::new(0)) }
    }

    fn write(&self, block: *mut u8) {
        let index = (block.addr() - self.base) / SIZE_MAX;
        // SAFETY: the block is the caller's, which loom checks.
        self.contents[index].with_mut(|contents| unsafe { *contents += 1 });
    }

    /// A refill: a batch, each block written to.
    fn take(&self) -> Vec<*mut u8> {
        let mut out = [null_mut(); BATCH_MAX];
        let n = self.central.take(&self.heap, &mut out);
        assert!(n > 0);
        out[..n].iter().for_each(|block| self.write(*block));
        out[..n].to_vec()
    }

    /// Writes to the blocks once more, and gives them to the depot, or to their spans when it is full.
    fn give(&self, blocks: &[*mut u8]) {
        blocks.iter().for_each(|block| self.write(*block));
        self.central.give(&self.heap, blocks).unwrap();
    }

    /// Gives the blocks to their spans.
    fn give_back(&self, blocks: &[*mut u8]) {
        blocks.iter().for_each(|block| self.write(*block));
        self.central.give_back(&self.heap, blocks).unwrap();
    }

    /// All blocks are home: one span is kept, and all of its blocks can be had once.
    fn check_at_rest(&self) {
        self.central.flush(&self.heap).unwrap();
        let figures = self.central.figures();
        assert_eq!((figures.out, figures.waiting, figures.spans), (0, 0, 1));
        let mut all: Vec<_> = (0..BLOCKS).map(|_| self.central.take_one(&self.heap).unwrap()).collect();
        all.sort();
        all.dedup();
        assert_eq!((all.len(), self.central.figures().spans), (BLOCKS, 1));
    }
}

/// A batch of blocks that two threads hand each other. Raw pointers do not move between threads by themselves.
struct Batch(Vec<*mut u8>);
// SAFETY: whoever has the batch owns the blocks.
unsafe impl Send for Batch {}

/// Magazines against the depot: three owners exchange batches, and the depot has room for one.
#[test]
fn three_owners_exchange_batches() {
    model(|| {
        let shared = Arc::new(Shared::new());
        let owners: Vec<_> = (0..2)
            .map(|_| {
                let shared = shared.clone();
                thread::spawn(move || shared.give(&shared.take()))
            })
            .collect();
        shared.give(&shared.take());
        owners.into_iter().for_each(|owner| owner.join().unwrap());
        shared.check_at_rest();
    });
}

/// A remote return against a refill, of a span that was full: it is on no shelf until the block comes back.
#[test]
fn a_return_to_a_full_span_against_a_refill() {
    model(|| {
        let shared = Arc::new(Shared::new());
        let mut held = Batch([shared.take(), shared.take()].concat());
        let returned = Batch(held.0.split_off(BLOCKS - 1));
        let other = shared.clone();
        let remote = thread::spawn(move || {
            let returned = returned;
            other.give_back(&returned.0);
        });
        // That block, or one of a new span.
        let mine = shared.take();
        assert!(mine.iter().all(|block| !held.0.contains(block)));
        remote.join().unwrap();
        shared.give_back(&held.0);
        shared.give_back(&mine);
        shared.check_at_rest();
    });
}

/// Remote returns that make a span empty, so that it goes back to the heap, against a refill that may take from it.
#[test]
fn returns_that_empty_a_span_against_a_refill() {
    model(|| {
        let shared = Arc::new(Shared::new());
        let first = Batch([shared.take(), shared.take()].concat());
        // A second span with room, so that the first need not be kept.
        let second = shared.take();
        let other = shared.clone();
        let remote = thread::spawn(move || {
            let first = first;
            other.give_back(&first.0);
        });
        let mine = shared.take();
        assert!(mine.iter().all(|block| !second.contains(block)));
        remote.join().unwrap();
        shared.give_back(&mine);
        shared.give_back(&second);
        shared.check_at_rest();
    });
}

/// The same block given back by two threads: one of them is told.
#[test]
fn of_two_returns_of_a_block_one_is_a_double_free() {
    model(|| {
        let shared = Arc::new(Shared::new());
        let block = Batch(vec![shared.central.take_one(&shared.heap).unwrap()]);
        let at = block.0[0];
        let other = shared.clone();
        let remote = thread::spawn(move || {
            let block = block;
            other.central.give_back(&other.heap, &block.0).is_ok()
        });
        let mine = shared.central.give_back(&shared.heap, &[at]);
        assert!(mine.is_ok() != remote.join().unwrap());
        assert!(mine == Ok(()) || mine == Err((at, Misuse::DoubleFree)));
    });
}
