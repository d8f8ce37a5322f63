//! What the page allocator knows of a range of pages without looking at its bits.
//!
//! Follows Go's `pallocSum` (`mpagealloc.go`): the runs of free pages at the start and at the end, and the longest one,
//! packed into a word.

/// log2 of the largest number of pages that a summary stands for.
pub const MAX_SHIFT: u32 = 21;
const MAX: usize = 1 << MAX_SHIFT;

/// Runs of free pages in a range. Nought: no page is free, or none is there.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Summary(u64);

impl Summary {
    /// No page is free.
    pub const FULL: Self = Self(0);

    /// Packs the run at the start, the longest run and the run at the end. Each has 21 bits; the largest range, wholly
    /// free, needs one more, and is bit 63 alone.
    pub const fn new(start: usize, longest: usize, end: usize) -> Self {
        if longest == MAX {
            return Self(1 << 63);
        }
        Self(start as u64 | (longest as u64) << MAX_SHIFT | (end as u64) << (2 * MAX_SHIFT))
    }

    /// A range of `pages` pages that are all free.
    pub const fn free(pages: usize) -> Self {
        Self::new(pages, pages, pages)
    }

    const fn field(self, n: u32) -> usize {
        if self.0 >> 63 != 0 { MAX } else { (self.0 >> (n * MAX_SHIFT)) as usize & (MAX - 1) }
    }

    /// Free pages at the start.
    pub const fn start(self) -> usize {
        self.field(0)
    }

    /// The longest run of free pages.
    pub const fn longest(self) -> usize {
        self.field(1)
    }

    /// Free pages at the end.
    pub const fn end(self) -> usize {
        self.field(2)
    }

    /// The summary of neighbours, each of `each` pages.
    pub fn merge(parts: &[Self], each: usize) -> Self {
        let (mut start, mut longest, mut end) = (0, 0, 0);
        for (i, part) in parts.iter().enumerate() {
            if start == i * each {
                start += part.start();
            }
            longest = longest.max(end + part.start()).max(part.longest());
            end = if part.end() == each { end + each } else { part.end() };
        }
        Self::new(start, longest, end)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_also_at_the_limit() {
        for (start, longest, end) in
            [(0, 0, 0), (1, 1, 1), (0, 5, 3), (MAX - 1, MAX - 1, 0), (512, 511, 1), (MAX, MAX, MAX)]
        {
            let sum = Summary::new(start, longest, end);
            assert_eq!((sum.start(), sum.longest(), sum.end()), (start, longest, end));
        }
    }

    /// The rows of Go's `TestMergeSummaries`-like cases: runs join over borders.
    #[test]
    fn neighbours_merge() {
        let s = Summary::new;
        for (name, parts, each, merged) in [
            ("all free", vec![s(8, 8, 8); 4], 8, s(32, 32, 32)),
            ("all full", vec![s(0, 0, 0); 4], 8, s(0, 0, 0)),
            ("joined over a border", vec![s(1, 3, 3), s(2, 4, 0)], 8, s(1, 5, 0)),
            ("over a whole part", vec![s(0, 2, 2), s(8, 8, 8), s(3, 3, 1)], 8, s(0, 13, 1)),
            ("start of a whole part", vec![s(8, 8, 8), s(3, 4, 0)], 8, s(11, 11, 0)),
            ("inner run wins", vec![s(1, 6, 0), s(2, 2, 1)], 8, s(1, 6, 1)),
        ] {
            assert_eq!(Summary::merge(&parts, each), merged, "{name}");
        }
    }
}
