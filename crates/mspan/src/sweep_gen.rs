//! Sweep generations: where a collected span stands in the sweep.
//!
//! Follows Go's `mspan.sweepgen`. The heap's generation grows by two with every cycle. A span's generation, relative
//! to the heap's `g`, is its state:
//!
//! | span | state | edge out |
//! |---|---|---|
//! | `g - 2` | needs sweeping | `try_claim`, by whoever wins, to `g - 1` |
//! | `g - 1` | is being swept | `finish`, by the winner, to `g` |
//! | `g` | swept, ready to use | `cache` to `g + 3`; the next cycle turns it into `g - 2` |
//! | `g + 1` | was cached before the sweep began, still is, needs sweeping | `claim_cached` when it is given up |
//! | `g + 3` | swept, then cached, still is | `uncache` to `g`; the next cycle turns it into `g + 1` |
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | G1 | `try_claim` exchange | Acquire | G2 of the last cycle | the span as its last sweeper left it |
//! | G2 | `finish`, `uncache` store | Release | G3, G1 | the freed blocks |
//! | G3 | `state` load | Acquire | G2 | the same, to a reader that finds the span swept |
//!
//! Model: `tests/loom_sweep_gen.rs`.

use gort_sync::Zeroed;
use gort_sync::atomic::{AtomicU32, Ordering};

/// A heap's sweep generation; even.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeapGen(pub u32);

impl HeapGen {
    /// The generation of the next cycle. Wraps after 2^31 cycles, harmlessly: only differences count.
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(2))
    }
}

/// What a span's generation says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SweepState {
    /// Needs sweeping.
    Unswept,
    /// Somebody is sweeping it.
    Sweeping,
    /// Swept.
    Swept,
    /// In an owner's cache since before this sweep: needs sweeping once it is given up.
    CachedUnswept,
    /// Swept and in an owner's cache.
    Cached,
}

/// A span's sweep generation.
pub struct SweepGen(AtomicU32);

// SAFETY: an atomic integer.
unsafe impl Zeroed for SweepGen {
    fn zeroed() -> Self {
        Self(AtomicU32::new(0))
    }
}

impl SweepGen {
    gort_sync::const_unless_loom! {
        /// Generation nought: swept, for a heap that has never collected.
        pub fn new() -> Self {
            Self(AtomicU32::new(0))
        }
    }

    /// The state with respect to the heap's generation; `None` when the number fits no state, which is a fault.
    pub fn state(&self, heap: HeapGen) -> Option<SweepState> {
        // ORD[G3] Acquire: a swept span's bits are about to be read.
        match self.0.load(Ordering::Acquire).wrapping_sub(heap.0) as i32 {
            -2 => Some(SweepState::Unswept),
            -1 => Some(SweepState::Sweeping),
            0 => Some(SweepState::Swept),
            1 => Some(SweepState::CachedUnswept),
            3 => Some(SweepState::Cached),
            _ => None,
        }
    }

    /// Unswept to sweeping. Of several callers one gets `true` and must sweep the span, then call
    /// [`SweepGen::finish`].
    #[must_use = "the winner must sweep the span"]
    pub fn try_claim(&self, heap: HeapGen) -> bool {
        let (from, to) = (heap.0.wrapping_sub(2), heap.0.wrapping_sub(1));
        // ORD[G1] Acquire: the span as its last sweeper left it. Relaxed on failure: nothing is read then.
        self.0.compare_exchange(from, to, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Cached and unswept to sweeping: the owner gives the span up, and must sweep it.
    pub fn claim_cached(&self, heap: HeapGen) {
        self.0.store(heap.0.wrapping_sub(1), Ordering::Relaxed); // Relaxed: nobody else moves a cached span.
    }

    /// Sweeping to swept; also sets a fresh span's generation.
    pub fn finish(&self, heap: HeapGen) {
        // ORD[G2] Release: the blocks that the sweep freed.
        self.0.store(heap.0, Ordering::Release);
    }

    /// Swept to cached, by the owner that took the span.
    pub fn cache(&self, heap: HeapGen) {
        self.0.store(heap.0.wrapping_add(3), Ordering::Relaxed); // Relaxed: the taker owns the span.
    }

    /// Cached to swept, by the owner that gives the span up.
    pub fn uncache(&self, heap: HeapGen) {
        // ORD[G2] Release: the blocks that the owner took.
        self.0.store(heap.0, Ordering::Release);
    }
}

impl Default for SweepGen {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_turns_swept_into_unswept_and_cached_into_cached_unswept() {
        for start in [0, 2, u32::MAX - 1, u32::MAX - 3] {
            let heap = HeapGen(start);
            let (swept, cached) = (SweepGen::new(), SweepGen::new());
            swept.finish(heap);
            cached.cache(heap);
            assert_eq!(swept.state(heap), Some(SweepState::Swept));
            assert_eq!(cached.state(heap), Some(SweepState::Cached));
            let heap = heap.next();
            assert_eq!(swept.state(heap), Some(SweepState::Unswept));
            assert_eq!(cached.state(heap), Some(SweepState::CachedUnswept));
            assert!(swept.try_claim(heap) && !swept.try_claim(heap));
            assert_eq!(swept.state(heap), Some(SweepState::Sweeping));
            swept.finish(heap);
            cached.claim_cached(heap);
            assert_eq!(cached.state(heap), Some(SweepState::Sweeping));
            assert_eq!(swept.state(heap.next().next()), None);
        }
    }
}
