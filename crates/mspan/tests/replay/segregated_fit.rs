//! Requests to the segregated fit against a map of bytes.

use gort_mspan::strategy::{SLAB, SegregatedFit};
use gort_sys::rand::Choices;

const SLABS: usize = 6;

/// Blocks are taken, given back, and given back wrongly; none overlap, and the whole range is free at the end.
pub(crate) fn replay(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let mut range = SegregatedFit::<SLABS>::new();
    let mut used = vec![false; SLABS * SLAB];
    let mut live: Vec<(usize, usize)> = Vec::new();
    while !choices.is_empty() {
        match choices.below(5) {
            0..=2 => {
                let size = 1 + choices.below(4097);
                let Some(at) = range.alloc(size) else { continue };
                assert!(size <= 4096 && !used[at..at + size].iter().any(|u| *u));
                used[at..at + size].fill(true);
                live.push((at, size));
            }
            3 if !live.is_empty() => {
                let (at, size) = live.swap_remove(choices.below(live.len()));
                assert_eq!(range.free(at), Ok(()));
                assert!(range.free(at).is_err(), "freed twice");
                used[at..at + size].fill(false);
            }
            _ => {
                let at = choices.below(SLABS * SLAB + 100);
                assert_eq!(range.free(at).is_ok(), live.iter().any(|(start, _)| *start == at), "{at}");
                if let Some(i) = live.iter().position(|(start, _)| *start == at) {
                    let (at, size) = live.swap_remove(i);
                    used[at..at + size].fill(false);
                }
            }
        }
    }
    live.iter().for_each(|(at, _)| assert_eq!(range.free(*at), Ok(())));
    assert_eq!((0..SLABS).filter(|_| range.alloc(4096).is_some()).count(), SLABS);
}
