//! The situations of Go's `mpagealloc_test.go`, row by row: growing, allocating, exhausting. What they free is
//! in `page_free.rs`.
#![cfg(not(loom))]

mod support;

use gort_mheap::PageAlloc;
use gort_mheap::page_alloc::{PageState, Run, WINDOW_PAGES_MAX};
use gort_sys::offheap::Persistent;
use support::{C, ChunkRow, Runs, all, check, none, page, rest, window};

/// The last chunk that a window can have.
const FAR: usize = WINDOW_PAGES_MAX / C - 1;
/// Summaries of single chunks on a page of the OS.
const SUMS: usize = 4096 / 8;

/// What is asked for, and where it is found with how many scavenged pages.
type Hit = (usize, Option<(usize, usize)>);

/// A situation: chunks, requests, and the pages in use at the end.
type Row = (&'static str, Vec<ChunkRow>, Vec<Hit>, Vec<Runs>);

fn run(name: &str, mut pages: PageAlloc, hits: &[Hit]) -> PageAlloc {
    for (i, (count, expected)) in hits.iter().enumerate() {
        let run = pages.alloc(*count).map(|run| (run.page, run.scavenged));
        assert_eq!(run, *expected, "{name}: request {i}, {count} pages");
        pages.check_invariants();
    }
    pages
}

fn run_rows(rows: Vec<Row>) {
    for (name, before, hits, in_use) in rows {
        let pages = run(name, window(&before), &hits);
        let after: Vec<ChunkRow> = before
            .into_iter()
            .zip(in_use)
            .map(|((chunk, _, scavenged), now)| (chunk, now, scavenged))
            .collect();
        check(&pages, &after, name);
    }
}

#[test]
fn what_was_grown_into_is_there_and_nothing_else() {
    let every_other: Vec<usize> = (0..=64).step_by(2).collect();
    for (name, chunks) in [
        ("one", vec![0]),
        ("two in a row", vec![0, 1]),
        ("five in a row", vec![0, 1, 2, 3, 4]),
        ("apart", vec![0, 2, 4]),
        ("in a row and apart", vec![0, 1, 2, 4]),
        ("wildly apart", vec![0, 1, 0x10, 0x21]),
        ("many apart", every_other),
        ("from end to end", vec![0, FAR]),
    ] {
        let (mut pages, source) = (PageAlloc::new(WINDOW_PAGES_MAX).unwrap(), Persistent::new());
        for chunk in &chunks {
            pages.grow(chunk * C, C, &source).unwrap();
        }
        pages.check_invariants();
        assert_eq!(pages.free_pages(), chunks.len() * C, "{name}");
        let last = chunks[chunks.len() - 1];
        for chunk in (0..=last.min(100)).chain([last, last + 1]) {
            let expected = if chunks.contains(&chunk) { PageState::Scavenged } else { PageState::Absent };
            assert_eq!(pages.page_state(page(chunk, 0)), expected, "{name}: {chunk}");
            assert_eq!(pages.page_state(page(chunk, C - 1)), expected, "{name}: {chunk}");
        }
    }
}

#[test]
fn small_requests_take_the_lowest_pages() {
    run_rows(vec![
        (
            "one page, all free",
            vec![(0, none(), vec![(0, 1), (2, 2)])],
            vec![
                (1, Some((0, 1))),
                (1, Some((1, 0))),
                (1, Some((2, 1))),
                (1, Some((3, 1))),
                (1, Some((4, 0))),
            ],
            vec![vec![(0, 5)]],
        ),
        (
            "one page, at the end of many",
            vec![(0, all(), none()), (1, all(), none()), (2, vec![(0, C - 1)], all())],
            vec![(1, Some((page(2, C - 1), 1)))],
            vec![all(), all(), all()],
        ),
        (
            "one page, behind a gap",
            vec![(0, all(), none()), (0xff, none(), all())],
            vec![(1, Some((page(0xff, 0), 1)))],
            vec![all(), vec![(0, 1)]],
        ),
        (
            "two pages, all free",
            vec![(0, none(), vec![(0, 3), (7, 1)])],
            vec![
                (2, Some((0, 2))),
                (2, Some((2, 1))),
                (2, Some((4, 0))),
                (2, Some((6, 1))),
                (2, Some((8, 0))),
            ],
            vec![vec![(0, 10)]],
        ),
        (
            "two pages over a border of chunks",
            vec![(0, vec![(0, C - 1)], vec![(C - 1, 1)]), (1, vec![rest(1)], none())],
            vec![(2, Some((C - 1, 1)))],
            vec![all(), all()],
        ),
        (
            "five pages, all free",
            vec![(0, none(), vec![(0, 8), (9, 1), (17, 5)])],
            vec![
                (5, Some((0, 5))),
                (5, Some((5, 4))),
                (5, Some((10, 0))),
                (5, Some((15, 3))),
                (5, Some((20, 2))),
            ],
            vec![vec![(0, 25)]],
        ),
        (
            "a word of pages",
            vec![(0, none(), vec![(21, 1), (63, 65)])],
            vec![(64, Some((0, 2))), (64, Some((64, 64))), (64, Some((128, 0)))],
            vec![vec![(0, 192)]],
        ),
        (
            "a word and a page",
            vec![(0, none(), vec![(129, 1)])],
            vec![(65, Some((0, 0))), (65, Some((65, 1))), (65, Some((130, 0)))],
            vec![vec![(0, 195)]],
        ),
    ]);
}

#[test]
fn requests_of_about_a_chunk() {
    run_rows(vec![
        (
            "all but three, then the three",
            vec![(0, none(), vec![(10, 1)])],
            vec![
                (C - 3, Some((0, 1))),
                (C - 3, None),
                (1, Some((C - 3, 0))),
                (2, Some((C - 2, 0))),
                (1, None),
                (C - 3, None),
            ],
            vec![all()],
        ),
        (
            "a whole chunk",
            vec![(0, none(), vec![(0, 1), (C - 1, 1)])],
            vec![(C, Some((0, 2))), (C, None), (1, None)],
            vec![all()],
        ),
        (
            "a chunk's worth over a border",
            vec![(0, vec![(0, C / 2)], none()), (1, vec![rest(C / 2)], vec![(3, 100)])],
            vec![(C, Some((C / 2, 100))), (C, None), (1, None)],
            vec![all(), all()],
        ),
        (
            "a chunk and a page over a border",
            vec![(0, vec![(0, C / 2)], vec![rest(C / 2)]), (1, none(), all())],
            vec![(C + 1, Some((C / 2, C + 1))), (C, None), (1, Some((page(1, C / 2 + 1), 1)))],
            vec![all(), vec![(0, C / 2 + 2)]],
        ),
        (
            "five quarters of a chunk, in the last place that fits",
            vec![
                (0, all(), none()),
                (1, vec![(0, C * 3 / 4)], vec![(C * 3 / 4, 1)]),
                (2, vec![(0, C * 3 / 4)], none()),
                (3, none(), vec![(C * 2 / 3, 1)]),
            ],
            vec![
                (C * 5 / 4, Some((page(2, C * 3 / 4), 1))),
                (C * 5 / 4, None),
                (1, Some((page(1, C * 3 / 4), 1))),
            ],
            vec![all(), vec![(0, C * 3 / 4 + 1)], all(), all()],
        ),
    ]);
}

#[test]
fn requests_of_several_chunks() {
    let marks = [50, 31, 7, 200, 3, 51, 20, 1];
    run_rows(vec![
        (
            "two chunks",
            vec![(0, none(), none()), (1, none(), none())],
            vec![(2 * C, Some((0, 0))), (2 * C, None), (1, None)],
            vec![all(), all()],
        ),
        (
            "two chunks, not over a gap",
            vec![(0, none(), all()), (0x40, none(), none()), (0x41, none(), none())],
            vec![(2 * C, Some((page(0x40, 0), 0))), (21, Some((0, 21))), (1, Some((21, 1)))],
            vec![vec![(0, 22)], all(), all()],
        ),
        (
            "two chunks' worth over two borders",
            vec![
                (0, vec![(0, C / 2)], none()),
                (1, none(), vec![(3, 5), (121, 10)]),
                (2, vec![rest(C / 2)], none()),
            ],
            vec![(2 * C, Some((C / 2, 15))), (2 * C, None), (1, None)],
            vec![all(), all(), all()],
        ),
        (
            "seven chunks and five pages",
            marks.iter().enumerate().map(|(chunk, at)| (chunk, none(), vec![(*at, 1)])).collect(),
            vec![(7 * C + 5, Some((0, 8))), (7 * C + 5, None), (1, Some((page(7, 5), 0)))],
            vec![all(), all(), all(), all(), all(), all(), all(), vec![(0, 6)]],
        ),
        (
            "over a border of level 3",
            (0..16)
                .map(|chunk| {
                    (
                        chunk,
                        if chunk == 7 {
                            vec![(0, C - 3)]
                        } else if chunk == 8 {
                            none()
                        } else if chunk == 9 {
                            vec![rest(88)]
                        } else {
                            all()
                        },
                        none(),
                    )
                })
                .collect(),
            vec![(604, None), (603, Some((page(7, C - 3), 0)))],
            vec![all(); 16],
        ),
        (
            "over a border of the root",
            vec![(4095, vec![(0, C - 1)], none()), (4096, none(), none())],
            vec![(C + 1, Some((page(4095, C - 1), 0))), (1, None)],
            vec![all(), all()],
        ),
    ]);
}

#[test]
fn summaries_that_are_not_mapped_are_not_read() {
    run_rows(vec![
        (
            "the last summary of a page of the OS, and one far away",
            vec![(SUMS - 1, none(), none()), (FAR, none(), none())],
            vec![
                (C - 1, Some((page(SUMS - 1, 0), 0))),
                (1, Some((page(SUMS - 1, C - 1), 0))),
                (1, Some((page(FAR, 0), 0))),
                (C - 1, Some((page(FAR, 1), 0))),
                (1, None),
            ],
            vec![all(), all()],
        ),
        (
            // The second request walks past the middle chunk; the hint that it leaves must not point before that chunk.
            "a hint into the void",
            vec![
                (0, vec![(0, C - 1)], none()),
                (0x1_0503, vec![(0, C - 10), (C - 1, 1)], none()),
                (0x2_0000, none(), none()),
            ],
            vec![
                (1, Some((C - 1, 0))),
                (100, Some((page(0x2_0000, 0), 0))),
                (9, Some((page(0x1_0503, C - 10), 0))),
            ],
            vec![all(), all(), vec![(0, 100)]],
        ),
    ]);
}

#[test]
fn a_window_can_be_used_up() {
    for count in [1, 2, 3, 4, 5, 8, 16, 64, 1024, 1025, 2048] {
        let rows: Vec<ChunkRow> = (0..4).map(|chunk| (chunk, none(), none())).collect();
        let mut pages = window(&rows);
        let fits = 4 * C / count;
        for i in 0..fits {
            assert_eq!(pages.alloc(count), Some(Run { page: i * count, scavenged: 0 }), "{count}");
        }
        assert_eq!(pages.alloc(count), None, "{count}");
        let used = |chunk: usize| (fits * count).saturating_sub(chunk * C).min(C);
        let after: Vec<ChunkRow> = (0..4).map(|chunk| (chunk, vec![(0, used(chunk))], none())).collect();
        check(&pages, &after, "used up");
    }
    assert_eq!(window(&[(0, none(), none())]).alloc(2049), None);
}

#[test]
fn a_place_of_ones_choice() {
    let mut pages = window(&[(0, vec![(10, 5)], none()), (1, none(), none()), (3, none(), none())]);
    for (at, count, fits) in [
        (14, 1, false),
        (15, 1, true),
        (C - 1, 2, true),
        (2 * C, 1, false),
        (2 * C - 1, 2, false),
        (3 * C, C, true),
        (4 * C, 1, false),
    ] {
        assert_eq!(pages.alloc_at(at, count).is_some(), fits, "{count} at {at}");
        pages.check_invariants();
    }
    assert_eq!(pages.alloc(10).map(|run| run.page), Some(0));
}

#[test]
fn alignment_counts_from_address_nought() {
    let rows: Vec<ChunkRow> =
        (0..4).map(|chunk| (chunk, if chunk == 0 { vec![(0, 3)] } else { none() }, none())).collect();
    let mut pages = window(&rows);
    for base in [0usize, 5, 16] {
        let run = pages.alloc_aligned(7, 64, base).unwrap();
        assert_eq!((base + run.page) % 64, 0);
        pages.free(run.page, 7);
    }
}
