//! Sequential allocation: a pointer that moves forward.
//!
//! | wins | loses |
//! |---|---|
//! | two additions and a compare, no loss between blocks, neighbours in time are neighbours in memory | nothing can be freed but the last block, or all |
//!
//! The classic use is an arena whose blocks end together: a request, a frame, a pass of a compiler.

/// Hands out offsets of a range of bytes in order.
///
/// ```
/// use gort_mheap::strategy::Bump;
///
/// let mut range = Bump::new(100);
/// assert_eq!(range.alloc(10, 1), Some(0));
/// assert_eq!(range.alloc(8, 8), Some(16));
/// let mark = range.mark();
/// assert_eq!(range.alloc(76, 1), Some(24));
/// assert_eq!(range.alloc(1, 1), None);
/// range.rewind(mark);
/// assert_eq!(range.alloc(1, 1), Some(24));
/// ```
#[derive(Clone, Debug)]
pub struct Bump {
    next: usize,
    end: usize,
}

/// A point to go back to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Mark(usize);

impl Bump {
    /// A range of `len` bytes, all free.
    pub const fn new(len: usize) -> Self {
        Self { next: 0, end: len }
    }

    /// Offset of `size` bytes at a multiple of `align`, a power of two; `None` when they do not fit. Constant time.
    pub const fn alloc(&mut self, size: usize, align: usize) -> Option<usize> {
        debug_assert!(align.is_power_of_two());
        let Some(start) = self.next.checked_next_multiple_of(align) else { return None };
        let Some(end) = start.checked_add(size) else { return None };
        if end > self.end {
            return None;
        }
        self.next = end;
        Some(start)
    }

    /// The current point.
    pub const fn mark(&self) -> Mark {
        Mark(self.next)
    }

    /// Frees everything that was allocated after `mark` was taken.
    ///
    /// # Panics
    /// When `mark` lies ahead, because an earlier mark was rewound to meanwhile.
    pub const fn rewind(&mut self, mark: Mark) {
        assert!(mark.0 <= self.next, "rewinding forward");
        self.next = mark.0;
    }

    /// Bytes that are left.
    pub const fn rest(&self) -> usize {
        self.end - self.next
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_aligned_disjoint_and_inside() {
        let mut range = Bump::new(1 << 16);
        let mut end = 0;
        for i in 0..2000usize {
            let (size, align) = (i * 7 % 50, 1 << (i % 7));
            let Some(at) = range.alloc(size, align) else { continue };
            assert!(at % align == 0 && at >= end && at + size <= 1 << 16);
            end = at + size;
        }
        assert_eq!(range.rest(), (1 << 16) - end);
    }

    /// Random allocations, marks and rewinds against a list of the blocks that are in use.
    #[test]
    fn agrees_with_a_list_of_blocks_under_marks_and_rewinds() {
        let mut state = 5u64;
        let mut random = move |n: usize| {
            state = gort_sys::rand::mix(state);
            (state >> 33) as usize % n
        };
        let mut range = Bump::new(1 << 14);
        let (mut blocks, mut marks): (Vec<(usize, usize)>, Vec<(Mark, usize)>) = Default::default();
        for _ in 0..20_000 {
            match random(8) {
                0 => marks.push((range.mark(), blocks.len())),
                1 if !marks.is_empty() => {
                    let (mark, len) = marks.swap_remove(random(marks.len()));
                    range.rewind(mark);
                    blocks.truncate(len);
                    marks.retain(|(other, _)| *other <= mark);
                }
                _ => {
                    let (size, align) = (random(100), 1 << random(6));
                    let end = blocks.last().map_or(0, |(at, size)| at + size);
                    let expected = Some(end.next_multiple_of(align)).filter(|at| at + size <= 1 << 14);
                    assert_eq!(range.alloc(size, align), expected);
                    blocks.extend(expected.map(|at| (at, size)));
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "rewinding forward")]
    fn a_mark_that_was_rewound_over_is_no_mark() {
        let mut range = Bump::new(100);
        let early = range.mark();
        range.alloc(10, 1).unwrap();
        let late = range.mark();
        range.rewind(early);
        range.rewind(late);
    }

    #[test]
    fn hostile_sizes_do_not_wrap() {
        let mut range = Bump::new(100);
        range.alloc(1, 1).unwrap();
        assert_eq!(range.alloc(usize::MAX, 1), None);
        assert_eq!(range.alloc(1, 1 << 63), None);
        assert_eq!(range.rest(), 99);
    }
}
