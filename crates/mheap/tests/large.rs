//! Large blocks of a whole heap: parked when freed, taken again, freed for good when their pages are wanted.
#![cfg(not(loom))]

use gort_mheap::Heap;
use gort_mspan::span::SpanState;
use gort_mspan::{PAGE_SIZE, SpanRef};

fn base(span: SpanRef) -> usize {
    // SAFETY: records live as long as the heap, which the caller keeps.
    unsafe { span.as_ref() }.base()
}

#[test]
fn a_freed_block_serves_the_next_request_of_its_length() {
    let heap = Heap::new();
    let (a, b) = (heap.alloc_large(10).unwrap(), heap.alloc_large(10).unwrap());
    // SAFETY: the test's own blocks.
    assert!(unsafe { heap.free_large(a) });
    let again = heap.alloc_large(9).unwrap();
    assert_eq!(base(again), base(a));
    // SAFETY: in use, and ours.
    assert!(unsafe { again.as_ref().with_body(|body| body.need_zero) }, "its last user wrote to it");
    assert_ne!(base(b), base(again));
}

#[test]
fn freeing_twice_is_refused_parked_or_not() {
    let heap = Heap::new();
    for pages in [10, 2000] {
        let span = heap.alloc_large(pages).unwrap();
        // SAFETY: a block of ours; the second call is what is tested.
        unsafe {
            assert!(heap.free_large(span));
            assert!(!heap.free_large(span), "{pages} pages");
        }
    }
}

#[test]
fn parked_pages_are_used_before_the_heap_grows() {
    let heap = Heap::new();
    let whole = 64 << 20;
    let mut blocks: Vec<_> = (0..whole / (16 * PAGE_SIZE)).map(|_| heap.alloc_large(16).unwrap()).collect();
    let first_arena = blocks.iter().map(|b| base(*b)).min().unwrap();
    // Two neighbours, as two blocks of 16 pages; then one of 32 is wanted.
    // SAFETY: the test's own blocks.
    unsafe {
        assert!(heap.free_large(blocks.remove(100)) && heap.free_large(blocks.remove(100)));
        assert_eq!(blocks[99].as_ref().state(), SpanState::InUse);
    }
    let joined = heap.alloc_large(32).unwrap();
    assert!(base(joined) < first_arena + whole, "joined out of parked neighbours");
}

#[test]
fn trimming_gives_parked_blocks_to_the_os() {
    let heap = Heap::new();
    let span = heap.alloc_large(20).unwrap();
    // SAFETY: the test's own block and memory.
    unsafe {
        core::ptr::with_exposed_provenance_mut::<u8>(base(span)).write_bytes(1, 20 * PAGE_SIZE);
        assert!(heap.free_large(span));
    }
    assert!(heap.trim() >= 20 * PAGE_SIZE);
    let stats = heap.stats();
    assert_eq!(stats.free_bytes, stats.released_bytes);
}
