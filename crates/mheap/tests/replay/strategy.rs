//! Requests to the bump allocator and to the free list, with each fit, against maps of bytes.

use gort_mheap::strategy::{Bump, Fit, FreeList};
use gort_sys::rand::Choices;

const LEN: usize = 2000;

/// What a fit must choose among the free runs of a map: the start of the block.
fn expected(used: &[bool], fit: Fit, cursor: usize, size: usize) -> Option<usize> {
    let mut holes = Vec::new();
    for (i, used) in used.iter().enumerate() {
        match holes.last_mut() {
            _ if *used => {}
            Some((_, end)) if *end == i => *end = i + 1,
            _ => holes.push((i, i + 1)),
        }
    }
    let fits = |hole: &&(usize, usize)| hole.1 - hole.0 >= size;
    let found = match fit {
        Fit::First => holes.iter().find(fits),
        Fit::Next => {
            holes.iter().filter(|h| h.0 >= cursor).chain(holes.iter().filter(|h| h.0 < cursor)).find(fits)
        }
        Fit::Best => holes.iter().filter(fits).min_by_key(|hole| hole.1 - hole.0),
    };
    found.map(|hole| hole.0)
}

/// Blocks are taken and given back, also wrongly; each fit chooses as it says.
pub(crate) fn free_list(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let fit = [Fit::First, Fit::Next, Fit::Best][choices.below(3)];
    let mut range = FreeList::<600>::new(LEN, fit);
    let (mut used, mut live, mut cursor) = (vec![false; LEN], Vec::new(), 0);
    while !choices.is_empty() {
        match choices.below(5) {
            0 | 1 => {
                let size = choices.below(60);
                let at = range.alloc(size);
                assert_eq!(
                    at,
                    (size > 0).then(|| expected(&used, fit, cursor, size)).flatten(),
                    "{fit:?} {size}"
                );
                if let Some(at) = at {
                    used[at..at + size].fill(true);
                    live.push((at, size));
                    cursor = at + size;
                }
            }
            2 | 3 if !live.is_empty() => {
                let (at, size) = live.swap_remove(choices.below(live.len()));
                assert_eq!(range.free(at, size), Ok(()));
                used[at..at + size].fill(false);
            }
            _ => {
                // A block that is free in part, or outside.
                let (at, size) = (choices.below(LEN + 10), choices.below(30));
                if at + size > LEN || size == 0 || used[at..at + size].iter().any(|u| !*u) {
                    assert!(range.free(at, size).is_err(), "{at} {size}");
                }
            }
        }
        assert_eq!(range.free_bytes(), used.iter().filter(|u| !**u).count());
        assert_eq!(range.largest(), used.split(|u| *u).map(<[bool]>::len).max().unwrap_or(0));
    }
}

/// Blocks are taken in order, and given back from a mark on.
pub(crate) fn bump(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let mut range = Bump::new(LEN);
    let (mut end, mut marks) = (0usize, Vec::new());
    while !choices.is_empty() {
        match choices.below(4) {
            0 | 1 => {
                let (size, align) = (choices.below(100), 1usize << choices.below(8));
                let start = end.next_multiple_of(align);
                let expected = (start + size <= LEN).then_some(start);
                assert_eq!(range.alloc(size, align), expected);
                end = expected.map_or(end, |start| start + size);
            }
            2 => marks.push((range.mark(), end)),
            _ if !marks.is_empty() => {
                let at = choices.below(marks.len());
                let (mark, then) = marks[at];
                marks.truncate(at);
                range.rewind(mark);
                end = then;
            }
            _ => {}
        }
        assert_eq!(range.rest(), LEN - end);
    }
}
