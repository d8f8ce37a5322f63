//! The situations of Go's `TestPageAllocFree` and `TestPageAllocAllocAndFree`, row by row.
#![cfg(not(loom))]

mod support;

use gort_mheap::page_alloc::Run;
use support::{C, ChunkRow, Runs, all, check, none, page, rest, window};

#[test]
fn freed_pages_are_free() {
    let full = |chunks: usize| -> Vec<ChunkRow> { (0..chunks).map(|chunk| (chunk, all(), none())).collect() };
    type Row = (&'static str, usize, Vec<ChunkRow>, Vec<usize>, Vec<Runs>);
    let rows: Vec<Row> = vec![
        ("one page each", 1, full(1), (0..5).collect(), vec![vec![rest(5)]]),
        (
            "one page in each of many chunks",
            1,
            full(3),
            vec![C / 2, page(1, 0), page(2, C - 1)],
            vec![vec![(0, C / 2), rest(C / 2 + 1)], vec![rest(1)], vec![(0, C - 1)]],
        ),
        ("two pages each", 2, full(1), vec![0, 2, 4, 6, 8], vec![vec![rest(10)]]),
        (
            "two pages over a border",
            2,
            vec![(0, vec![(C - 1, 1)], none()), (1, vec![(0, 1)], none())],
            vec![C - 1],
            vec![none(), none()],
        ),
        ("five pages each", 5, full(1), vec![0, 5, 10, 15, 20], vec![vec![rest(25)]]),
        ("a word each", 64, full(1), vec![0, 64, 128], vec![vec![rest(192)]]),
        ("a word and a page each", 65, full(1), vec![0, 65, 130], vec![vec![rest(195)]]),
        ("a chunk", C, full(1), vec![0], vec![none()]),
        (
            "a chunk's worth over a border",
            C,
            vec![(0, vec![rest(C / 2)], none()), (1, vec![(0, C / 2)], none())],
            vec![C / 2],
            vec![none(), none()],
        ),
        ("a chunk and a page", C + 1, full(2), vec![C / 2], vec![vec![(0, C / 2)], vec![rest(C / 2 + 1)]]),
        ("two chunks", 2 * C, full(2), vec![0], vec![none(), none()]),
        (
            "two chunks' worth over two borders",
            2 * C,
            full(3),
            vec![C / 2],
            vec![vec![(0, C / 2)], none(), vec![rest(C / 2)]],
        ),
        (
            "seven chunks and five pages",
            7 * C + 5,
            full(8),
            vec![0],
            vec![none(), none(), none(), none(), none(), none(), none(), vec![rest(5)]],
        ),
    ];
    for (name, count, before, frees, in_use) in rows {
        let mut pages = window(&before);
        frees.into_iter().for_each(|page| pages.free(page, count));
        let after: Vec<ChunkRow> =
            before.into_iter().zip(in_use).map(|((chunk, ..), now)| (chunk, now, none())).collect();
        check(&pages, &after, name);
    }
}

#[test]
fn what_was_freed_is_had_again() {
    let rows: Vec<ChunkRow> = (0..8).map(|chunk| (chunk, none(), none())).collect();
    let mut pages = window(&rows);
    for count in [8 * C, 8 * C, 8 * C, 1, 8 * C] {
        assert_eq!(pages.alloc(count), Some(Run { page: 0, scavenged: 0 }));
        pages.free(0, count);
        check(&pages, &rows, "all freed");
    }
    assert!(pages.alloc(8 * C).is_some());
    for (page, count, misses) in [(3 * C + 5, 1, 2), (C - 1, 2, 3), (0, 8 * C, 8 * C + 1)] {
        assert_eq!(pages.alloc(1), None);
        pages.free(page, count);
        assert_eq!(pages.alloc(misses), None);
        assert_eq!(pages.alloc(count).map(|run| run.page), Some(page));
    }
}
