//! A page allocator in any state, and what state it is in.
#![allow(dead_code, reason = "each test uses its part")]

use gort_mheap::PageAlloc;
use gort_mheap::page_alloc::bits::CHUNK_PAGES;
use gort_mheap::page_alloc::{PageState, WINDOW_PAGES_MAX};
use gort_sys::offheap::Persistent;

/// Pages of a chunk.
pub(crate) const C: usize = CHUNK_PAGES;

/// A page of a chunk.
pub(crate) const fn page(chunk: usize, i: usize) -> usize {
    chunk * C + i
}

/// Runs of pages of a chunk: first page and length.
pub(crate) type Runs = Vec<(usize, usize)>;

/// A chunk: its number, the pages in use, and the free ones without memory.
pub(crate) type ChunkRow = (usize, Runs, Runs);

fn holds(runs: &[(usize, usize)], page: usize) -> bool {
    runs.iter().any(|(from, n)| (*from..from + n).contains(&page))
}

fn state_in(row: &ChunkRow, page: usize) -> PageState {
    match (holds(&row.1, page), holds(&row.2, page)) {
        (true, _) => PageState::InUse,
        (false, true) => PageState::Scavenged,
        (false, false) => PageState::Free,
    }
}

/// A window with these chunks.
pub(crate) fn window(rows: &[ChunkRow]) -> PageAlloc {
    let (mut pages, source) = (PageAlloc::new(WINDOW_PAGES_MAX).unwrap(), Persistent::new());
    for row in rows {
        let first = row.0 * C;
        pages.grow(first, C, &source).unwrap();
        pages.alloc_at(first, C).unwrap();
        for page in 0..C {
            match state_in(row, page) {
                PageState::Free => pages.free(first + page, 1),
                PageState::Scavenged => pages.free_scavenged(first + page, 1),
                _ => {}
            }
        }
    }
    pages.check_invariants();
    pages
}

/// Compares every page of these chunks, and the counts.
pub(crate) fn check(pages: &PageAlloc, rows: &[ChunkRow], name: &str) {
    pages.check_invariants();
    let (mut free, mut scavenged) = (0, 0);
    for row in rows {
        for page in 0..C {
            let (state, expected) = (pages.page_state(row.0 * C + page), state_in(row, page));
            assert_eq!(state, expected, "{name}: page {page} of chunk {}", row.0);
            free += (expected != PageState::InUse) as usize;
            scavenged += (expected == PageState::Scavenged) as usize;
        }
    }
    assert_eq!((pages.free_pages(), pages.scavenged_pages()), (free, scavenged), "{name}");
}

/// The chunk's pages from `from` on are in use.
pub(crate) fn rest(from: usize) -> (usize, usize) {
    (from, C - from)
}

/// All of a chunk.
pub(crate) fn all() -> Runs {
    vec![(0, C)]
}

/// None of a chunk.
pub(crate) fn none() -> Runs {
    vec![]
}
