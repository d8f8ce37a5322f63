//! The situations of Go's `mpagecache_test.go`, row by row: taking from a cache, flushing it, filling it.
#![cfg(not(loom))]

mod support;

use gort_mheap::page_alloc::{Run, WINDOW_PAGES_MAX};
use gort_mheap::{PageAlloc, PageCache};
use gort_sys::rand::mix;
use support::{C, ChunkRow, Runs, all, check, none, window};

const FAR: usize = WINDOW_PAGES_MAX / C - 1;
/// Summaries of single chunks on a page of the OS.
const SUMS: usize = 4096 / 8;

/// Free pages, those without memory, and requests: pages, and the first page with the number of scavenged ones.
type Row = (&'static str, u64, u64, Vec<(usize, Option<(usize, usize)>)>);

#[test]
fn pages_come_lowest_first_and_say_whether_they_were_scavenged() {
    let nothing = |counts: &[usize]| counts.iter().map(|n| (*n, None)).collect::<Vec<_>>();
    let one = |page: usize, scavenged: usize| (1, Some((page, scavenged)));
    let two = |page: usize, scavenged: usize| (2, Some((page, scavenged)));
    let rows: Vec<Row> = vec![
        ("empty", 0, 0, nothing(&[1, 2, 3, 4, 5, 11, 12, 16, 27, 32, 43, 57, 64, 121])),
        ("lowest page", 1, 1, vec![one(0, 1), (1, None), (10, None)]),
        ("highest page", 1 << 63, 0, vec![one(63, 0), (1, None), (10, None)]),
        (
            "single pages, some scavenged",
            0x2000_5555,
            0x5505,
            vec![
                (2, None),
                one(0, 1),
                one(2, 1),
                one(4, 0),
                one(6, 0),
                one(8, 1),
                one(10, 1),
                one(12, 1),
                one(14, 1),
                one(29, 0),
                (1, None),
                (10, None),
            ],
        ),
        ("lowest two", 3, 0, vec![two(0, 0), (2, None), (1, None)]),
        ("highest two", 3 << 62, 3 << 62, vec![two(62, 2), (2, None), (1, None)]),
        (
            "pairs, every other scavenged",
            0x3333 << 31,
            0x3030 << 31,
            vec![two(31, 0), two(35, 2), two(39, 0), two(43, 2), (2, None)],
        ),
        (
            "53 pages, exactly",
            ((1 << 53) - 1) << 10,
            ((1 << 16) - 1) << 10,
            vec![(53, Some((10, 16))), (53, None), (1, None)],
        ),
        (
            "53 of 64 pages",
            u64::MAX,
            ((1 << 16) - 1) << 10,
            vec![(53, Some((0, 16))), (53, None), one(53, 0)],
        ),
        ("64 pages", u64::MAX, u64::MAX, vec![(64, Some((0, 64))), (64, None), (1, None)]),
        (
            "many sizes",
            u64::MAX,
            u64::MAX,
            vec![
                (5, Some((0, 5))),
                (7, Some((5, 7))),
                one(12, 1),
                (23, Some((13, 23))),
                (63, None),
                (3, Some((36, 3))),
                (3, Some((39, 3))),
                (3, Some((42, 3))),
                (12, Some((45, 12))),
                (11, None),
                (4, Some((57, 4))),
                (4, None),
                (6, None),
                (36, None),
                two(61, 2),
                (3, None),
                one(63, 1),
                (4, None),
                (62, None),
                (1, None),
            ],
        ),
    ];
    for (name, free, scavenged, hits) in rows {
        let mut cache = PageCache::from_bits(640, free, scavenged);
        for (count, expected) in hits {
            let expected = expected.map(|(page, scavenged)| Run { page: 640 + page, scavenged });
            assert_eq!(cache.alloc(count), expected, "{name}: {count}");
        }
    }
}

/// The situations of Go's `TestFindBitRange64`: runs in a word.
#[test]
fn runs_in_a_word() {
    for n in 1..=64 {
        assert_eq!(PageCache::from_bits(0, u64::MAX, 0).alloc(n).map(|run| run.page), Some(0), "{n}");
        assert_eq!(PageCache::from_bits(0, 0, 0).alloc(n), None, "{n}");
    }
    for (word, n, expected) in [
        (0x8000_0000_0000_0000, 1, Some(63)),
        (0xc000_0100_0101_0000, 2, Some(62)),
        (0xc000_0100_0103_0000, 2, Some(16)),
        (0xe000_0300_0103_0000, 3, Some(61)),
        (0xe000_0300_0107_0000, 3, Some(16)),
        (0xffff_03ff_0107_0000, 16, Some(48)),
        (0xffff_03ff_0107_ffff, 16, Some(0)),
        (0x0fff_03ff_0107_9fff, 16, None),
    ] {
        assert_eq!(PageCache::from_bits(0, word, 0).alloc(n).map(|run| run.page), expected, "{word:x} {n}");
    }
}

fn runs_of(bits: u64, from: usize) -> Runs {
    (0..64).filter(|i| bits >> i & 1 != 0).map(|i| (from + i, 1)).collect()
}

/// Flushes a cache of a group that was taken whole, and looks at the chunk.
fn flush(from: usize, free: u64, scavenged: u64) {
    let mut pages = window(&[(0, vec![(from, 64)], none())]);
    let mut cache = PageCache::from_bits(from, free, scavenged);
    cache.flush(&mut pages);
    assert!(cache.is_empty());
    check(
        &pages,
        &[(0, runs_of(!free, from), runs_of(scavenged, from))],
        &format!("{from} {free:x} {scavenged:x}"),
    );
}

#[test]
fn a_flush_gives_back_what_is_left() {
    flush(0, 0, 0);
    flush(0, u64::MAX, u64::MAX);
    let mut state = 1;
    for _ in 0..100 {
        state = mix(state);
        let free = mix(state ^ 1);
        flush(state as usize % (C / 64) * 64, free, free & mix(state ^ 2));
    }
}

/// Chunks, the groups that fills take (`None`: no page is free), and the chunks after.
type Fill = (&'static str, Vec<ChunkRow>, Vec<Option<(usize, u64, u64)>>, Vec<ChunkRow>);

/// What a filled cache holds: found out by flushing a copy into a window where everything is taken.
fn expect_fill(pages: &mut PageAlloc, expected: Option<(usize, u64, u64)>, name: &str) {
    let mut cache = PageCache::EMPTY;
    assert_eq!(cache.fill(pages), expected.is_some(), "{name}");
    if let Some((group, free, scavenged)) = expected {
        assert_eq!(cache, PageCache::from_bits(group, free, scavenged), "{name}");
    }
    pages.check_invariants();
}

#[test]
fn a_fill_takes_the_lowest_group_with_a_free_page() {
    let rows: Vec<Fill> = vec![
        (
            "the last group of many chunks",
            vec![(0, all(), none()), (1, all(), none()), (2, vec![(0, C - 64)], none())],
            vec![Some((3 * C - 64, u64::MAX, 0))],
            vec![(0, all(), none()), (1, all(), none()), (2, all(), none())],
        ),
        ("nothing free", vec![(0, all(), none())], vec![None, None, None], vec![(0, all(), none())]),
        (
            "scavenged pages are told",
            vec![(0, vec![(0, 1), (10, 2)], vec![(1, 3)])],
            vec![Some((0, !(1 | 3 << 10), 7 << 1))],
            vec![(0, vec![(0, 64)], none())],
        ),
        (
            "all free",
            vec![(0, none(), vec![(1, 1), (64, 64)])],
            vec![
                Some((0, u64::MAX, 2)),
                Some((64, u64::MAX, u64::MAX)),
                Some((128, u64::MAX, 0)),
                Some((192, u64::MAX, 0)),
            ],
            vec![(0, vec![(0, 256)], none())],
        ),
        (
            "behind a gap",
            vec![(0, all(), none()), (0xff, none(), vec![(31, 67)])],
            vec![Some((0xff * C, u64::MAX, ((1 << 33) - 1) << 31))],
            vec![(0, all(), none()), (0xff, vec![(0, 64)], vec![(64, 34)])],
        ),
        (
            "groups with few free pages",
            vec![(0, vec![(0, 32), (33, 31), (96, 32)], vec![(32, 1), (66, 2)])],
            vec![Some((0, 1 << 32, 1 << 32)), Some((64, (1 << 32) - 1, 3 << 2))],
            vec![(0, vec![(0, 128)], none())],
        ),
        (
            "the last summary of a page of the OS, and one far away",
            vec![(SUMS - 1, vec![(0, C - 1)], none()), (FAR, vec![(1, C - 1)], none())],
            vec![Some((SUMS * C - 64, 1 << 63, 0)), Some((FAR * C, 1, 0)), None],
            vec![(SUMS - 1, all(), none()), (FAR, all(), none())],
        ),
    ];
    for (name, before, fills, after) in rows {
        let mut pages = window(&before);
        fills.into_iter().for_each(|expected| expect_fill(&mut pages, expected, name));
        check(&pages, &after, name);
    }
}
