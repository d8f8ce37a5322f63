//! Up to 64 free pages in one owner's hands, so that small spans need no lock.
//!
//! Follows Go's `mpagecache.go`. A group is 64 pages at a multiple of 64; the cache holds those that were free when it was
//! filled, each either scavenged or not, and gives what is left back when it is flushed.
//!
//! Model: `tests/loom_page_cache.rs`, a fill and a flush against the page allocator's other users.

use crate::page_alloc::{PageAlloc, Run};

/// Pages of a group.
pub const GROUP: usize = 64;

/// Free pages of one group. Plain data: its owner guards it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct PageCache {
    /// The group's first page.
    group: usize,
    /// One bit a page: ours and free.
    free: u64,
    /// One bit a page: and without memory.
    scavenged: u64,
}

impl PageCache {
    /// A cache without pages.
    pub const EMPTY: Self = Self { group: 0, free: 0, scavenged: 0 };

    /// A cache of those pages of the group from page `group` on whose bits are set in `free`; of these, those in
    /// `scavenged` have no memory. The pages are the caller's to give.
    pub const fn from_bits(group: usize, free: u64, scavenged: u64) -> Self {
        debug_assert!(group.is_multiple_of(GROUP) && scavenged & !free == 0);
        Self { group, free, scavenged }
    }

    /// Whether there is no page.
    pub const fn is_empty(&self) -> bool {
        self.free == 0
    }

    /// How many pages there are.
    pub const fn len(&self) -> usize {
        self.free.count_ones() as usize
    }

    /// Takes `count` neighbouring pages, the lowest that fit; `None` when there are none.
    pub fn alloc(&mut self, count: usize) -> Option<Run> {
        let from = find_run(self.free, count)?;
        let mask = (if count == GROUP { u64::MAX } else { (1 << count) - 1 }) << from;
        let scavenged = (self.scavenged & mask).count_ones() as usize;
        self.free &= !mask;
        self.scavenged &= !mask;
        Some(Run { page: self.group + from, scavenged })
    }

    /// Fills an empty cache with the lowest group that has a free page. `false` when no page is free.
    pub fn fill(&mut self, pages: &mut PageAlloc) -> bool {
        debug_assert!(self.is_empty());
        let Some((group, free, scavenged)) = pages.take_group() else { return false };
        *self = Self { group, free, scavenged };
        true
    }

    /// Gives all pages back.
    pub fn flush(&mut self, pages: &mut PageAlloc) {
        if !self.is_empty() {
            pages.give_group(self.group, self.free, self.scavenged);
        }
        *self = Self::EMPTY;
    }
}

/// The lowest run of `count` set bits (1 to 64).
///
/// After the word was combined with itself shifted by 1, 2, 4, ... up to `count - 1` in all, a set bit says that the
/// `count` bits from it on were set (Warren, "Hacker's Delight", 6-2).
fn find_run(mut bits: u64, count: usize) -> Option<usize> {
    let mut joined = 1;
    while joined < count && bits != 0 {
        let step = joined.min(count - joined);
        bits &= bits >> step;
        joined += step;
    }
    (bits != 0 && count <= GROUP).then(|| bits.trailing_zeros() as usize)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::page_alloc::bits::CHUNK_PAGES;
    use gort_sys::offheap::Persistent;

    #[test]
    fn a_filled_cache_gives_back_what_is_left() {
        let mut pages = PageAlloc::new(4 * CHUNK_PAGES).unwrap();
        pages.grow(0, 2 * CHUNK_PAGES, &Persistent::new()).unwrap();
        assert_eq!(pages.alloc(70).unwrap().page, 0);
        let mut cache = PageCache::EMPTY;
        assert!(cache.fill(&mut pages));
        assert_eq!((cache.group, cache.len()), (64, 58));
        assert_eq!(pages.free_pages(), 2 * CHUNK_PAGES - 128);
        assert_eq!(cache.alloc(8), Some(Run { page: 70, scavenged: 8 }));
        pages.check_invariants();
        cache.flush(&mut pages);
        assert!(cache.is_empty());
        assert_eq!(pages.free_pages(), 2 * CHUNK_PAGES - 78);
        assert_eq!(pages.scavenged_pages(), 2 * CHUNK_PAGES - 78);
        pages.check_invariants();
        assert_eq!(pages.alloc(1).unwrap().page, 78);
    }

    #[test]
    fn nothing_to_fill_from() {
        let mut pages = PageAlloc::new(CHUNK_PAGES).unwrap();
        let mut cache = PageCache::EMPTY;
        assert!(!cache.fill(&mut pages));
        pages.grow(0, CHUNK_PAGES, &Persistent::new()).unwrap();
        assert!(pages.alloc(CHUNK_PAGES).is_some());
        assert!(!cache.fill(&mut pages));
    }
}
