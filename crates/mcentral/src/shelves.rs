//! The spans of a class that have free blocks, sorted by how full they are.
//!
//! Refills take from the fullest spans, so that the emptier ones drain and go back to the heap. Sorting is by quarters
//! of the span: coarse enough that a span seldom moves.
//!
//! ```text
//!     shelf 0: up to 1/4 free   1: up to 1/2   2: up to 3/4   3: more
//!     refill looks here first                                 last
//! ```
//!
//! A span without free blocks is on no shelf; the page table finds it when one of its blocks comes back.
//!
//! # Invariants
//! I1. A span with a free block is on the shelf that its count asks for, and its `shelf` field says which.
//! I2. A span without free blocks has shelf `OFF`.

use gort_mspan::{SpanList, SpanRef, span::Body};

/// Number of shelves.
const SHELVES: usize = 4;
/// The shelf of a span that is on none.
const OFF: u8 = 255;

/// Spans with free blocks.
pub(crate) struct Shelves([SpanList; SHELVES]);

impl Shelves {
    pub(crate) const fn new() -> Self {
        Self([const { SpanList::new() }; SHELVES])
    }

    /// The span to take blocks from: of the fullest that there are.
    pub(crate) fn fullest(&self) -> Option<SpanRef> {
        self.0.iter().find_map(SpanList::first)
    }

    /// How many spans have free blocks.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(SpanList::len).sum()
    }

    /// Puts a fresh span, all of whose blocks are free, on its shelf.
    ///
    /// # Safety
    /// The caller owns the span, which is in no list.
    pub(crate) unsafe fn add(&mut self, span: SpanRef) {
        // SAFETY: passed on.
        unsafe {
            span.as_ref().with_body(|body| body.shelf = SHELVES as u8 - 1);
            self.0[SHELVES - 1].push(span);
        }
    }

    /// Moves a span to the shelf that its count of free blocks asks for.
    ///
    /// # Safety
    /// The caller owns the span, and the span is where its `shelf` says.
    #[inline]
    pub(crate) unsafe fn settle(&mut self, span: SpanRef, blocks: usize) {
        // SAFETY: the caller owns the body.
        let (old, new) = unsafe {
            span.as_ref().with_body(|body: &mut Body| {
                let new = match body.free as usize {
                    0 => OFF,
                    free => (1..SHELVES).map(|k| (free * SHELVES > k * blocks) as u8).sum(),
                };
                (core::mem::replace(&mut body.shelf, new), new)
            })
        };
        if old != new {
            // SAFETY: the span is on its old shelf (I1).
            unsafe { self.move_between(span, old, new) };
        }
    }

    /// # Safety
    /// As for `settle`.
    unsafe fn move_between(&mut self, span: SpanRef, old: u8, new: u8) {
        // SAFETY: passed on.
        unsafe {
            if old != OFF {
                self.0[old as usize].remove(span);
            }
            if new != OFF {
                self.0[new as usize].push(span);
            }
        }
    }

    /// Takes a span off its shelf for good.
    ///
    /// # Safety
    /// The caller owns the span, and it is on the shelf that it says.
    pub(crate) unsafe fn remove(&mut self, span: SpanRef) {
        // SAFETY: the caller owns the body; the span is on its shelf.
        unsafe {
            let shelf = span.as_ref().with_body(|body| core::mem::replace(&mut body.shelf, OFF));
            self.0[shelf as usize].remove(span);
        }
    }
}
