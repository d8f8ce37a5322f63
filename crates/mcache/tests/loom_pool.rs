//! Rules out that a block or a cache is in two hands or lost when owners end, blocks are freed by others than took them,
//! and the caches of the ended are emptied.
#![cfg(loom)]

use gort_mcache::magazine::{pop, push};
use gort_mcache::{MCache, Pool};
use gort_mcentral::Central;
use gort_mheap::Heap;
use gort_mspan::SizeClass;
use gort_mspan::size_class::{CLASSES, SIZE_MAX};
use gort_sync::cell::UnsafeCell;
use gort_sync::model::{Arc, model, thread};

/// Blocks whose contents are watched: two spans of the largest class.
const BLOCKS: usize = 8;

struct Shared {
    pool: Pool,
    centrals: Box<[Central; CLASSES]>,
    heap: Heap,
    /// Address of the first block.
    base: usize,
    /// The contents of the blocks.
    contents: [UnsafeCell<usize>; BLOCKS],
}

// SAFETY: the model is what shows that a block has one user; loom reports a race otherwise.
unsafe impl Sync for Shared {}
// SAFETY: as above.
unsafe impl Send for Shared {}

/// A block that goes to another thread.
struct Block(*mut u8);
// SAFETY: whoever has the value owns the block.
unsafe impl Send for Block {}

fn class() -> SizeClass {
    SizeClass::of(SIZE_MAX).unwrap()
}

impl Shared {
    fn new() -> Self {
        let heap = Heap::new();
        let all: Vec<_> = (0..CLASSES as u8).map(|n| Central::new(SizeClass::new(n))).collect();
        let centrals: Box<[Central; CLASSES]> = all.try_into().ok().unwrap();
        let home = &centrals[class().index()];
        let block = home.take_one(&heap).unwrap();
        home.give_back(&heap, &[block]).unwrap();
        let contents = core::array::from_fn(|_| UnsafeCell::new(0));
        Self { pool: Pool::new(), centrals, heap, base: block.addr(), contents }
    }

    fn home(&self) -> &Central {
        &self.centrals[class().index()]
    }

    fn write(&self, block: *mut u8) {
        let index = (block.addr() - self.base) / SIZE_MAX;
        // SAFETY: the block is the caller's, which loom checks.
        self.contents[index].with_mut(|contents| unsafe { *contents += 1 });
    }

    fn begin(&self) -> &'static MCache {
        self.pool.take(self.heap.source()).unwrap()
    }

    fn alloc(&self, cache: &MCache) -> Block {
        // SAFETY: the cache is the caller's.
        let block = match unsafe { pop(cache, class().index()) } {
            block if block.is_null() => cache.refill(cache, class(), self.home(), &self.heap),
            block => block,
        };
        self.write(block);
        Block(block)
    }

    fn free(&self, cache: &MCache, Block(block): Block) {
        self.write(block);
        // SAFETY: the cache is the caller's; the block is of the class.
        assert!(unsafe { push(cache, class().index(), block) }, "the magazine has room");
    }

    fn flush_idle(&self) {
        self.pool.flush_idle(&self.centrals, &self.heap).unwrap();
    }

    /// A thread from its first allocation to its end.
    fn life(&self) {
        let cache = self.begin();
        let block = self.alloc(cache);
        self.free(cache, block);
        self.pool.give(cache);
    }

    /// Nobody owns a cache or a block any more: all blocks are home.
    fn check_at_rest(&self) {
        self.flush_idle();
        self.home().flush(&self.heap).unwrap();
        let figures = self.home().figures();
        assert_eq!((figures.out, figures.waiting, figures.spans), (0, 0, 1));
    }
}

/// Threads come and go while somebody who is short of memory empties the caches of the ended.
#[test]
fn two_lives_against_a_flush() {
    model(|| {
        let shared = Arc::new(Shared::new());
        let (a, b) = (shared.clone(), shared.clone());
        let lives = [thread::spawn(move || a.life()), thread::spawn(move || b.life())];
        shared.flush_idle();
        lives.into_iter().for_each(|life| life.join().unwrap());
        let mut caches = 0;
        shared.pool.each(|_| caches += 1);
        assert!((1..=2).contains(&caches));
        shared.check_at_rest();
    });
}

/// A thread frees what another took, and ends, while that one frees, and ends, too.
#[test]
fn a_remote_free_against_the_end_of_both_threads() {
    model(|| {
        let shared = Arc::new(Shared::new());
        let cache = shared.begin();
        let (mine, theirs) = (shared.alloc(cache), shared.alloc(cache));
        let (a, b) = (shared.clone(), shared.clone());
        let remote = thread::spawn(move || {
            let cache = a.begin();
            a.free(cache, theirs);
            a.pool.give(cache);
        });
        let flusher = thread::spawn(move || b.flush_idle());
        shared.free(cache, mine);
        shared.pool.give(cache);
        remote.join().unwrap();
        flusher.join().unwrap();
        shared.check_at_rest();
    });
}
