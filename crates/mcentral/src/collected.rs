//! The home of a span class whose blocks a collector frees.
//!
//! Follows Go's `mcentral.go`. Caches take whole spans ([`Collected::cache_span`]) and give them up
//! ([`Collected::uncache_span`]); between, a span is its cache's alone. Two pairs of sets, partial (some block is free)
//! and full, in each pair one for swept spans and one for those that still need sweeping. Which is which turns over
//! with every generation of the heap, so that a new cycle makes all swept spans unswept by counting.
//!
//! ```text
//!                 cache_span                       uncache_span
//!     partial swept ----------------> a cache ----------------> partial swept, or full swept
//!     partial unswept --- sweep ----> a cache
//!     full unswept ------ sweep ----> a cache, or full swept if nothing was freed
//!     the heap ---------------------> a cache
//! ```
//!
//! What sweeping means is the collector's business: the trait [`Sweep`] turns the arrow upward around. [`NoSweep`] is for
//! memory that nobody collects.
//!
//! # Invariants
//! I1. A span is in one set at most, and in none while cached.
//! I2. Sweepers outside (the background sweeper) claim a span by its sweep generation and leave it in the unswept set;
//!     whoever pops it there finds it swept and drops it. So a claim, not a pop, decides who sweeps.
//!
//! Model: `tests/loom_collected.rs`.

use gort_mheap::Heap;
use gort_mspan::span_set::OutOfMemory;
use gort_mspan::sweep_gen::HeapGen;
use gort_mspan::{SpanClass, SpanRef, SpanSet};

/// How many unswept spans of each pair an allocation sweeps before it asks for a fresh one: the cost of sweeping
/// against the price of fragmentation, Go's figure.
const SWEEPS_MAX: usize = 100;

/// What a sweep found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SweepResult {
    /// Some block is free.
    Free,
    /// No block is free.
    Full,
    /// All blocks were free, and the span has gone back to the heap.
    Gone,
}

/// The collector, as allocation sees it.
pub trait Sweep {
    /// The heap's sweep generation.
    fn generation(&self) -> HeapGen;

    /// Frees the unmarked blocks of a span that the caller has claimed, and finishes its sweep generation. With
    /// `keep`, a span without users stays.
    fn sweep(&self, span: SpanRef, keep: bool) -> SweepResult;
}

/// For memory that nobody collects: every span counts as swept.
pub struct NoSweep;

impl Sweep for NoSweep {
    fn generation(&self) -> HeapGen {
        HeapGen(0)
    }

    fn sweep(&self, span: SpanRef, _: bool) -> SweepResult {
        finish(span, self.generation())
    }
}

/// Marks a claimed span swept without freeing anything.
fn finish(span: SpanRef, generation: HeapGen) -> SweepResult {
    // SAFETY: records live as long as the heap; the claim makes the caller the owner.
    unsafe {
        span.as_ref().sweep_gen().finish(generation);
        if span.as_ref().with_body(|body| body.free) > 0 { SweepResult::Free } else { SweepResult::Full }
    }
}

/// The spans of one span class.
pub struct Collected {
    class: SpanClass,
    partial: [SpanSet; 2],
    full: [SpanSet; 2],
}

impl Collected {
    gort_sync::const_unless_loom! {
        /// The home of a class that has nothing yet.
        pub fn new(class: SpanClass) -> Self {
            Self { class, partial: [SpanSet::new(), SpanSet::new()], full: [SpanSet::new(), SpanSet::new()] }
        }
    }

    /// Swept and unswept of a pair, in a generation.
    fn sides(pair: &[SpanSet; 2], generation: HeapGen) -> (&SpanSet, &SpanSet) {
        let swept = generation.0 as usize / 2 % 2;
        (&pair[swept], &pair[1 - swept])
    }

    /// A span with at least one free block, for a cache; `None` when the OS has no memory. The caller owns it.
    pub fn cache_span(&self, heap: &Heap, sweep: &impl Sweep) -> Option<SpanRef> {
        let generation = sweep.generation();
        let span = self
            .find_swept(generation)
            .or_else(|| self.sweep_partial(generation, sweep))
            .or_else(|| self.sweep_full(heap, generation, sweep))
            .or_else(|| self.grow(heap, generation))?;
        // SAFETY: records live as long as the heap.
        unsafe { span.as_ref() }.sweep_gen().cache(generation);
        Some(span)
    }

    fn find_swept(&self, generation: HeapGen) -> Option<SpanRef> {
        Self::sides(&self.partial, generation).0.pop()
    }

    fn sweep_partial(&self, generation: HeapGen, sweep: &impl Sweep) -> Option<SpanRef> {
        let (_, unswept) = Self::sides(&self.partial, generation);
        (0..SWEEPS_MAX)
            .map_while(|_| unswept.pop())
            .find(|span| claim(*span, generation) && sweep.sweep(*span, true) == SweepResult::Free)
    }

    fn sweep_full(&self, heap: &Heap, generation: HeapGen, sweep: &impl Sweep) -> Option<SpanRef> {
        let (swept, unswept) = Self::sides(&self.full, generation);
        (0..SWEEPS_MAX).map_while(|_| unswept.pop()).find(|span| {
            if !claim(*span, generation) {
                return false; // A sweeper outside had it (I2).
            }
            if sweep.sweep(*span, true) == SweepResult::Free {
                return true;
            }
            // Without memory for the set the span rests until the collector visits all spans.
            let _ = swept.push(*span, heap.source());
            false
        })
    }

    #[cold]
    fn grow(&self, heap: &Heap, generation: HeapGen) -> Option<SpanRef> {
        let span = heap.alloc_blocks(self.class, self.class.size_class().span_pages(0))?;
        // SAFETY: records live as long as the heap.
        unsafe { span.as_ref() }.sweep_gen().finish(generation);
        Some(span)
    }

    /// Gives a cached span up. Fails when the set has no memory for it; the caller still has the span then.
    ///
    /// # Safety
    /// The span came from [`Collected::cache_span`] of this home, and the caller owns it.
    pub unsafe fn uncache_span(
        &self,
        span: SpanRef,
        heap: &Heap,
        sweep: &impl Sweep,
    ) -> Result<(), OutOfMemory> {
        let generation = sweep.generation();
        // SAFETY: records live as long as the heap.
        let record = unsafe { span.as_ref() };
        let stale = record.sweep_gen().state(generation) != Some(gort_mspan::sweep_gen::SweepState::Cached);
        let result = if stale {
            record.sweep_gen().claim_cached(generation);
            sweep.sweep(span, false)
        } else {
            record.sweep_gen().uncache(generation);
            // SAFETY: the caller owns the span.
            if unsafe { record.with_body(|body| body.free) } > 0 {
                SweepResult::Free
            } else {
                SweepResult::Full
            }
        };
        let pair = match result {
            SweepResult::Gone => return Ok(()),
            SweepResult::Free => &self.partial,
            SweepResult::Full => &self.full,
        };
        Self::sides(pair, generation).0.push(span, heap.source())
    }
}

/// Claims an unswept span for sweeping; `false` when another sweeper was faster.
fn claim(span: SpanRef, generation: HeapGen) -> bool {
    // SAFETY: records live as long as the heap.
    unsafe { span.as_ref() }.sweep_gen().try_claim(generation)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use core::cell::Cell;
    use gort_mspan::{Kind, SizeClass};

    /// A collector that frees every block of what it sweeps, or nothing.
    struct Collector {
        generation: Cell<HeapGen>,
        frees: bool,
        sweeps: Cell<usize>,
    }

    impl Sweep for Collector {
        fn generation(&self) -> HeapGen {
            self.generation.get()
        }
        fn sweep(&self, span: SpanRef, _: bool) -> SweepResult {
            self.sweeps.set(self.sweeps.get() + 1);
            if self.frees {
                // SAFETY: the claim made us the owner.
                unsafe { span.as_ref().with_body(|body| assert!(body.put(0))) };
            }
            finish(span, self.generation())
        }
    }

    fn class() -> SpanClass {
        SpanClass::new(Kind::NoScan, SizeClass::of(64).unwrap())
    }

    fn use_up(span: SpanRef) {
        // SAFETY: the test owns the cached span.
        unsafe { span.as_ref().with_body(|body| body.take_up_to(1000, |_| {})) };
    }

    #[test]
    fn a_partial_span_is_reused_and_a_full_one_is_not() {
        let (heap, home) = (Heap::new(), Collected::new(class()));
        let a = home.cache_span(&heap, &NoSweep).unwrap();
        // SAFETY: cached above.
        unsafe { home.uncache_span(a, &heap, &NoSweep).unwrap() };
        assert_eq!(home.cache_span(&heap, &NoSweep), Some(a));
        use_up(a);
        // SAFETY: cached above.
        unsafe { home.uncache_span(a, &heap, &NoSweep).unwrap() };
        assert_ne!(home.cache_span(&heap, &NoSweep), Some(a));
    }

    #[test]
    fn a_full_span_is_swept_in_the_next_cycle_and_serves_again() {
        let (heap, home) = (Heap::new(), Collected::new(class()));
        let gc = Collector { generation: Cell::new(HeapGen(0)), frees: true, sweeps: Cell::new(0) };
        let a = home.cache_span(&heap, &gc).unwrap();
        use_up(a);
        // SAFETY: cached above.
        unsafe { home.uncache_span(a, &heap, &gc).unwrap() };
        gc.generation.set(gc.generation().next());
        assert_eq!(home.cache_span(&heap, &gc), Some(a));
        assert_eq!(gc.sweeps.get(), 1);
    }

    #[test]
    fn a_span_cached_across_a_cycle_is_swept_when_given_up() {
        let (heap, home) = (Heap::new(), Collected::new(class()));
        let gc = Collector { generation: Cell::new(HeapGen(0)), frees: false, sweeps: Cell::new(0) };
        let a = home.cache_span(&heap, &gc).unwrap();
        gc.generation.set(gc.generation().next());
        // SAFETY: cached above.
        unsafe { home.uncache_span(a, &heap, &gc).unwrap() };
        assert_eq!(gc.sweeps.get(), 1);
        assert_eq!(home.cache_span(&heap, &gc), Some(a), "it has free blocks");
    }
}
