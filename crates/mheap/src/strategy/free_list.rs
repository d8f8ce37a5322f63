//! A free list with first, next and best fit, and coalescing.
//!
//! Knuth, "The Art of Computer Programming" 1, section 2.5, describes first and next fit and the joining of
//! neighbours; Wilson et al. (1995), section 3.4, compare the three.
//!
//! | fit | looks at | tends to |
//! |---|---|---|
//! | first | the holes from the lowest address | small holes at the front, large ones kept at the back; little fragmentation |
//! | next | the holes after the last allocation | even wear, scattered neighbours; usually the most fragmentation |
//! | best | every hole | tight use, many tiny remainders; about as little fragmentation as first fit |
//!
//! All three cost time in the number of holes, which is why general allocators segregate sizes first.
//!
//! # Invariants
//! I1. Holes are sorted by address, do not overlap and do not touch: neighbours are joined when freed.

/// Which hole is taken among those that are large enough.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fit {
    /// The one with the lowest address.
    First,
    /// The next one after the last allocation, round and round.
    Next,
    /// The smallest.
    Best,
}

/// A run of free bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Hole {
    start: usize,
    len: usize,
}

/// Why a range cannot be freed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FreeError {
    /// Part of it is free already, or outside.
    NotAllocated,
    /// There is no room to note one more hole; nothing changed.
    TooManyHoles,
}

/// An allocator of offsets in a range, with at most `HOLES` holes.
///
/// ```
/// use gort_mheap::strategy::{Fit, FreeList};
///
/// let mut range = FreeList::<8>::new(100, Fit::Best);
/// let a = range.alloc(30).unwrap();
/// let b = range.alloc(10).unwrap();
/// let c = range.alloc(10).unwrap();
/// let _d = range.alloc(10).unwrap();
/// range.free(a, 30).unwrap();
/// range.free(c, 10).unwrap();
/// assert_eq!(range.alloc(10), Some(c)); // first fit would give `a`
/// range.free(b, 10).unwrap();
/// assert_eq!(range.largest(), 40); // `a` and `b` were joined
/// ```
pub struct FreeList<const HOLES: usize> {
    holes: [Hole; HOLES],
    len: usize,
    fit: Fit,
    /// Where next fit goes on.
    cursor: usize,
    end: usize,
}

impl<const HOLES: usize> FreeList<HOLES> {
    /// A range of `len` bytes, all free.
    pub const fn new(len: usize, fit: Fit) -> Self {
        const { assert!(HOLES > 0) };
        let mut holes = [Hole { start: 0, len: 0 }; HOLES];
        holes[0].len = len;
        Self { holes, len: (len > 0) as usize, fit, cursor: 0, end: len }
    }

    fn holes(&self) -> &[Hole] {
        &self.holes[..self.len]
    }

    /// Offset of `size` free bytes; `None` when no hole is large enough, or `size` is nought. Time grows with the number
    /// of holes.
    pub fn alloc(&mut self, size: usize) -> Option<usize> {
        if size == 0 {
            return None;
        }
        let at = self.choose(size)?;
        let hole = &mut self.holes[at];
        let start = hole.start;
        (hole.start, hole.len) = (start + size, hole.len - size);
        if hole.len == 0 {
            self.holes.copy_within(at + 1..self.len, at);
            self.len -= 1;
        }
        self.cursor = start + size;
        Some(start)
    }

    /// The hole to cut from.
    fn choose(&self, size: usize) -> Option<usize> {
        let fits = |hole: &Hole| hole.len >= size;
        match self.fit {
            Fit::First => self.holes().iter().position(fits),
            Fit::Next => {
                let from = self.holes().partition_point(|hole| hole.start < self.cursor);
                (from..self.len).chain(0..from).find(|i| fits(&self.holes[*i]))
            }
            Fit::Best => (0..self.len).filter(|i| fits(&self.holes[*i])).min_by_key(|i| self.holes[*i].len),
        }
    }

    /// Gives `size` bytes at `start` back, and joins them with free neighbours.
    pub fn free(&mut self, start: usize, size: usize) -> Result<(), FreeError> {
        let end = start
            .checked_add(size)
            .filter(|end| *end <= self.end && size > 0)
            .ok_or(FreeError::NotAllocated)?;
        let after = self.holes().partition_point(|hole| hole.start < start);
        let before = after.checked_sub(1).map(|i| self.holes[i]);
        let next = self.holes().get(after).copied();
        if before.is_some_and(|hole| hole.start + hole.len > start)
            || next.is_some_and(|hole| hole.start < end)
        {
            return Err(FreeError::NotAllocated);
        }
        let joins_before = before.is_some_and(|hole| hole.start + hole.len == start);
        let joins_next = next.is_some_and(|hole| hole.start == end);
        match (joins_before, joins_next) {
            (true, true) => {
                self.holes[after - 1].len += size + self.holes[after].len;
                self.holes.copy_within(after + 1..self.len, after);
                self.len -= 1;
            }
            (true, false) => self.holes[after - 1].len += size,
            (false, true) => self.holes[after] = Hole { start, len: size + self.holes[after].len },
            (false, false) if self.len == HOLES => return Err(FreeError::TooManyHoles),
            (false, false) => {
                self.holes.copy_within(after..self.len, after + 1);
                self.holes[after] = Hole { start, len: size };
                self.len += 1;
            }
        }
        Ok(())
    }

    /// Bytes of the largest hole.
    pub fn largest(&self) -> usize {
        self.holes().iter().map(|hole| hole.len).max().unwrap_or(0)
    }

    /// Free bytes in all holes.
    pub fn free_bytes(&self) -> usize {
        self.holes().iter().map(|hole| hole.len).sum()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Holes of 20, 10 and 30 bytes, and the last allocation behind the first of them.
    fn three_holes(fit: Fit) -> FreeList<8> {
        let mut range = FreeList::new(100, fit);
        while range.alloc(10).is_some() {}
        for (start, size) in [(10, 20), (40, 10), (60, 30)] {
            range.free(start, size).unwrap();
        }
        range.cursor = 35;
        range
    }

    #[test]
    fn each_fit_takes_its_hole() {
        for (fit, size, expected) in [
            (Fit::First, 10, Some(10)),
            (Fit::Next, 10, Some(40)),
            (Fit::Best, 10, Some(40)),
            (Fit::First, 15, Some(10)),
            (Fit::Next, 15, Some(60)),
            (Fit::Best, 15, Some(10)),
            (Fit::Next, 30, Some(60)),
            (Fit::First, 31, None),
        ] {
            assert_eq!(three_holes(fit).alloc(size), expected, "{fit:?} {size}");
        }
    }

    #[test]
    fn what_is_not_allocated_cannot_be_freed() {
        for (start, size) in [(10, 1), (5, 10), (0, 100), (99, 2), (usize::MAX, 2), (0, 0)] {
            assert_eq!(
                three_holes(Fit::First).free(start, size),
                Err(FreeError::NotAllocated),
                "{start} {size}"
            );
        }
    }

    #[test]
    fn a_full_table_of_holes_is_an_error_that_changes_nothing() {
        let mut range = FreeList::<2>::new(50, Fit::First);
        while range.alloc(10).is_some() {}
        range.free(0, 10).unwrap();
        range.free(20, 10).unwrap();
        assert_eq!(range.free(40, 10), Err(FreeError::TooManyHoles));
        assert_eq!(range.free(10, 10), Ok(()));
        assert_eq!(range.free(40, 10), Ok(()));
        assert_eq!(range.free_bytes(), 40);
    }

    /// Random allocations and frees against a map of bytes, for each fit.
    #[test]
    fn agrees_with_a_map_of_bytes() {
        for fit in [Fit::First, Fit::Next, Fit::Best] {
            let mut state = 3u64;
            let mut random = move |n: usize| {
                state = gort_sys::rand::mix(state);
                (state >> 33) as usize % n
            };
            let mut range = FreeList::<1024>::new(4096, fit);
            let (mut used, mut live) = (vec![false; 4096], Vec::new());
            for _ in 0..20_000 {
                if random(2) == 0 {
                    let size = 1 + random(100);
                    let Some(at) = range.alloc(size) else { continue };
                    assert!(!used[at..at + size].iter().any(|u| *u));
                    used[at..at + size].fill(true);
                    live.push((at, size));
                } else if !live.is_empty() {
                    let (at, size) = live.swap_remove(random(live.len()));
                    assert_eq!(range.free(at, size), Ok(()));
                    used[at..at + size].fill(false);
                }
                assert_eq!(range.free_bytes(), used.iter().filter(|u| !**u).count());
                assert!(range.holes().windows(2).all(|w| w[0].start + w[0].len < w[1].start), "I1");
            }
            live.drain(..).for_each(|(at, size)| range.free(at, size).unwrap());
            assert_eq!(range.largest(), 4096);
        }
    }
}
