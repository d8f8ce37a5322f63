//! Arenas: 64 MiB of address space each, and what is known of their pages.
//!
//! Follows Go's `heapArena` (`mheap.go`): a record off the heap with one pointer a page, from any page of a span to its
//! record, and mark bits for collected arenas. The record's pages appear as its parts are used.
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | A1 | page table store | Release | A2 | the span's identity |
//! | A2 | page table load | Acquire | A1 | the same |
//! | A3 | mark table exchange | AcqRel | A3 | the table, to the loser of the race to add it |
//!
//! Model: loom-tests/tests/span_lookup.rs.

use crate::params::{ARENA_BYTES, ARENA_PAGES};
use core::ptr::{NonNull, null_mut, without_provenance_mut};
use gort_mspan::{PAGE_SHIFT, Span, SpanRef};
use gort_sync::Zeroed;
use gort_sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use gort_sys::offheap::Persistent;

/// What a page table entry holds after a large block that started there was freed: tells a double free from a wild
/// pointer.
const FREED: *mut Span = without_provenance_mut(1);

/// What is known of 64 MiB of a window.
pub struct Arena {
    /// Span record by page.
    spans: [AtomicPtr<Span>; ARENA_PAGES],
    /// Bytes from the arena's start that are ready; grows, under the zone's lock.
    ready: AtomicUsize,
    /// Bytes that are reserved: all, unless address space is scarce; under the zone's lock.
    reserved: AtomicUsize,
    /// Mark bits, of collected arenas.
    marks: AtomicPtr<Marks>,
}

/// One bit for every 16 bytes of an arena; that of a block's first 16 bytes is the block's mark.
pub struct Marks([AtomicU64; ARENA_BYTES / 16 / 64]);

// SAFETY: atomics; zero is an arena without spans.
unsafe impl Zeroed for Arena {
    fn zeroed() -> Self {
        Self {
            spans: Zeroed::zeroed(),
            ready: AtomicUsize::new(0),
            reserved: AtomicUsize::new(0),
            marks: AtomicPtr::new(null_mut()),
        }
    }
}

// SAFETY: atomics; zero is unmarked.
unsafe impl Zeroed for Marks {
    fn zeroed() -> Self {
        Self(Zeroed::zeroed())
    }
}

/// What a page belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lookup {
    /// A span.
    Span(SpanRef),
    /// None now; a large block that started on this page was freed.
    Freed,
    /// None.
    Nothing,
}

impl Arena {
    /// What page `page` of the arena belongs to. For any address, at any time.
    #[inline]
    pub fn lookup(&self, page: usize) -> Lookup {
        // ORD[A2] Acquire: the reader goes on to the span's identity.
        let span = self.spans[page].load(Ordering::Acquire);
        match NonNull::new(span) {
            None => Lookup::Nothing,
            Some(_) if span == FREED => Lookup::Freed,
            Some(span) => Lookup::Span(span),
        }
    }

    /// Publishes a span for the pages `first..first + count` of the arena.
    pub(crate) fn publish(&self, first: usize, count: usize, span: &Span) {
        for entry in &self.spans[first..first + count] {
            // ORD[A1] Release: the span's identity.
            entry.store(core::ptr::from_ref(span).cast_mut(), Ordering::Release);
        }
    }

    /// Takes the pages' entries back; leaves a note on the first one if `freed`.
    pub(crate) fn withdraw(&self, first: usize, count: usize, freed: bool) {
        for entry in &self.spans[first..first + count] {
            entry.store(null_mut(), Ordering::Relaxed); // Relaxed: publishes nothing.
        }
        if freed {
            self.spans[first].store(FREED, Ordering::Relaxed); // Relaxed: a note for messages.
        }
    }

    /// Bytes from the start that are ready. The zone's lock is held.
    pub(crate) fn ready(&self) -> usize {
        self.ready.load(Ordering::Relaxed) // Relaxed: under the zone's lock.
    }

    pub(crate) fn set_ready(&self, bytes: usize) {
        self.ready.store(bytes, Ordering::Relaxed); // Relaxed: under the zone's lock.
    }

    /// Bytes from the start that are reserved. The zone's lock is held.
    pub(crate) fn reserved(&self) -> usize {
        self.reserved.load(Ordering::Relaxed) // Relaxed: under the zone's lock.
    }

    pub(crate) fn set_reserved(&self, bytes: usize) {
        self.reserved.store(bytes, Ordering::Relaxed); // Relaxed: under the zone's lock.
    }

    /// The arena's mark bits, made at the first call; `None` when there is no memory for them.
    pub fn marks(&self, source: &Persistent) -> Option<&Marks> {
        // ORD[A3] Acquire half: the table that another thread made.
        let marks = self.marks.load(Ordering::Acquire);
        if !marks.is_null() {
            // SAFETY: placed for ever by the exchange below.
            return Some(unsafe { &*marks });
        }
        let fresh = core::ptr::from_ref(source.place::<Marks>()?).cast_mut();
        // ORD[A3] AcqRel: the winner publishes its table, the loser sees the winner's and drops its own, untouched.
        let marks = match self.marks.compare_exchange(null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire)
        {
            Ok(_) => fresh,
            Err(theirs) => theirs,
        };
        // SAFETY: placed for ever.
        Some(unsafe { &*marks })
    }
}

impl Marks {
    /// Sets the mark of the block at `offset` bytes from the arena's start; `true` for the one caller that set it.
    pub fn mark(&self, offset: usize) -> bool {
        let (word, bit) = (offset >> 4 >> 6, 1u64 << (offset >> 4 & 63));
        // Relaxed: marks are read by others only after the cycle's own barrier.
        self.0[word].fetch_or(bit, Ordering::Relaxed) & bit == 0
    }

    /// Whether the block at `offset` is marked.
    pub fn is_marked(&self, offset: usize) -> bool {
        self.0[offset >> 4 >> 6].load(Ordering::Relaxed) >> (offset >> 4 & 63) & 1 != 0 // Relaxed: as above.
    }

    /// Takes the marks of `pages` pages from `first` on back.
    pub fn clear(&self, first: usize, pages: usize) {
        let words_a_page = 1usize << (PAGE_SHIFT - 4 - 6);
        for word in &self.0[first * words_a_page..(first + pages) * words_a_page] {
            word.store(0, Ordering::Relaxed); // Relaxed: as above.
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn pages_lead_to_their_span_until_withdrawn() {
        let source = Persistent::new();
        let arena = source.place::<Arena>().unwrap();
        let span = Span::dead();
        arena.publish(5, 3, &span);
        let found: Vec<Lookup> = (4..9).map(|page| arena.lookup(page)).collect();
        let here = Lookup::Span(SpanRef::from(&span));
        assert_eq!(found, [Lookup::Nothing, here, here, here, Lookup::Nothing]);
        arena.withdraw(5, 3, true);
        assert_eq!((arena.lookup(5), arena.lookup(6)), (Lookup::Freed, Lookup::Nothing));
    }

    #[test]
    fn marks_are_set_once_and_cleared_by_page() {
        let source = Persistent::new();
        let arena = source.place::<Arena>().unwrap();
        let marks = arena.marks(&source).unwrap();
        assert!(core::ptr::eq(marks, arena.marks(&source).unwrap()));
        assert!(marks.mark(8192 + 48) && !marks.mark(8192 + 48) && marks.mark(2 * 8192));
        assert!(marks.is_marked(8192 + 48) && !marks.is_marked(8192 + 32));
        marks.clear(1, 1);
        assert!(!marks.is_marked(8192 + 48) && marks.is_marked(2 * 8192));
    }
}
