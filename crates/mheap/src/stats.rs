//! How much memory the heap holds, and for what.
//!
//! The counters are statistics: each is exact once the heap is at rest, and two of them need not be of one moment.

use gort_mspan::{Kind, PAGE_SHIFT};
use gort_sync::Zeroed;
use gort_sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Figures of a moment, in bytes.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct HeapStats {
    /// In spans, by kind.
    pub span_bytes: [usize; Kind::COUNT],
    /// Most that was in spans of all kinds and in mappings outside of the heap together.
    pub peak_bytes: usize,
    /// Most that had memory, in spans or free (each zone's own moment).
    pub peak_held_bytes: usize,
    /// In no span: free, with memory or without.
    pub free_bytes: usize,
    /// In no span, and without memory.
    pub released_bytes: usize,
    /// Ever given back to the OS.
    pub released_total_bytes: usize,
    /// Address space of the runtime's records.
    pub metadata_bytes: usize,
}

impl HeapStats {
    /// Bytes in spans of all kinds.
    pub fn in_spans(&self) -> usize {
        self.span_bytes.iter().sum()
    }
}

/// The counters behind [`HeapStats`].
pub(crate) struct Counters {
    pages: [AtomicUsize; Kind::COUNT],
    /// Pages of the heap's user that are not the heap's.
    outside: AtomicUsize,
    peak: AtomicUsize,
    released: AtomicUsize,
}

impl Counters {
    gort_sync::const_unless_loom! {
        /// All nought.
        pub(crate) fn new() -> Self {
            Self {
                pages: [AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0)],
                outside: AtomicUsize::new(0),
                peak: AtomicUsize::new(0),
                released: AtomicUsize::new(0),
            }
        }
    }

    // Relaxed, all below: statistics.

    pub(crate) fn span_taken(&self, kind: Kind, pages: usize) {
        self.pages[kind as usize].fetch_add(pages, Relaxed);
        self.note_peak();
    }

    pub(crate) fn outside_taken(&self, pages: usize) {
        self.outside.fetch_add(pages, Relaxed);
        self.note_peak();
    }

    pub(crate) fn outside_given(&self, pages: usize) {
        self.outside.fetch_sub(pages, Relaxed);
    }

    fn note_peak(&self) {
        let spans: usize = self.pages.iter().map(|n| n.load(Relaxed)).sum();
        let now = spans + self.outside.load(Relaxed);
        if now > self.peak.load(Relaxed) {
            self.peak.fetch_max(now, Relaxed);
        }
    }

    pub(crate) fn span_given(&self, kind: Kind, pages: usize) {
        self.pages[kind as usize].fetch_sub(pages, Relaxed);
    }

    pub(crate) fn released(&self, bytes: usize) {
        self.released.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn read(&self) -> HeapStats {
        let bytes = |pages: &AtomicUsize| pages.load(Relaxed) << PAGE_SHIFT;
        HeapStats {
            span_bytes: core::array::from_fn(|kind| bytes(&self.pages[kind])),
            peak_bytes: bytes(&self.peak),
            released_total_bytes: self.released.load(Relaxed),
            ..HeapStats::default()
        }
    }
}

// SAFETY: atomics; zero is a counter at nought.
unsafe impl Zeroed for Counters {
    fn zeroed() -> Self {
        Self::new()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_that_of_one_moment() {
        let counters = Counters::new();
        counters.span_taken(Kind::Malloc, 10);
        counters.span_given(Kind::Malloc, 9);
        counters.outside_taken(5);
        assert_eq!(counters.read().peak_bytes, 10 << PAGE_SHIFT);
        counters.span_taken(Kind::Scan, 6);
        counters.outside_given(5);
        assert_eq!(counters.read().peak_bytes, 12 << PAGE_SHIFT);
        assert_eq!(counters.read().in_spans(), 7 << PAGE_SHIFT);
    }
}
