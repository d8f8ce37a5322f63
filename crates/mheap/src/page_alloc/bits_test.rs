//! The situations of Go's `mpallocbits_test.go` and of `TestPallocDataFindScavengeCandidate`, and both against naive models.

use super::*;

fn with_ranges(ranges: &[(usize, usize)]) -> PageBits {
    let mut bits = PageBits::EMPTY;
    ranges.iter().for_each(|(from, n)| bits.set_range(*from, *n));
    bits
}

fn random(state: &mut u64, n: usize) -> usize {
    *state = gort_sys::rand::mix(*state);
    (*state >> 33) as usize % n
}

#[test]
fn ranges_are_set_exactly() {
    for (from, n) in [(0, 1), (0, 512), (511, 1), (63, 2), (64, 64), (3, 200), (100, 0)] {
        let bits = with_ranges(&[(from, n)]);
        assert!((0..CHUNK_PAGES).all(|i| bits.get(i) == (from..from + n).contains(&i)), "{from} {n}");
        assert_eq!(bits.count(0, CHUNK_PAGES), n);
    }
}

#[test]
fn summaries_of_named_patterns() {
    let sum = Summary::new;
    for (name, taken, expected) in [
        ("all free", vec![], sum(512, 512, 512)),
        ("all taken", vec![(0, 512)], sum(0, 0, 0)),
        ("first page taken", vec![(0, 1)], sum(0, 511, 511)),
        ("last page taken", vec![(511, 1)], sum(511, 511, 0)),
        ("middle taken", vec![(223, 3)], sum(223, 286, 286)),
        ("hole of one", vec![(0, 127), (128, 384)], sum(0, 1, 0)),
        ("hole over a word border", vec![(0, 60), (70, 442)], sum(0, 10, 0)),
        ("inner hole longest", vec![(5, 1), (300, 1), (310, 202)], sum(5, 294, 0)),
        ("holes of a word", vec![(0, 3), (8, 5), (20, 1), (22, 490)], sum(0, 7, 0)),
        ("every other", (0..256).map(|i| (2 * i, 1)).collect(), sum(0, 1, 1)),
    ] {
        assert_eq!(with_ranges(&taken).summarize(), expected, "{name}");
    }
}

#[test]
fn runs_are_found_at_the_lowest_place() {
    for (name, taken, steps) in [
        (
            "all free, one by one",
            vec![],
            vec![(1, 0, Some(0)), (1, 5, Some(5)), (512, 0, Some(0)), (2, 511, None)],
        ),
        ("all taken", vec![(0, 512)], vec![(1, 0, None), (512, 0, None)]),
        (
            "over a word border",
            vec![(0, 62), (66, 446)],
            vec![(1, 0, Some(62)), (4, 0, Some(62)), (5, 0, None)],
        ),
        (
            "several holes",
            vec![(0, 1), (4, 4), (10, 100), (120, 300)],
            vec![(2, 0, Some(1)), (3, 0, Some(1)), (4, 0, Some(110)), (11, 0, Some(420)), (93, 0, None)],
        ),
    ] {
        let bits = with_ranges(&taken);
        for (n, from, expected) in steps {
            assert_eq!(bits.find(n, from).0, expected, "{name}: {n} from {from}");
        }
    }
}

#[test]
fn summarize_and_find_agree_with_flags() {
    let mut state = 5;
    for _ in 0..3000 {
        let mut bits = PageBits::EMPTY;
        for _ in 0..random(&mut state, 40) {
            let from = random(&mut state, CHUNK_PAGES);
            bits.set_range(from, random(&mut state, 30).min(CHUNK_PAGES - from));
        }
        let free: Vec<bool> = (0..CHUNK_PAGES).map(|i| !bits.get(i)).collect();
        let runs: Vec<usize> = free.split(|f| !f).map(<[bool]>::len).collect();
        let naive = Summary::new(runs[0], *runs.iter().max().unwrap(), runs[runs.len() - 1]);
        assert_eq!(bits.summarize(), naive);
        let n = 1 + random(&mut state, 60);
        let naive = (0..=CHUNK_PAGES - n).find(|i| free[*i..i + n].iter().all(|f| *f));
        let (found, first) = bits.find(n, 0);
        assert_eq!((found, first), (naive, free.iter().position(|f| *f).unwrap_or(CHUNK_PAGES)));
    }
}

#[test]
fn scavenge_candidates_are_the_highest_runs_in_whole_blocks() {
    type Row = (&'static str, Vec<(usize, usize)>, Vec<(usize, usize)>, usize, usize, Option<(usize, usize)>);
    let rows: [Row; 9] = [
        ("all free", vec![], vec![], 1, 512, Some((0, 512))),
        ("all taken", vec![(0, 512)], vec![], 1, 512, None),
        ("all scavenged", vec![], vec![(0, 512)], 1, 512, None),
        ("bounded", vec![], vec![], 1, 8, Some((504, 8))),
        ("below what is taken", vec![(500, 12)], vec![], 1, 4, Some((496, 4))),
        ("between taken and scavenged", vec![(300, 212)], vec![(0, 290)], 1, 512, Some((290, 10))),
        ("blocks of eight skip a ragged end", vec![(500, 12)], vec![(0, 480)], 8, 512, Some((480, 16))),
        ("no whole block", vec![(5, 1), (13, 1)], vec![(16, 496)], 8, 512, None),
        ("blocks of 64", vec![(130, 1)], vec![(192, 320)], 64, 512, Some((0, 128))),
    ];
    for (name, alloc, scavenged, least, most, expected) in rows {
        let chunk = Chunk { alloc: with_ranges(&alloc), scavenged: with_ranges(&scavenged) };
        assert_eq!(chunk.scavenge_candidate(CHUNK_PAGES - 1, least, most), expected, "{name}");
    }
}
