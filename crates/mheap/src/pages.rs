//! The pages of a zone: what its lock guards.
//!
//! The page allocator, the parked large blocks, and the policy that says when memory goes back; the questions that need
//! two of them are answered here.

use crate::page_alloc::{PageAlloc, Run};
use crate::parked::Parked;
use crate::scavenge::Release;
use crate::zone::Taken;
use gort_mspan::PAGE_SHIFT;

/// Bytes that may be parked in any case.
const PARKED_MIN: usize = 512 << 10;

/// What the zone's lock guards.
pub(crate) struct Pages {
    pub(crate) alloc: Option<PageAlloc>,
    /// Offset of the first byte that is not reserved yet.
    pub(crate) next: usize,
    /// How often the step of making memory ready has doubled.
    pub(crate) steps: u32,
    /// Freed large blocks that wait for the next request of their size.
    pub(crate) parked: Parked,
    /// When and how much to give back.
    pub(crate) release: Release,
    /// Pages that were ever reserved.
    pub(crate) grown: usize,
    /// Most pages that had memory, in spans or free.
    pub(crate) peak: usize,
}

impl Pages {
    /// No pages yet.
    pub(crate) const fn new() -> Self {
        Self {
            alloc: None,
            next: 0,
            steps: 0,
            parked: Parked::new(),
            release: Release::new(),
            grown: 0,
            peak: 0,
        }
    }

    pub(crate) fn find(&mut self, count: usize, align: usize, base: usize) -> Option<Run> {
        let alloc = self.alloc.as_mut()?;
        if align > 1 { alloc.alloc_aligned(count, align, base >> PAGE_SHIFT) } else { alloc.alloc(count) }
    }

    /// Tells the scavenger's policy of a span that was made.
    pub(crate) fn note_take(&mut self, taken: &Taken) {
        if let Some(alloc) = &self.alloc {
            self.release.after_take(alloc, taken.scavenged, self.grown);
            self.peak = self.peak.max(self.grown - alloc.scavenged_pages());
        }
    }

    /// Most pages that had memory.
    pub(crate) const fn peak(&self) -> usize {
        self.peak
    }

    /// Pages in spans that have a user.
    fn in_use(&self, alloc: &PageAlloc) -> usize {
        self.grown - alloc.free_pages() - self.parked.pages()
    }

    /// Whether a freed large block of so many pages may be parked: as long as what is parked is an eighth of what is in
    /// use, or `PARKED_MIN` in a small heap.
    pub(crate) fn may_park(&self, count: usize) -> bool {
        let Some(alloc) = &self.alloc else { return false };
        let most = (self.in_use(alloc) / 8).max(PARKED_MIN >> PAGE_SHIFT);
        Parked::takes(count) && count <= most / 2 && self.parked.pages() + count <= most
    }

    /// Pages to give back to the OS after a span was freed.
    pub(crate) fn due_after_give(&mut self) -> usize {
        let Some(alloc) = &self.alloc else { return 0 };
        self.release.after_give(alloc, self.parked.pages(), self.in_use(alloc))
    }

    /// Pages to give back to the OS at this moment; `None` when an interval is not over yet.
    pub(crate) fn due_on_tick(&mut self, now_ns: u64) -> Option<usize> {
        self.release.on_tick(self.alloc.as_ref()?, now_ns)
    }

    /// The page allocator, once there is one.
    pub(crate) fn alloc(&self) -> Option<&PageAlloc> {
        self.alloc.as_ref()
    }

    pub(crate) fn alloc_mut(&mut self) -> Option<&mut PageAlloc> {
        self.alloc.as_mut()
    }
}
