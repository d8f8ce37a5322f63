//! How much memory the program uses, and where the rest of it is.
//!
//! `live` is what the program holds; the difference to `spans` is free blocks in spans, depots and magazines, and what
//! rounding costs. Figures are of one moment when the program rests.

use crate::malloc::{HEAP, Malloc};
use gort_mheap::HeapStats;
use gort_mspan::size_class::CLASSES;
use gort_mspan::{Kind, SizeClass};

/// One size class.
#[derive(Clone, Copy, Default, Debug)]
pub struct ClassStats {
    /// Bytes of a block.
    pub size: usize,
    /// Blocks that the program holds.
    pub live: usize,
    /// Free blocks in magazines and in the depot.
    pub cached: usize,
    /// Spans, and their bytes.
    pub spans: usize,
    /// See `spans`.
    pub span_bytes: usize,
}

/// The whole.
#[derive(Clone, Debug)]
pub struct Stats {
    /// By size class; entry 0 is unused.
    pub classes: [ClassStats; CLASSES],
    /// Large blocks that the program holds (spans of their own), and their bytes.
    pub large_blocks: usize,
    /// See `large_blocks`.
    pub large_bytes: usize,
    /// Blocks with a mapping of their own, and their bytes.
    pub huge_blocks: usize,
    /// See `huge_blocks`.
    pub huge_bytes: usize,
    /// Most bytes in mappings of their own.
    pub huge_peak_bytes: usize,
    /// Caches of threads, and those without a thread.
    pub caches: usize,
    /// The heap's part.
    pub heap: HeapStats,
}

impl Stats {
    /// Bytes of blocks that the program holds.
    pub fn live_bytes(&self) -> usize {
        let small: usize = self.classes.iter().map(|class| class.live * class.size).sum();
        small + self.large_bytes + self.huge_bytes
    }

    /// Blocks that the program holds.
    pub fn live_blocks(&self) -> usize {
        self.classes.iter().map(|class| class.live).sum::<usize>() + self.large_blocks + self.huge_blocks
    }

    /// Bytes of free blocks in magazines and depots.
    pub fn cached_bytes(&self) -> usize {
        self.classes.iter().map(|class| class.cached * class.size).sum()
    }

    /// Bytes that the heap has from the OS and has not given back, records left out.
    pub fn held_bytes(&self) -> usize {
        self.heap.in_spans() + self.heap.free_bytes - self.heap.released_bytes + self.huge_bytes
    }

    /// Most that was taken from the OS and not given back (the parts need not be of one moment).
    pub fn peak_held_bytes(&self) -> usize {
        self.heap.peak_held_bytes + self.huge_peak_bytes
    }

    /// Most bytes in spans and mappings.
    pub fn peak_bytes(&self) -> usize {
        self.heap.peak_bytes
    }
}

impl Malloc {
    /// Figures of the moment. Takes each lock in turn.
    pub fn stats(&self) -> Stats {
        let mut in_magazines = [0; CLASSES];
        let mut caches = 0;
        self.caches.pool.each(|cache| {
            caches += 1;
            SizeClass::all().for_each(|class| in_magazines[class.index()] += cache.blocks(class));
        });
        let mut classes = [ClassStats::default(); CLASSES];
        for class in SizeClass::all() {
            let figures = self.centrals[class.index()].figures();
            let cached = figures.waiting + in_magazines[class.index()];
            classes[class.index()] = ClassStats {
                size: class.size(),
                live: figures.out.saturating_sub(cached),
                cached,
                spans: figures.spans,
                span_bytes: figures.span_bytes,
            };
        }
        let heap = HEAP.stats();
        let (huge_blocks, huge_bytes, huge_peak_bytes) = self.huge.figures();
        let in_classes: usize = classes.iter().map(|class| class.span_bytes).sum();
        let mut large_blocks = 0;
        HEAP.each_span(Kind::Malloc, |span| large_blocks += span.is_large() as usize);
        Stats {
            classes,
            large_blocks,
            large_bytes: heap.span_bytes[Kind::Malloc as usize].saturating_sub(in_classes),
            huge_blocks,
            huge_bytes,
            huge_peak_bytes,
            caches,
            heap,
        }
    }
}
