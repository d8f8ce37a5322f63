//! A set of spans that threads push to and pop from without a lock.
//!
//! Follows Go's `mspanset.go`: a first-in first-out sequence, head and tail in one word, slots in blocks. It departs in
//! the spine. Go's grows by copying and recycles blocks of one size; here block `k` has twice the slots of block
//! `k - 1`, so 25 pointers reach 2^31 slots, the spine never moves, and blocks stay for the next cycle.
//!
//! ```text
//!     spine:  [0]  [1]    [2]          ...
//!             64   128    256 slots
//!             |____|______|____________
//!             0    64     192            <- position, counted from the last reset
//!                 ^head       ^tail      <- pop takes at head, push fills at tail
//! ```
//!
//! # Invariants
//! I1. `head <= tail`; the slots in `head..tail` are filled or about to be, all others empty.
//! I2. The block of every position below `tail` exists.
//! I3. Positions grow until [`SpanSet::reset`], which needs the set to be empty and at rest.
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | X1 | `push` tail exchange | Release | X2 | that the block exists (I2), and what the pusher wrote into the span |
//! | X2 | `pop` head exchange | Acquire | X1 | the same |
//! | X3 | spine exchange | AcqRel | X3 | the block's slots, to the thread that lost the race to add it |
//!
//! Every later exchange of head and tail continues the release of X1, so whoever claims a position to pop sees what its
//! pusher did before X1, and the slot itself need order nothing.
//!
//! Model: `tests/loom_span_set.rs`.

use crate::span::{Span, SpanRef};
use core::ptr::{NonNull, null_mut};
use gort_sync::Zeroed;
use gort_sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use gort_sync::hint::spin_loop;
use gort_sys::offheap::Persistent;

/// log2 of the slots of the first block.
#[cfg(not(loom))]
const FIRST_SHIFT: u32 = 6;
#[cfg(loom)]
const FIRST_SHIFT: u32 = 1;
/// Slots of the pieces that blocks are made of: records of one type serve blocks of all lengths.
const PIECE: usize = 1 << FIRST_SHIFT;
#[cfg(not(loom))]
const BLOCKS: usize = 25;
#[cfg(loom)]
const BLOCKS: usize = 2;

type Slot = AtomicPtr<Span>;

/// A concurrent set of spans. Push and pop are O(1) and lock-free but for the first push into a block.
pub struct SpanSet {
    /// Head in the high half, tail in the low half.
    index: AtomicU64,
    spine: [AtomicPtr<Slot>; BLOCKS],
}

// SAFETY: atomics; an empty set is all zero.
unsafe impl Zeroed for SpanSet {
    fn zeroed() -> Self {
        Self { index: AtomicU64::new(0), spine: core::array::from_fn(|_| AtomicPtr::new(null_mut())) }
    }
}

/// There was no memory for a block; the set is as it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfMemory;

/// Block and offset of a position.
const fn locate(position: u32) -> (usize, usize) {
    let shifted = position as u64 + (1 << FIRST_SHIFT);
    let block = shifted.ilog2() - FIRST_SHIFT;
    (block as usize, (shifted - (1 << (block + FIRST_SHIFT))) as usize)
}

impl Default for SpanSet {
    fn default() -> Self {
        Self::zeroed()
    }
}

impl SpanSet {
    #[cfg(not(loom))]
    /// An empty set.
    pub const fn new() -> Self {
        Self { index: AtomicU64::new(0), spine: [const { AtomicPtr::new(null_mut()) }; BLOCKS] }
    }

    #[cfg(loom)]
    /// An empty set.
    pub fn new() -> Self {
        Self::zeroed()
    }

    /// Adds a span. Fails, and changes nothing, when a block is needed and `source` has no memory.
    pub fn push(&self, span: SpanRef, source: &Persistent) -> Result<(), OutOfMemory> {
        let mut index = self.index.load(Ordering::Relaxed); // Relaxed: only compared by the exchange.
        let slot = loop {
            let (block, offset) = locate(index as u32);
            let slots = self.block(block, source)?;
            // ORD[X1] Release: the block is in the spine (I2), and the span is as its pusher left it. Relaxed on failure:
            // only compared again.
            match self.index.compare_exchange_weak(index, index + 1, Ordering::Release, Ordering::Relaxed) {
                // SAFETY: `offset` is inside the block by `locate`.
                Ok(_) => break unsafe { slots.add(offset).as_ref() },
                Err(now) => index = now,
            }
        };
        slot.store(span.as_ptr(), Ordering::Relaxed); // Relaxed: the popper has X1.
        Ok(())
    }

    /// Takes the span that was added first; `None` when the set was empty at some moment during the call.
    pub fn pop(&self) -> Option<SpanRef> {
        let mut index = self.index.load(Ordering::Relaxed); // Relaxed: only compared by the exchange.
        let head = loop {
            let (head, tail) = ((index >> 32) as u32, index as u32);
            if head >= tail {
                return None;
            }
            let next = index + (1 << 32);
            // ORD[X2] Acquire: the block of any position below tail, and the span that was pushed there. Relaxed on
            // failure: only compared again.
            match self.index.compare_exchange_weak(index, next, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => break head,
                Err(now) => index = now,
            }
        };
        let (block, offset) = locate(head);
        let slots = self.spine[block].load(Ordering::Relaxed); // Relaxed: visible by X2.
        // SAFETY: the block exists (I2), the offset is inside by `locate`.
        let slot = unsafe { &*slots.add(offset) };
        loop {
            // Relaxed: the span is visible by X2.
            if let Some(span) = NonNull::new(slot.load(Ordering::Relaxed)) {
                slot.store(null_mut(), Ordering::Relaxed); // Relaxed: nobody looks before a reset.
                return Some(span);
            }
            spin_loop(); // The pusher has claimed the position and is about to fill it.
        }
    }

    /// How many spans there were at some moment.
    pub fn len(&self) -> usize {
        let index = self.index.load(Ordering::Relaxed); // Relaxed: a hint, stale at once.
        (index as u32 - (index >> 32) as u32) as usize
    }

    /// Whether there was none at some moment.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Starts positions anew (I3).
    ///
    /// # Safety
    /// The set is empty, and no other thread is in a call on it.
    pub unsafe fn reset(&self) {
        debug_assert!(self.is_empty());
        self.index.store(0, Ordering::Relaxed); // Relaxed: the caller is alone.
    }

    /// The slots of a block, added if need be.
    fn block(&self, block: usize, source: &Persistent) -> Result<NonNull<Slot>, OutOfMemory> {
        // Relaxed would not do: we are about to touch slots that another thread constructed.
        // ORD[X3] Acquire half.
        if let Some(slots) = NonNull::new(self.spine[block].load(Ordering::Acquire)) {
            return Ok(slots);
        }
        let fresh = make_block(block, source).ok_or(OutOfMemory)?;
        // ORD[X3] AcqRel: the winner publishes its slots, the loser sees the winner's. The loser's block is lost; a
        // few such races in the life of a process cost less than a lock.
        match self.spine[block].compare_exchange(
            null_mut(),
            fresh.as_ptr(),
            Ordering::AcqRel,
            Ordering::Acquire,
        ) {
            Ok(_) => Ok(fresh),
            Err(theirs) => NonNull::new(theirs).ok_or(OutOfMemory),
        }
    }
}

#[cfg(not(loom))]
fn make_block(block: usize, source: &Persistent) -> Option<NonNull<Slot>> {
    // Zero bytes are empty slots.
    Some(source.alloc((PIECE << block) * size_of::<Slot>(), align_of::<Slot>())?.cast())
}

#[cfg(loom)]
fn make_block(block: usize, _: &Persistent) -> Option<NonNull<Slot>> {
    let slots: Vec<Slot> = (0..PIECE << block).map(|_| Slot::zeroed()).collect();
    Some(NonNull::from(Box::leak(slots.into_boxed_slice())).cast())
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn positions_fall_into_doubling_blocks() {
        for (position, place) in [(0, (0, 0)), (63, (0, 63)), (64, (1, 0)), (191, (1, 127)), (192, (2, 0))] {
            assert_eq!(locate(position), place, "{position}");
        }
    }

    #[test]
    fn spans_come_out_in_order_across_blocks() {
        let source = Persistent::new();
        let spans: Vec<Span> = (0..500).map(|_| Span::dead()).collect();
        let set = SpanSet::new();
        for round in 0..2 {
            assert_eq!(set.pop(), None);
            for span in &spans {
                set.push(span.into(), &source).unwrap();
            }
            assert_eq!(set.len(), 500);
            for span in &spans {
                assert_eq!(set.pop(), Some(span.into()), "round {round}");
            }
            assert!(set.is_empty());
            // SAFETY: empty, and one thread.
            unsafe { set.reset() };
        }
    }

    #[test]
    fn four_threads_lose_and_double_nothing() {
        let source = Persistent::new();
        let spans: Vec<Span> = (0..4000).map(|_| Span::dead()).collect();
        let set = SpanSet::new();
        let popped: Vec<usize> = std::thread::scope(|scope| {
            let workers: Vec<_> = spans
                .chunks(1000)
                .map(|mine| {
                    let (set, source) = (&set, &source);
                    scope.spawn(move || {
                        let mut got = Vec::new();
                        for span in mine {
                            set.push(span.into(), source).unwrap();
                            got.extend(set.pop().map(|s| s.as_ptr() as usize));
                        }
                        got
                    })
                })
                .collect();
            workers.into_iter().flat_map(|w| w.join().unwrap()).collect()
        });
        let mut all: Vec<usize> =
            popped.into_iter().chain(std::iter::from_fn(|| set.pop().map(|s| s.as_ptr() as usize))).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 4000);
    }
}
