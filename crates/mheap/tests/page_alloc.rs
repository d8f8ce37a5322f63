//! The situations of Go's `mpagealloc_test.go`: growth, allocation, exhaustion and freeing, row by row.
#![cfg(not(loom))]

use gort_mheap::PageAlloc;
use gort_mheap::page_alloc::{Run, WINDOW_PAGES_MAX, bits::CHUNK_PAGES};
use gort_sys::offheap::Persistent;

const C: usize = CHUNK_PAGES;

enum Step {
    Alloc(usize, Option<usize>),
    At(usize, usize, bool),
    Free(usize, usize),
}
use Step::{Alloc, At, Free};

/// A window with these chunks, and these pages of them taken.
fn window(chunks: &[(usize, usize)], taken: &[(usize, usize)]) -> PageAlloc {
    let mut pages = PageAlloc::new(WINDOW_PAGES_MAX).unwrap();
    for (first, count) in chunks {
        pages.grow(first * C, count * C, &Persistent::new()).unwrap();
    }
    for (page, count) in taken {
        assert!(pages.alloc_at(*page, *count).is_some(), "{page} {count}");
    }
    pages.check_invariants();
    pages
}

type Row = (&'static str, Vec<(usize, usize)>, Vec<(usize, usize)>, Vec<Step>);

#[test]
fn allocations_go_to_the_lowest_place_that_fits() {
    let far = WINDOW_PAGES_MAX / C - 1;
    let rows: Vec<Row> = vec![
        (
            "all free, one page",
            vec![(0, 1)],
            vec![],
            vec![Alloc(1, Some(0)), Alloc(1, Some(1)), Alloc(1, Some(2))],
        ),
        (
            "many chunks, one page",
            vec![(0, 3)],
            vec![(0, C), (2 * C, C)],
            vec![Alloc(1, Some(C)), Alloc(1, Some(C + 1))],
        ),
        (
            "chunks apart",
            vec![(0, 1), (far, 1)],
            vec![(0, C)],
            vec![Alloc(1, Some(far * C)), Alloc(2, Some(far * C + 1)), Alloc(C, None)],
        ),
        ("everything", vec![(0, 4)], vec![], vec![Alloc(4 * C, Some(0)), Alloc(1, None)]),
        ("more than there is", vec![(0, 4)], vec![], vec![Alloc(4 * C + 1, None), Alloc(4 * C, Some(0))]),
        (
            "not over a gap",
            vec![(0, 1), (2, 1)],
            vec![],
            vec![Alloc(C + 1, None), Alloc(C, Some(0)), Alloc(C, Some(2 * C)), Alloc(1, None)],
        ),
        (
            "over a border of chunks",
            vec![(0, 2)],
            vec![(0, C - 5), (C + 7, C - 7)],
            vec![Alloc(13, None), Alloc(12, Some(C - 5)), Alloc(1, None)],
        ),
        (
            "over a border of level 3",
            vec![(0, 16)],
            vec![(0, 8 * C - 3), (8 * C + 600, 8 * C - 600)],
            vec![Alloc(603, Some(8 * C - 3))],
        ),
        (
            "over a border of the root",
            vec![(4095, 2)],
            vec![(4095 * C, C - 1)],
            vec![Alloc(C + 1, Some(4096 * C - 1)), Alloc(1, None)],
        ),
        ("many whole chunks", vec![(0, 64)], vec![(3, 1)], vec![Alloc(60 * C, Some(4)), Alloc(3, Some(0))]),
        (
            "freed pages are found again",
            vec![(0, 8)],
            vec![(0, 8 * C)],
            vec![
                Alloc(1, None),
                Free(3 * C + 5, 1),
                Alloc(2, None),
                Alloc(1, Some(3 * C + 5)),
                Free(C - 1, 2),
                Alloc(2, Some(C - 1)),
                Free(0, 8 * C),
                Alloc(8 * C, Some(0)),
            ],
        ),
        (
            "a place of one's choice",
            vec![(0, 2), (3, 1)],
            vec![(10, 5)],
            vec![
                At(14, 1, false),
                At(15, 1, true),
                At(C - 1, 2, true),
                At(2 * C, 1, false),
                At(2 * C - 1, 2, false),
                At(3 * C, C, true),
                At(4 * C, 1, false),
                Alloc(10, Some(0)),
            ],
        ),
    ];
    for (name, chunks, taken, steps) in rows {
        let mut pages = window(&chunks, &taken);
        for step in steps {
            match step {
                Alloc(n, expected) => assert_eq!(pages.alloc(n).map(|run| run.page), expected, "{name}: {n}"),
                At(page, n, fits) => assert_eq!(pages.alloc_at(page, n).is_some(), fits, "{name}: {page}"),
                Free(page, n) => pages.free(page, n),
            }
            pages.check_invariants();
        }
    }
}

#[test]
fn scavenged_pages_are_counted_and_given_back() {
    let mut pages = window(&[(0, 2)], &[]);
    assert_eq!(pages.scavenged_pages(), 2 * C, "fresh pages have no memory");
    assert_eq!(pages.alloc(10), Some(Run { page: 0, scavenged: 10 }));
    pages.free(0, 10);
    assert_eq!(pages.alloc(20), Some(Run { page: 0, scavenged: 10 }));
    pages.free(0, 20);
    assert_eq!(pages.take_unscavenged(8, true), Some((12, 8)), "the highest first");
    pages.free_scavenged(12, 8);
    assert_eq!(pages.take_unscavenged(64, true), Some((0, 12)));
    pages.free_scavenged(0, 12);
    assert_eq!(pages.take_unscavenged(64, true), None);
    assert_eq!(pages.scavenged_pages(), 2 * C);
    pages.check_invariants();
}

#[test]
fn alignment_counts_from_address_nought() {
    let mut pages = window(&[(0, 4)], &[(0, 3)]);
    for base in [0usize, 5, 16] {
        let run = pages.alloc_aligned(7, 64, base).unwrap();
        assert_eq!((base + run.page) % 64, 0);
        pages.free(run.page, 7);
    }
}
