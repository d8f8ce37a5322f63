//! Windows that meet other mappings: arenas that are in the way are skipped, and no span ever lies over a gap.
#![cfg(not(loom))]

use gort_mheap::params::ARENA_BYTES;
use gort_mheap::{Heap, Lookup};
use gort_mspan::{Kind, PAGE_SIZE, SpanRef};
use gort_sys::mem;

/// Pages of a span of the tests: 1 MiB.
const PAGES: usize = 128;
const BYTES: usize = PAGES * PAGE_SIZE;

/// A heap whose addresses no other test's heap takes, with its first span.
fn heap(seed: u64) -> (Heap, SpanRef) {
    let heap = Heap::new();
    // SAFETY: the test is the heap's only user.
    unsafe { heap.start(seed) };
    let first = heap.alloc_whole(Kind::NoScan, PAGES, 1).unwrap();
    (heap, first)
}

fn range(span: SpanRef) -> (usize, usize) {
    // SAFETY: records live as long as their heap.
    let record = unsafe { span.as_ref() };
    (record.base(), record.base() + record.bytes())
}

/// Takes spans until `bytes` are in use. All are disjoint, outside of the gaps, writable, and found again.
fn fill(heap: &Heap, bytes: usize, gaps: &[(usize, usize)]) -> Vec<SpanRef> {
    let spans: Vec<SpanRef> =
        (0..bytes / BYTES).map(|_| heap.alloc_whole(Kind::NoScan, PAGES, 1).unwrap()).collect();
    let mut ranges: Vec<(usize, usize)> =
        spans.iter().map(|span| range(*span)).chain(gaps.iter().copied()).collect();
    ranges.sort();
    assert!(ranges.windows(2).all(|pair| pair[0].1 <= pair[1].0), "two overlap");
    for span in &spans {
        let (start, end) = range(*span);
        for addr in [start, end - 1] {
            // SAFETY: inside of a span of our own.
            unsafe { core::ptr::with_exposed_provenance_mut::<u8>(addr).write(1) };
            assert_eq!(heap.lookup(addr), Lookup::Span(*span));
        }
    }
    let mut visited = 0;
    heap.each_span(Kind::NoScan, |_| visited += 1);
    assert_eq!(visited, spans.len() + 1);
    spans
}

/// Frees the spans, and looks whether all of their memory can go back.
fn give_all(heap: &Heap, first: SpanRef, spans: Vec<SpanRef>) {
    // SAFETY: allocated by the test, each freed once.
    spans.into_iter().chain([first]).for_each(|span| unsafe { heap.free_span(span) });
    heap.trim();
    let stats = heap.stats();
    assert_eq!((stats.in_spans(), stats.free_bytes), (0, stats.released_bytes));
}

#[test]
fn arenas_that_are_taken_are_skipped() {
    let (heap, first) = heap(11);
    let arena = range(first).0 & !(ARENA_BYTES - 1);
    // A page at the start of the second arena, one in the middle of the fourth, one at the end of the fifth.
    let gaps: Vec<(usize, usize)> = [ARENA_BYTES, 3 * ARENA_BYTES + ARENA_BYTES / 2, 5 * ARENA_BYTES - 4096]
        .map(|offset| (arena + offset, arena + offset + 4096))
        .into();
    gaps.iter().for_each(|gap| mem::reserve_at(gap.0, 4096).unwrap());
    let spans = fill(&heap, 4 * ARENA_BYTES, &gaps);
    let arenas = |addr: usize| (addr - arena) / ARENA_BYTES;
    assert!(spans.iter().all(|span| ![1, 3, 4].contains(&arenas(range(*span).0))));
    give_all(&heap, first, spans);
    // A span of more than an arena finds no place before the gaps end.
    let long = heap.alloc_whole(Kind::NoScan, 3 * ARENA_BYTES / PAGE_SIZE, 1).unwrap();
    assert!(arenas(range(long).0) >= 5);
    // SAFETY: allocated above.
    unsafe { heap.free_span(long) };
    // SAFETY: mapped above.
    gaps.iter().for_each(|gap| unsafe { mem::unmap(gap.0, 4096) });
}

#[test]
fn a_block_does_not_grow_over_a_gap() {
    let (heap, first) = heap(12);
    let arena = range(first).0 & !(ARENA_BYTES - 1);
    mem::reserve_at(arena + ARENA_BYTES, 4096).unwrap();
    let spans = fill(&heap, 2 * ARENA_BYTES - 2 * BYTES, &[]);
    let last = *spans.iter().find(|span| range(**span).1 == arena + ARENA_BYTES).unwrap();
    // SAFETY: a span of the test.
    assert!(!unsafe { heap.resize_whole(last, PAGES + 1) }, "the next arena is not ours");
    give_all(&heap, first, spans);
    // SAFETY: mapped above.
    unsafe { mem::unmap(arena + ARENA_BYTES, 4096) };
}

#[test]
fn spans_and_blocks_reach_over_borders_of_arenas() {
    let (heap, first) = heap(13);
    let arena = range(first).0 & !(ARENA_BYTES - 1);
    let long = heap.alloc_whole(Kind::NoScan, 2 * ARENA_BYTES / PAGE_SIZE, 1).unwrap();
    let (start, end) = range(long);
    assert!(start < arena + ARENA_BYTES && end > arena + 2 * ARENA_BYTES);
    for addr in [start, arena + ARENA_BYTES - 1, arena + ARENA_BYTES, arena + 2 * ARENA_BYTES, end - 1] {
        // SAFETY: inside of a span of our own.
        unsafe { core::ptr::with_exposed_provenance_mut::<u8>(addr).write(1) };
        assert_eq!(heap.lookup(addr), Lookup::Span(long));
    }
    // SAFETY: a span of the test.
    assert!(unsafe { heap.resize_whole(long, PAGES) });
    assert_eq!(heap.lookup(arena + ARENA_BYTES), Lookup::Nothing);
    // SAFETY: as above.
    assert!(unsafe { heap.resize_whole(long, 2 * ARENA_BYTES / PAGE_SIZE) });
    assert_eq!(heap.lookup(end - 1), Lookup::Span(long));
    give_all(&heap, first, vec![long]);
}
