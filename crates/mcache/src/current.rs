//! The span of each collected class that an owner allocates from.
//!
//! Follows `alloc` of Go's `mcache` and its `refill` and `prepareForSweep`. An owner holds one span of a class and takes
//! its free blocks in address order; a used-up span goes back to its home, and another comes.

use core::ptr::NonNull;
use gort_mcentral::{Collected, Sweep};
use gort_mheap::Heap;
use gort_mspan::sweep_gen::HeapGen;
use gort_mspan::{SizeClass, SpanRef, size_class::CLASSES};

/// One span for each size class of one collected kind.
pub struct CurrentSpans {
    spans: [Option<SpanRef>; CLASSES],
    flushed: HeapGen,
}

// SAFETY: the spans belong to the owner of this record alone, whichever thread that is.
unsafe impl Send for CurrentSpans {}

impl Default for CurrentSpans {
    fn default() -> Self {
        Self::new()
    }
}

impl CurrentSpans {
    /// No spans yet.
    pub const fn new() -> Self {
        Self { spans: [None; CLASSES], flushed: HeapGen(0) }
    }

    /// A block of `class`, and whether its memory may be other than zero; `None` when the OS has no memory.
    pub fn alloc(
        &mut self,
        class: SizeClass,
        home: &Collected,
        heap: &Heap,
        sweep: &impl Sweep,
    ) -> Option<(NonNull<u8>, bool)> {
        loop {
            if let Some(span) = self.spans[class.index()] {
                // SAFETY: records live as long as the heap, and a cached span is ours.
                let (record, taken) = unsafe {
                    let record = span.as_ref();
                    let mut at = 0;
                    let taken = record.with_body(|body| {
                        (body.take_up_to(1, |index| at = index) == 1).then_some((at, body.need_zero))
                    });
                    (record, taken)
                };
                if let Some((index, need_zero)) = taken {
                    let addr = core::ptr::with_exposed_provenance_mut(record.block_addr(index));
                    return Some((NonNull::new(addr)?, need_zero));
                }
                self.release(class, home, heap, sweep);
            }
            self.spans[class.index()] = Some(home.cache_span(heap, sweep)?);
        }
    }

    /// Gives up the span of a class.
    fn release(&mut self, class: SizeClass, home: &Collected, heap: &Heap, sweep: &impl Sweep) {
        if let Some(span) = self.spans[class.index()].take() {
            // SAFETY: it came from this home's `cache_span`, and is ours. Without memory for the set the span rests
            // until the collector visits all spans.
            let _ = unsafe { home.uncache_span(span, heap, sweep) };
        }
    }

    /// Gives up all spans if the heap has begun a new generation since the last call, so that they can be swept.
    pub fn prepare_for_sweep<'a>(
        &mut self,
        homes: impl Fn(SizeClass) -> &'a Collected,
        heap: &Heap,
        sweep: &impl Sweep,
    ) {
        let generation = sweep.generation();
        if generation != self.flushed {
            SizeClass::all().for_each(|class| self.release(class, homes(class), heap, sweep));
            self.flushed = generation;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use gort_mcentral::NoSweep;
    use gort_mspan::{Kind, SpanClass};

    #[test]
    fn blocks_come_in_address_order_and_spans_follow_each_other() {
        let class = SizeClass::of(1024).unwrap();
        let (heap, home) = (Heap::new(), Collected::new(SpanClass::new(Kind::Scan, class)));
        let mut current = CurrentSpans::new();
        let blocks: Vec<usize> = (0..100)
            .map(|_| current.alloc(class, &home, &heap, &NoSweep).unwrap().0.as_ptr() as usize)
            .collect();
        let span_blocks = heap.span_of(blocks[0]).unwrap().blocks();
        for (i, pair) in blocks.windows(2).enumerate() {
            if (i + 1) % span_blocks != 0 {
                assert_eq!(pair[1] - pair[0], 1024);
            }
        }
    }
}
