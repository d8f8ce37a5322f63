//! The home of a size class's blocks that are freed by hand.
//!
//! Three layers under one lock: a depot of batches, the spans on their shelves, and the heap. A thread whose magazine
//! is empty takes a batch; one whose magazine is full gives its older half. As long as takes and gives balance, spans
//! are not touched. When the depot is full, blocks go back to their spans one by one: a set bit each; a bit that was
//! set already is a double free. Blocks of the caller's spans and of others' are the same.
//!
//! Under the lock everything is plain memory, so the cache misses of a batch of scattered blocks overlap; with an atomic
//! per block they would queue up behind each other (docs/decisions/0004 has the measurement).
//!
//! # Invariants
//! I1. Every block of the class is in exactly one place: a user's hands, a magazine, a batch of the depot, or a set bit.
//! I2. A span all of whose bits are set goes back to the heap, unless it is the only one on the shelves.
//!
//! # Locks
//! A central's lock is held while the heap is called. Model: `tests/loom_central.rs`.

use crate::batch::{BATCH_MAX, Depot};
use crate::params::{batch_len, depot_len};
use crate::shelves::Shelves;
use core::ptr::null_mut;
use gort_mheap::Heap;
use gort_mspan::{Kind, Misplaced, SizeClass, Span, SpanClass, SpanRef};
use gort_sys::lock::{Mutex, MutexGuard};

/// A block that cannot go back to its span.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Misuse {
    /// It is there already.
    DoubleFree,
    /// It is no block of this class, or lies inside one.
    NotABlock,
}

/// How many blocks a class has, and where.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Figures {
    /// Blocks out of their spans: in users' hands, magazines and the depot.
    pub out: usize,
    /// Of these in the depot.
    pub waiting: usize,
    /// Spans, and their bytes.
    pub spans: usize,
    /// See `spans`.
    pub span_bytes: usize,
}

/// The blocks of one size class, for all threads.
pub struct Central {
    class: SizeClass,
    inner: Mutex<Inner>,
}

struct Inner {
    depot: Depot,
    shelves: Shelves,
    /// Spans of the class, and their pages.
    spans: usize,
    pages: usize,
    /// Blocks that left the spans and have not come back.
    out: usize,
    /// Fewest batches in the depot since the last tick: what nobody needed.
    idle: usize,
}

impl Central {
    gort_sync::const_unless_loom! {
        /// The home of a class that has nothing yet.
        pub fn new(class: SizeClass) -> Self {
            let inner = Inner { depot: Depot::new(), shelves: Shelves::new(), spans: 0, pages: 0, out: 0, idle: 0 };
            Self { class, inner: Mutex::new(inner) }
        }
    }

    /// The class.
    pub const fn class(&self) -> SizeClass {
        self.class
    }

    /// Takes up to `BATCH_MAX` blocks into `out`; how many. Nought when the OS has no memory. Blocks that come from a
    /// span stand in falling order, so that a stack gives the lowest first.
    pub fn take(&self, heap: &Heap, out: &mut [*mut u8; BATCH_MAX]) -> usize {
        let mut inner = self.inner.lock();
        match inner.depot.pop(out) {
            0 => self.take_from_spans(&mut inner, heap, &mut out[..batch_len(self.class)]),
            n => {
                inner.idle = inner.idle.min(inner.depot.len());
                n
            }
        }
    }

    /// Gives free blocks back, at most `BATCH_MAX`. They wait in the depot, or go to their spans when it is full. The
    /// first block that is no block, or is free already, with what is wrong; the others are back then.
    pub fn give(&self, heap: &Heap, blocks: &[*mut u8]) -> Result<(), (*mut u8, Misuse)> {
        let mut inner = self.inner.lock();
        if inner.depot.len() < depot_len(self.class) && inner.depot.push(blocks, heap.source()) {
            return Ok(());
        }
        self.give_to_spans(&mut inner, heap, blocks)
    }

    /// Gives free blocks straight back to their spans: for checking builds, and for emptying caches.
    pub fn give_back(&self, heap: &Heap, blocks: &[*mut u8]) -> Result<(), (*mut u8, Misuse)> {
        self.give_to_spans(&mut self.inner.lock(), heap, blocks)
    }

    /// Takes one block straight from a span, past the depot: for checking builds.
    pub fn take_one(&self, heap: &Heap) -> Option<*mut u8> {
        let mut out = [null_mut()];
        (self.take_from_spans(&mut self.inner.lock(), heap, &mut out) == 1).then_some(out[0])
    }

    /// Whether the block at `addr` of a span of this class is in a user's hands or a cache, rather than free in its span.
    pub fn is_out(&self, span: &Span, index: usize) -> bool {
        let _inner = self.inner.lock();
        // SAFETY: the lock makes us the span's owner.
        unsafe { span.with_body(|body| !body.bits.is_free(index)) }
    }

    /// Empties the depot into the spans.
    pub fn flush(&self, heap: &Heap) -> Result<(), (*mut u8, Misuse)> {
        let mut inner = self.inner.lock();
        self.shrink_depot(&mut inner, heap, usize::MAX)
    }

    /// Gives half of the batches that nobody needed since the last call back to their spans.
    pub fn tick(&self, heap: &Heap) -> Result<(), (*mut u8, Misuse)> {
        let Some(mut inner) = self.inner.try_lock() else { return Ok(()) };
        let unneeded = inner.idle.div_ceil(2);
        let result = self.shrink_depot(&mut inner, heap, unneeded);
        inner.idle = inner.depot.len();
        result
    }

    fn shrink_depot(&self, inner: &mut Inner, heap: &Heap, batches: usize) -> Result<(), (*mut u8, Misuse)> {
        let mut result = Ok(());
        for _ in 0..batches {
            let mut blocks = [null_mut(); BATCH_MAX];
            let n = inner.depot.pop(&mut blocks);
            if n == 0 {
                break;
            }
            result = result.and(self.give_to_spans(inner, heap, &blocks[..n]));
        }
        result
    }

    fn take_from_spans(&self, inner: &mut Inner, heap: &Heap, out: &mut [*mut u8]) -> usize {
        let mut taken = 0;
        while taken < out.len() {
            let Some(span) = inner.shelves.fullest().or_else(|| self.grow(inner, heap)) else { break };
            // SAFETY: records live as long as the heap.
            let record = unsafe { span.as_ref() };
            let (base, size) = (record.base(), self.class.size());
            let room = &mut out[taken..];
            // SAFETY: the lock makes us the span's owner.
            let n = unsafe {
                record.with_body(|body| {
                    let mut i = 0;
                    body.take_up_to(room.len(), |index| {
                        room[i] = core::ptr::with_exposed_provenance_mut(base + index * size);
                        i += 1;
                    })
                })
            };
            // SAFETY: we own the span, and it is on the shelf that it says.
            unsafe { inner.shelves.settle(span, record.blocks()) };
            taken += n;
        }
        inner.out += taken;
        out[..taken].reverse();
        taken
    }

    /// One more span, on its shelf.
    #[cold]
    fn grow(&self, inner: &mut Inner, heap: &Heap) -> Option<SpanRef> {
        // A class that has many spans gets longer ones: 16 spans a doubling.
        let grown = (inner.spans / 16 + 1).ilog2();
        let class = SpanClass::new(Kind::Malloc, self.class);
        let span = heap
            .alloc_blocks(class, self.class.span_pages(grown))
            .or_else(|| heap.alloc_blocks(class, self.class.span_pages(0)))?;
        inner.spans += 1;
        // SAFETY: records live as long as the heap.
        inner.pages += unsafe { span.as_ref() }.pages();
        // SAFETY: a fresh span is ours.
        unsafe { inner.shelves.add(span) };
        Some(span)
    }

    fn give_to_spans(
        &self,
        inner: &mut Inner,
        heap: &Heap,
        blocks: &[*mut u8],
    ) -> Result<(), (*mut u8, Misuse)> {
        // Two passes: the first brings the records of scattered blocks into the cache, all misses at once.
        let mut spans: [Option<&Span>; BATCH_MAX] = [None; BATCH_MAX];
        for (span, block) in spans.iter_mut().zip(blocks) {
            *span = heap.malloc_span_of(block.addr());
            if let Some(span) = span {
                gort_sys::arch::prefetch(core::ptr::from_ref(*span).cast());
            }
        }
        let mut result = Ok(());
        for (span, block) in spans.iter().zip(blocks) {
            if let Err(fault) = self.give_one(inner, heap, *span, block.addr()) {
                result = result.and(Err((*block, fault)));
            }
        }
        result
    }

    #[inline]
    fn give_one(
        &self,
        inner: &mut Inner,
        heap: &Heap,
        span: Option<&Span>,
        addr: usize,
    ) -> Result<(), Misuse> {
        let span = span.filter(|span| span.class().size_class() == self.class).ok_or(Misuse::NotABlock)?;
        let index = span.index_of(addr).map_err(|_: Misplaced| Misuse::NotABlock)?;
        // SAFETY: the lock makes us the span's owner.
        let free = unsafe { span.with_body(|body| body.put(index).then_some(body.free)) };
        let free = free.ok_or(Misuse::DoubleFree)? as usize;
        inner.out -= 1;
        let at = SpanRef::from(span);
        // SAFETY: we own the span, and it is on the shelf that it says.
        unsafe {
            inner.shelves.settle(at, span.blocks());
            if free == span.blocks() && inner.shelves.len() > 1 {
                inner.shelves.remove(at);
                inner.spans -= 1;
                inner.pages -= span.pages();
                heap.free_span(at);
            }
        }
        Ok(())
    }

    /// Figures of a moment.
    pub fn figures(&self) -> Figures {
        let inner = self.inner.lock();
        Figures {
            out: inner.out,
            waiting: inner.depot.blocks(),
            spans: inner.spans,
            span_bytes: inner.pages << gort_mspan::PAGE_SHIFT,
        }
    }

    /// Holds the lock across a fork.
    #[cfg(not(loom))]
    pub fn raw_lock(&self) -> &gort_sys::lock::Lock {
        self.inner.raw()
    }

    /// Keeps everyone out while the guard lives: for visitors of the class's spans.
    pub fn quiesce(&self) -> impl Sized + '_ {
        let guard: MutexGuard<'_, Inner> = self.inner.lock();
        guard
    }
}
