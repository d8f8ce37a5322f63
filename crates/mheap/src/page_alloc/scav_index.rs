//! The scavenger's index: which chunks may have free pages with memory.
//!
//! Follows Go's `scavengeIndex` (`mgcscavenge.go`). One word a chunk: how many of its pages are in use, and whether it
//! may hold pages to scavenge. A search goes from the highest chunk down, since first fit leaves those free the longest.
//! Chunks that are nearly full are left alone unless asked, for what they would give is little and a huge page may be
//! under them.
//!
//! Departures from Go: plain words, under the zone's lock like the rest of the page allocator; no generations, as
//! density is looked at when a chunk is asked for.
//!
//! # Invariants
//! I1. A chunk without the mark has no free page with memory.
//! I2. No chunk above `highest` is marked.

use super::bits::CHUNK_PAGES;
use core::ops::Range;
use gort_sys::offheap::SparseTable;

/// A chunk with this many pages in use is nearly full (31 of 32).
const DENSE: u16 = (CHUNK_PAGES - CHUNK_PAGES / 32) as u16;

/// Some page may be free and have memory.
const MARKED: u16 = 1 << 15;
/// The chunk was grown into.
const READY: u16 = 1 << 14;
const IN_USE: u16 = READY - 1;

/// One word a chunk.
pub struct ScavIndex {
    chunks: SparseTable<u16>,
    /// I2: one above.
    highest: usize,
}

impl ScavIndex {
    /// An index over `chunks` chunks, none of which is there yet; `None` when there is no address space.
    pub fn new(chunks: usize) -> Option<Self> {
        Some(Self { chunks: SparseTable::reserve(chunks).ok()?, highest: 0 })
    }

    /// Adds chunks whose pages are all free and scavenged.
    pub fn make_ready(&mut self, chunks: Range<usize>) -> Option<()> {
        self.chunks.make_ready(chunks.clone()).ok()?;
        for chunk in chunks {
            self.chunks[chunk] = READY;
        }
        Some(())
    }

    /// Whether a chunk was grown into.
    pub fn is_ready(&self, chunk: usize) -> bool {
        self.chunks[chunk] & READY != 0
    }

    /// Notes that `n` pages of a chunk are in use now.
    #[inline]
    pub fn taken(&mut self, chunk: usize, n: usize) {
        self.chunks[chunk] += n as u16;
    }

    /// Notes that `n` pages of a chunk are free now, and have memory.
    #[inline]
    pub fn given(&mut self, chunk: usize, n: usize) {
        self.chunks[chunk] = (self.chunks[chunk] - n as u16) | MARKED;
        self.highest = self.highest.max(chunk + 1);
    }

    /// The highest chunk with pages to scavenge; without `force` no chunk that is nearly full.
    pub fn find(&mut self, force: bool) -> Option<usize> {
        let (mut chunk, mut seen_marked) = (self.highest, false);
        while chunk > 0 {
            chunk -= 1;
            let word = self.chunks[chunk];
            if word & MARKED != 0 {
                if !seen_marked {
                    self.highest = chunk + 1;
                    seen_marked = true;
                }
                if force || word & IN_USE < DENSE {
                    return Some(chunk);
                }
            }
        }
        if !seen_marked {
            self.highest = 0;
        }
        None
    }

    /// Notes that a chunk has nothing to scavenge (I1).
    pub fn set_empty(&mut self, chunk: usize) {
        self.chunks[chunk] &= !MARKED;
    }

    /// Pages of a chunk that are in use.
    pub fn in_use(&self, chunk: usize) -> usize {
        (self.chunks[chunk] & IN_USE) as usize
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// The situations of Go's `TestScavengeIndex`: what is given is found from the top, until it is emptied.
    #[test]
    fn marked_chunks_are_found_from_the_top() {
        let mut index = ScavIndex::new(64).unwrap();
        index.make_ready(0..64).unwrap();
        assert_eq!(index.find(true), None);
        for (name, chunks) in [
            ("bottom", vec![0]),
            ("top", vec![63]),
            ("two apart", vec![3, 40]),
            ("several in a row", vec![9, 10, 11, 12]),
            ("ends and middle", vec![0, 31, 63]),
        ] {
            for &chunk in &chunks {
                index.taken(chunk, 100);
                index.given(chunk, 100);
            }
            for &chunk in chunks.iter().rev() {
                assert_eq!(index.find(false), Some(chunk), "{name}");
                assert_eq!(index.find(false), Some(chunk), "{name}: finding changes nothing");
                index.set_empty(chunk);
            }
            assert_eq!(index.find(true), None, "{name}");
        }
    }

    #[test]
    fn chunks_that_are_nearly_full_need_force() {
        let mut index = ScavIndex::new(4).unwrap();
        index.make_ready(0..4).unwrap();
        index.taken(2, CHUNK_PAGES);
        index.given(2, 1);
        index.taken(1, CHUNK_PAGES);
        index.given(1, CHUNK_PAGES / 2);
        assert_eq!(index.find(false), Some(1));
        assert_eq!(index.find(true), Some(2));
        assert_eq!(index.in_use(2), CHUNK_PAGES - 1);
    }
}
