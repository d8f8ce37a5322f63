//! The situations of Go's `mgcscavenge_test.go`, row by row: candidates, whole searches, the index.
#![cfg(not(loom))]

mod support;

use gort_mheap::page_alloc::Run;
use gort_mheap::page_alloc::bits::{Chunk, PageBits};
use gort_mheap::page_alloc::scav_index::ScavIndex;
use support::{C, ChunkRow, Runs, all, check, none, rest, window};

fn bits(runs: &[(usize, usize)]) -> PageBits {
    let mut bits = PageBits::EMPTY;
    runs.iter().for_each(|(from, n)| bits.set_range(*from, *n));
    bits
}

/// Name, pages in use, scavenged pages, least, most, and the run that is found.
type Candidate = (&'static str, Runs, Runs, usize, usize, Option<(usize, usize)>);

fn check_candidates(rows: Vec<Candidate>) {
    for (name, in_use, scavenged, least, most, expected) in rows {
        let mut chunk = Chunk { alloc: bits(&in_use), scavenged: bits(&scavenged) };
        // No page in use is scavenged.
        in_use.iter().for_each(|(from, n)| chunk.scavenged.clear_range(*from, *n));
        assert_eq!(
            chunk.scavenge_candidate(C - 1, least, most),
            expected,
            "{name}, least {least}, most {most}"
        );
    }
}

#[test]
fn candidates_between_single_pages() {
    check_candidates(vec![
        ("mixed", vec![(0, 40), rest(42)], vec![(0, 41)], 1, C, Some((41, 1))),
        ("several runs", vec![(0, 63), (65, 20), rest(87)], vec![(86, 1)], 1, C, Some((85, 1))),
    ]);
}

#[test]
fn candidates_of_every_granularity() {
    for m in (0..=6).map(|shift| 1usize << shift) {
        check_candidates(vec![
            ("all free", none(), none(), m, C, Some((0, C))),
            ("all scavenged", none(), all(), m, C, None),
            ("none free", all(), none(), m, C, None),
            ("start free", vec![rest(m)], none(), m, C, Some((0, m))),
            ("end free", vec![(0, C - m)], none(), m, C, Some((C - m, m))),
            ("over a word border", vec![(0, 64 - m), rest(64 + m)], none(), m, 2 * m, Some((64 - m, 2 * m))),
            (
                "above a full word",
                vec![(64, 64), rest(128 + 3 * m)],
                vec![(1, 10)],
                m,
                3 * m,
                Some((128, 3 * m)),
            ),
            (
                "above a word with a pocket",
                vec![(64, 62), (127, 1), rest(128 + 3 * m)],
                vec![(1, 10)],
                m,
                3 * m,
                Some((128, 3 * m)),
            ),
            ("most of nought means least", none(), vec![(0, C - m)], m, 0, Some((C - m, m))),
        ]);
    }
    for m in (0..=3).map(|shift| 1usize << shift) {
        check_candidates(vec![
            ("one block free", vec![(0, 40), rest(40 + m)], none(), m, C, Some((40, m))),
            ("one page of it scavenged", vec![(0, 40), rest(40 + m)], vec![(40, 1)], m, C, None),
        ]);
    }
    for m in (1..=6).map(|shift| 1usize << shift) {
        check_candidates(vec![
            ("most is no multiple", none(), vec![(0, C - (2 * m - 1))], m, m - 2, Some((C - m, m))),
            (
                "small holes are skipped",
                vec![(0, 64 - m), (64, 5), (70, 11), rest(82)],
                none(),
                m,
                m,
                Some((64 - m, m)),
            ),
            (
                "misaligned holes are skipped",
                vec![(0, 64 - m), (64, 63), rest(127 + m)],
                none(),
                m,
                m,
                Some((64 - m, m)),
            ),
            ("most below least", none(), vec![(0, C - m)], m, 1, Some((C - m, m))),
        ]);
    }
}

/// Name, chunks, requests with what they give, and the scavenged pages of each chunk at the end.
type Search = (&'static str, Vec<ChunkRow>, Vec<(usize, usize)>, Vec<Runs>);

#[test]
fn searches_take_the_highest_pages_until_nothing_is_left() {
    let rows: Vec<Search> = vec![
        (
            "all free",
            (0..3).map(|chunk| (chunk, none(), none())).collect(),
            vec![(usize::MAX, 3 * C), (usize::MAX, 0)],
            vec![all(), all(), all()],
        ),
        (
            "nothing that is free has memory",
            vec![(0, all(), none()), (1, none(), all()), (2, all(), none())],
            vec![(usize::MAX, 0)],
            vec![none(), all(), none()],
        ),
        ("the highest page first", vec![(0, none(), vec![(1, C - 2)])], vec![(1, 1)], vec![vec![rest(1)]]),
        ("one by one", vec![(0, none(), vec![(1, C - 2)])], vec![(1, 1), (1, 1), (1, 0)], vec![all()]),
        (
            "over two chunks",
            vec![(0, none(), vec![(1, C - 2)]), (1, none(), vec![(0, C - 2)])],
            vec![(2, 2), (1, 1), (1, 1), (1, 0)],
            vec![all(), all()],
        ),
        (
            "over a gap",
            vec![(0, none(), vec![(1, C - 2)]), (0xe, none(), vec![rest(2)])],
            vec![(2, 2), (usize::MAX, 2), (usize::MAX, 0)],
            vec![all(), all()],
        ),
        (
            "far apart",
            vec![(0, none(), none()), (0x1000, none(), none())],
            vec![(usize::MAX, 2 * C), (usize::MAX, 0)],
            vec![all(), all()],
        ),
    ];
    for (name, before, requests, scavenged) in rows {
        let mut pages = window(&before);
        for (request, expected) in requests {
            let mut done = 0;
            while done < request
                && let Some((page, n)) = pages.take_unscavenged(request - done, true)
            {
                pages.free_scavenged(page, n);
                done += n;
            }
            assert_eq!(done, expected, "{name}: {request}");
        }
        let after: Vec<ChunkRow> =
            before.into_iter().zip(scavenged).map(|((chunk, in_use, _), now)| (chunk, in_use, now)).collect();
        check(&pages, &after, name);
    }
}

/// Name, chunks whose pages `from..to` become free, and the chunks that are found, in this order.
type Marks = (&'static str, Vec<(usize, usize)>, Vec<usize>);

fn down(from: usize, to: usize) -> Vec<usize> {
    (from..to).rev().collect()
}

/// Frees the pages `from..to`, of any chunks, as the page allocator does.
fn mark(index: &mut ScavIndex, from: usize, to: usize) {
    for chunk in from / C..to.div_ceil(C) {
        let n = to.min((chunk + 1) * C) - from.max(chunk * C);
        index.taken(chunk, n);
        index.given(chunk, n);
    }
}

#[test]
fn the_index_gives_each_marked_chunk_once_from_the_top() {
    let rows: Vec<Marks> = vec![
        ("nothing", vec![], vec![]),
        ("a page", vec![(3, 4)], vec![0]),
        ("the first page", vec![(0, 1)], vec![0]),
        ("several pages", vec![(9, 14)], vec![0]),
        ("a whole chunk", vec![(0, C)], vec![0]),
        ("the last page", vec![(C - 1, C)], vec![0]),
        ("two chunks", vec![(128, C + 128)], vec![1, 0]),
        ("two chunks, higher up", vec![(7 * C + 128, 8 * C + 129)], vec![8, 7]),
        ("seven chunks", vec![(6 * C + 11, 13 * C + 15)], down(6, 14)),
        ("thirty-two chunks", vec![(0, 32 * C)], down(0, 32)),
        ("thirty-two chunks, higher up", vec![(3 * C, 35 * C)], down(3, 35)),
        ("one by one", (0..32).map(|chunk| (chunk * C, (chunk + 1) * C)).collect(), down(0, 32)),
        ("the same twice", vec![(0, C), (0, C)], vec![0]),
        ("thirty-two twice", vec![(0, 32 * C), (0, 32 * C)], down(0, 32)),
        ("two ranges that overlap", vec![(4 * C, 31 * C), (5 * C, 36 * C)], down(4, 36)),
    ];
    for force in [false, true] {
        for (name, marks, found) in &rows {
            let mut index = ScavIndex::new(64).unwrap();
            index.make_ready(0..64).unwrap();
            marks.iter().for_each(|(from, to)| mark(&mut index, *from, *to));
            for chunk in found {
                assert_eq!(index.find(force), Some(*chunk), "{name}, force {force}");
                index.set_empty(*chunk);
            }
            assert_eq!(index.find(force), None, "{name}, force {force}");
        }
    }
}

#[test]
fn marks_and_finds_in_turn() {
    let mut index = ScavIndex::new(64).unwrap();
    index.make_ready(0..64).unwrap();
    for chunk in 0..32 {
        mark(&mut index, chunk * C, (chunk + 1) * C);
        assert_eq!(index.find(false), Some(chunk));
        index.set_empty(chunk);
    }
    assert_eq!(index.find(true), None);
}

#[test]
fn scavenged_pages_are_counted_through_a_life() {
    let mut pages = window(&[(0, none(), all()), (1, none(), all())]);
    assert_eq!(pages.alloc(10), Some(Run { page: 0, scavenged: 10 }), "fresh pages have no memory");
    pages.free(0, 10);
    assert_eq!(pages.alloc(20), Some(Run { page: 0, scavenged: 10 }));
    pages.free(0, 20);
    assert_eq!(pages.take_unscavenged(8, true), Some((12, 8)), "the highest first");
    pages.free_scavenged(12, 8);
    assert_eq!(pages.take_unscavenged(64, true), Some((0, 12)));
    pages.free_scavenged(0, 12);
    assert_eq!(pages.take_unscavenged(64, true), None);
    check(&pages, &[(0, none(), all()), (1, none(), all())], "as at the start");
}
