//! Rules out that an address leads to half of a span: at any moment to none, or to one that can be asked everything.
#![cfg(loom)]

use gort_mheap::{Heap, Lookup};
use gort_mspan::{Kind, PAGE_SIZE, SizeClass, SpanClass};
use gort_sync::atomic::{AtomicUsize, Ordering};
use gort_sync::model::{Arc, model, thread};
use gort_sys::offheap::Persistent;

const CLASS: fn() -> SpanClass = || SpanClass::new(Kind::Malloc, SizeClass::of(128).unwrap());

struct Shared {
    heap: Heap,
    /// Where a block is, for another thread.
    addr: AtomicUsize,
}

/// A heap that has its first arena.
fn shared() -> Arc<Shared> {
    let heap = Heap::new();
    heap.alloc_blocks(CLASS(), 1).unwrap();
    Arc::new(Shared { heap, addr: AtomicUsize::new(0) })
}

/// The address of the second block of a new span.
fn new_block(heap: &Heap) -> usize {
    // SAFETY: records live as long as the heap.
    unsafe { heap.alloc_blocks(CLASS(), 1).unwrap().as_ref() }.block_addr(1)
}

/// The block changes hands in an orderly way: its new user finds the span, and the span knows the block.
#[test]
fn the_user_of_a_block_finds_its_span() {
    model(|| {
        let shared = shared();
        let other = shared.clone();
        let maker = thread::spawn(move || other.addr.store(new_block(&other.heap), Ordering::Release));
        let addr = shared.addr.load(Ordering::Acquire);
        if addr != 0 {
            let span = shared.heap.malloc_span_of(addr).unwrap();
            assert_eq!((span.index_of(addr), span.class()), (Ok(1), CLASS()));
        }
        maker.join().unwrap();
    });
}

/// The address was guessed (a wild pointer, or a word that a conservative scan met): nothing, or the whole span.
#[test]
fn a_guessed_address_finds_nothing_or_a_whole_span() {
    model(|| {
        let shared = shared();
        let other = shared.clone();
        let maker = thread::spawn(move || {
            // Relaxed: the reader gets no order from the address.
            other.addr.store(new_block(&other.heap), Ordering::Relaxed)
        });
        let addr = shared.addr.load(Ordering::Relaxed); // Relaxed: as above.
        if addr != 0
            && let Some(span) = shared.heap.span_of(addr)
        {
            assert_eq!((span.block_of(addr), span.pages()), (Some((1, addr)), 1));
        }
        maker.join().unwrap();
    });
}

/// The span is freed, and its record and pages become a large block, while somebody looks: some span, dead or alive.
#[test]
fn a_span_that_is_reused_can_be_asked() {
    model(|| {
        let shared = shared();
        let addr = new_block(&shared.heap);
        let other = shared.clone();
        let reuse = thread::spawn(move || {
            let span = other.heap.malloc_span_of(addr).unwrap();
            // SAFETY: allocated by `new_block`; none of its blocks has a user.
            unsafe { other.heap.free_span(span.into()) };
            other.heap.alloc_whole(Kind::Malloc, 1, 1).unwrap();
        });
        if let Lookup::Span(span) = shared.heap.lookup(addr) {
            // SAFETY: records live as long as the heap.
            let span = unsafe { span.as_ref() };
            assert_eq!(span.base(), addr & !(PAGE_SIZE - 1));
            let _ = (span.state(), span.index_of(addr));
        }
        reuse.join().unwrap();
        assert_eq!(shared.heap.malloc_span_of(addr).map(|span| span.is_large()), Some(true));
    });
}

/// Two threads ask for an arena's mark bits first: they get the same, and a mark of one is seen by the other.
#[test]
fn mark_bits_are_made_once() {
    model(|| {
        let shared = shared();
        let other = shared.clone();
        let addr = new_block(&shared.heap);
        let marker = move |shared: &Shared| {
            let (base, arena) = shared.heap.arena_of(addr).unwrap();
            arena.marks(&Persistent::new()).unwrap().mark(addr - base)
        };
        let first = thread::spawn(move || marker(&other));
        let mine = marker(&shared);
        assert!(mine != first.join().unwrap(), "one of two sets the mark");
    });
}
