//! The state of single pages, and whether all of it fits together: for tests and for a heap that doubts itself.

use super::bits::{CHUNK_PAGES, CHUNK_SHIFT};
use super::summary::Summary;
use super::{FAN_SHIFT, LEVELS, PageAlloc, pages_shift};

/// What a page is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PageState {
    /// Never grown into.
    Absent,
    /// Taken.
    InUse,
    /// Free, and may have memory.
    Free,
    /// Free, without memory.
    Scavenged,
}

impl PageAlloc {
    /// What a page of the window is.
    pub fn page_state(&self, page: usize) -> PageState {
        let (chunk, i) = (page >> CHUNK_SHIFT, page % CHUNK_PAGES);
        if page >= self.end || !self.index.is_ready(chunk) {
            return PageState::Absent;
        }
        match (self.chunks[chunk].alloc.get(i), self.chunks[chunk].scavenged.get(i)) {
            (true, _) => PageState::InUse,
            (false, true) => PageState::Scavenged,
            (false, false) => PageState::Free,
        }
    }

    /// Checks I1 to I4 over all that was grown into.
    pub fn check_invariants(&self) {
        let (mut free, mut scavenged) = (0, 0);
        for chunk in 0..self.end >> CHUNK_SHIFT {
            let sum = self.levels[LEVELS - 1][chunk];
            if !self.index.is_ready(chunk) {
                assert_eq!(sum, Summary::FULL);
                continue;
            }
            let bits = &self.chunks[chunk];
            assert_eq!(sum, bits.alloc.summarize());
            for i in 0..CHUNK_PAGES {
                assert!(!(bits.alloc.get(i) && bits.scavenged.get(i)), "I3: page {i} of chunk {chunk}");
                assert!(
                    bits.alloc.get(i) || (chunk << CHUNK_SHIFT) + i >= self.search,
                    "I2: page {i} of chunk {chunk}"
                );
            }
            free += CHUNK_PAGES - bits.alloc.count(0, CHUNK_PAGES);
            scavenged += bits.scavenged.count(0, CHUNK_PAGES);
        }
        assert_eq!((free, scavenged), (self.free, self.scavenged));
        for level in 0..LEVELS - 1 {
            for entry in 0..self.end.div_ceil(1 << pages_shift(level)) {
                let from = entry << FAN_SHIFT;
                let below = &self.levels[level + 1][from..from + (1 << FAN_SHIFT)];
                assert_eq!(self.levels[level][entry], Summary::merge(below, 1 << pages_shift(level + 1)));
            }
        }
    }
}
