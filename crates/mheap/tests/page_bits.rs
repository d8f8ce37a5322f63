//! The situations of Go's `mpallocbits_test.go`, row by row: counting, summaries, finding and freeing in a chunk.
#![cfg(not(loom))]

mod support;

use gort_mheap::page_alloc::bits::PageBits;
use gort_mheap::page_alloc::summary::Summary;
use support::{C, Runs, all, none, rest};

fn bits(runs: &[(usize, usize)]) -> PageBits {
    let mut bits = PageBits::EMPTY;
    runs.iter().for_each(|(from, n)| bits.set_range(*from, *n));
    bits
}

fn inverted(runs: &[(usize, usize)]) -> PageBits {
    let mut bits = bits(&[(0, C)]);
    runs.iter().for_each(|(from, n)| bits.clear_range(*from, *n));
    bits
}

#[test]
fn bits_of_a_range_are_counted() {
    let scattered = [
        (1, 3),
        (5, 1),
        (7, 1),
        (10, 2),
        (13, 1),
        (15, 4),
        (21, 1),
        (23, 1),
        (26, 2),
        (30, 5),
        (36, 2),
        (40, 3),
        (44, 6),
        (51, 1),
        (53, 2),
        (58, 3),
        (63, 1),
        (67, 2),
        (71, 10),
        (84, 1),
        (89, 7),
        (99, 2),
        (103, 1),
        (107, 2),
        (111, 1),
        (113, 1),
        (115, 1),
        (118, 1),
        (120, 2),
        (125, 5),
    ];
    type Row = (&'static str, Runs, Vec<(usize, usize, usize)>);
    let rows: Vec<Row> = vec![
        ("none", none(), vec![(0, 1, 0), (5, 3, 0), (2, 11, 0), (C / 4 + 1, C / 2, 0), (0, C, 0)]),
        ("all", all(), vec![(0, 1, 1), (5, 3, 3), (2, 11, 11), (C / 4 + 1, C / 2, C / 2), (0, C, C)]),
        (
            "upper half",
            vec![rest(C / 2)],
            vec![
                (0, 1, 0),
                (2, 11, 0),
                (C / 2 - 1, 1, 0),
                (C / 2, 1, 1),
                (C / 2 + 10, 1, 1),
                (C / 2 - 1, 2, 1),
                (C / 4, C / 4, 0),
                (C / 4, C / 4 + 1, 1),
                (C / 4 + 1, C / 2, C / 4 + 1),
                (0, C, C / 2),
            ],
        ),
        (
            "an odd bound",
            vec![(0, 111)],
            vec![
                (5, 3, 3),
                (110, 2, 1),
                (99, 50, 12),
                (110, 1, 1),
                (111, 1, 0),
                (99, 1, 1),
                (120, 1, 0),
                (C / 2, C / 2, 0),
                (0, C, 111),
            ],
        ),
        (
            "scattered",
            scattered.to_vec(),
            vec![(0, 11, 6), (0, 64, 39), (13, 64, 40), (64, 64, 34), (0, 128, 73), (1, 128, 74), (0, C, 75)],
        ),
    ];
    for (name, set, counts) in rows {
        let bits = bits(&set);
        for (from, n, expected) in counts {
            assert_eq!(bits.count(from, n), expected, "{name}: {n} from {from}");
        }
    }
}

#[test]
fn free_runs_are_summarized() {
    let sum = Summary::new;
    for (name, free, expected) in [
        ("nothing", none(), sum(0, 0, 0)),
        ("start", vec![(0, 10)], sum(10, 10, 0)),
        ("end", vec![(C - 40, 40)], sum(0, 40, 40)),
        ("start and end", vec![(0, 11), (C - 23, 23)], sum(11, 23, 23)),
        ("start, longest and end", vec![(0, 4), (50, 100), (C - 4, 4)], sum(4, 100, 4)),
        ("longest over words", vec![(1, 20), (35, 241), (C - 50, 30)], sum(0, 241, 0)),
        ("two longest", vec![(35, 2), (40, 5), (100, 5)], sum(0, 5, 0)),
        ("a page", vec![(2, 1)], sum(0, 1, 0)),
        ("all", all(), sum(C, C, C)),
    ] {
        assert_eq!(inverted(&free).summarize(), expected, "{name}");
    }
}

#[test]
fn runs_are_found_one_after_the_other() {
    let half = C / 2;
    type Row = (&'static str, Runs, usize, Vec<usize>, Runs);
    let rows: Vec<Row> = vec![
        ("one of all", none(), 1, vec![0, 1, 2, 3, 4, 5], vec![(0, 6)]),
        ("two of all", none(), 2, vec![0, 2, 4, 6, 8, 10], vec![(0, 12)]),
        ("five of all", none(), 5, vec![0, 5, 10, 15, 20], vec![(0, 25)]),
        ("a word of all", none(), 64, vec![0, 64, 128], vec![(0, 192)]),
        ("a word and a page of all", none(), 65, vec![0, 65, 130], vec![(0, 195)]),
        ("one fits", vec![(0, half - 3), rest(half - 2)], 1, vec![half - 3], all()),
        ("two fit", vec![(0, half - 3), rest(half - 1)], 2, vec![half - 3], all()),
        ("five fit", vec![(0, half - 3), rest(half + 2)], 5, vec![half - 3], all()),
        ("a word and a page fit", vec![(0, half - 31), rest(half + 34)], 65, vec![half - 31], all()),
        ("161 behind a hole of 145", vec![(0, 185), (331, 1)], 161, vec![332], vec![(0, 185), (331, 162)]),
    ];
    for (name, taken, n, hits, after) in rows {
        let mut bits = bits(&taken);
        for hit in hits {
            assert_eq!(bits.find(n, 0).0, Some(hit), "{name}");
            bits.set_range(hit, n);
        }
        assert!(after != all() || bits.find(n, 0).0.is_none(), "{name}: used up");
        assert_eq!(bits, self::bits(&after), "{name}");
    }
}

#[test]
fn no_run_is_found_where_none_is() {
    for n in [1, 2, 5, 65] {
        assert_eq!(bits(&all()).find(n, 0), (None, C), "{n}");
    }
    assert_eq!(bits(&[(0, 32), (64, 32), rest(100)]).find(64, 0), (None, 32));
}

#[test]
fn freed_runs_are_clear() {
    type Row = (&'static str, Runs, usize, Vec<usize>, Runs);
    let rows: Vec<Row> = vec![
        ("one each", none(), 1, vec![0, 1, 2, 3, 4, 5], vec![(0, 6)]),
        ("two each", none(), 2, vec![0, 2, 4, 6, 8, 10], vec![(0, 12)]),
        ("five each", none(), 5, vec![0, 5, 10, 15, 20], vec![(0, 25)]),
        ("a word each", none(), 64, vec![0, 64, 128], vec![(0, 192)]),
        ("a word and a page each", none(), 65, vec![0, 65, 130], vec![(0, 195)]),
        ("beside others", vec![(0, 32), (64, 32), (100, 1)], 1, vec![32], vec![(0, 33), (64, 32), (100, 1)]),
    ];
    for (name, free, n, frees, after) in rows {
        let mut bits = inverted(&free);
        frees.into_iter().for_each(|from| bits.clear_range(from, n));
        assert_eq!(bits, inverted(&after), "{name}");
    }
}
