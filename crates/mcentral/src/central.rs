//! The home of a size class's blocks that are freed by hand.
//!
//! Three layers under one lock: a depot of batches, the spans on their shelves, and the heap. A thread whose magazine
//! is empty takes a batch; one whose magazine is full gives its older half. As long as takes and gives balance, spans
//! are not touched. When the depot is full, blocks go back to their spans one by one: a set bit each; a bit that was
//! set already is a double free. Blocks of the caller's spans and of others' are the same.
//!
//! How much the depot may hold is learnt. A block that waits there pins its span, a hundred times its own bytes, and after
//! the end of a phase nobody wants it. So the depot starts small, and doubles when it was full and then empty: when it
//! would have saved work had it been larger. What it holds in vain goes, and the limit with it ([`Central::tick`]).
//!
//! Under the lock everything is plain memory, so the cache misses of a batch of scattered blocks overlap; with an atomic
//! per block they would queue up behind each other (docs/decisions/0004 has the measurement). `spans` has the traffic with
//! spans.
//!
//! # Invariants
//! I1. Every block of the class is in exactly one place: a user's hands, a magazine, a batch of the depot, or a set bit.
//!
//! # Locks
//! A central's lock is held while the heap is called. Model: `tests/loom_central.rs`.

use crate::batch::{BATCH_MAX, Depot};
use crate::params::{DEPOT_LEN_MIN, batch_len, depot_len};
use crate::spans::Spans;
use core::ptr::null_mut;
use gort_mheap::Heap;
use gort_mspan::{SizeClass, Span};
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
    spans: Spans,
    /// Batches that the depot may hold.
    limit: usize,
    /// The depot was full since it was last empty.
    spilled: bool,
    /// Fewest batches in the depot since the last tick: what nobody needed.
    idle: usize,
}

impl Inner {
    /// Empties up to so many batches into the spans.
    fn shrink_depot(&mut self, heap: &Heap, batches: usize) -> Result<(), (*mut u8, Misuse)> {
        let mut result = Ok(());
        for _ in 0..batches {
            let mut blocks = [null_mut(); BATCH_MAX];
            let n = self.depot.pop(&mut blocks);
            if n == 0 {
                break;
            }
            result = result.and(self.spans.give(heap, &blocks[..n]));
        }
        result
    }
}

impl Central {
    gort_sync::const_unless_loom! {
        /// The home of a class that has nothing yet.
        pub fn new(class: SizeClass) -> Self {
            let (depot, spans) = (Depot::new(), Spans::new(class));
            let inner = Inner { depot, spans, limit: DEPOT_LEN_MIN, spilled: false, idle: 0 };
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
        self.take_some(heap, out, batch_len(self.class))
    }

    /// As [`Central::take`], but at most `fresh` blocks from a span, one at least.
    pub fn take_some(&self, heap: &Heap, out: &mut [*mut u8; BATCH_MAX], fresh: usize) -> usize {
        let mut inner = self.inner.lock();
        match inner.depot.pop(out) {
            0 => {
                if core::mem::take(&mut inner.spilled) {
                    inner.limit = (inner.limit * 2).min(depot_len(self.class));
                }
                inner.spans.take(heap, &mut out[..fresh])
            }
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
        if inner.depot.len() < inner.limit && inner.depot.push(blocks, heap.source()) {
            return Ok(());
        }
        inner.spilled = true;
        inner.spans.give(heap, blocks)
    }

    /// Gives free blocks straight back to their spans: for checking builds, and for emptying caches.
    pub fn give_back(&self, heap: &Heap, blocks: &[*mut u8]) -> Result<(), (*mut u8, Misuse)> {
        self.inner.lock().spans.give(heap, blocks)
    }

    /// Takes one block straight from a span, past the depot: for checking builds.
    pub fn take_one(&self, heap: &Heap) -> Option<*mut u8> {
        let mut out = [null_mut()];
        (self.inner.lock().spans.take(heap, &mut out) == 1).then_some(out[0])
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
        inner.shrink_depot(heap, usize::MAX)
    }

    /// Gives half of the batches that nobody needed since the last call back to their spans, and lowers the depot's limit
    /// by as many.
    pub fn tick(&self, heap: &Heap) -> Result<(), (*mut u8, Misuse)> {
        let Some(mut inner) = self.inner.try_lock() else { return Ok(()) };
        let unneeded = inner.idle.div_ceil(2);
        inner.limit = inner.limit.saturating_sub(unneeded).max(DEPOT_LEN_MIN);
        let result = inner.shrink_depot(heap, unneeded);
        inner.idle = inner.depot.len();
        result
    }

    /// Figures of a moment.
    pub fn figures(&self) -> Figures {
        let inner = self.inner.lock();
        Figures {
            out: inner.spans.out(),
            waiting: inner.depot.blocks(),
            spans: inner.spans.len(),
            span_bytes: inner.spans.pages() << gort_mspan::PAGE_SHIFT,
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
