//! Batches: arrays of pointers to free blocks of one class, the currency between threads.
//!
//! Bonwick and Adams, "Magazines and Vmem" (2001), exchange whole magazines by pointer. Here the blocks' addresses are
//! copied instead: a thread's magazine stays where it is, hot in its own cache, and 30 addresses are four lines.

use core::ptr::{NonNull, null_mut};
use gort_sys::offheap::{FixAlloc, Persistent};

/// Most blocks of a batch: with its two words of administration, a batch is 256 bytes.
pub const BATCH_MAX: usize = 30;

/// Free blocks of one class.
#[repr(C)]
pub(crate) struct Batch {
    next: Option<NonNull<Batch>>,
    len: usize,
    blocks: [*mut u8; BATCH_MAX],
}

/// A stack of full batches and the records for more. Its user guards it.
pub(crate) struct Depot {
    top: Option<NonNull<Batch>>,
    len: usize,
    blocks: usize,
    records: FixAlloc<Batch>,
}

// SAFETY: the batches belong to whoever guards the depot.
unsafe impl Send for Depot {}

impl Depot {
    pub(crate) const fn new() -> Self {
        Self { top: None, len: 0, blocks: 0, records: FixAlloc::new() }
    }

    /// How many batches there are.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// How many blocks they hold.
    pub(crate) const fn blocks(&self) -> usize {
        self.blocks
    }

    /// Puts a batch on top. `false`, and nothing changes, when there is no memory for its record.
    pub(crate) fn push(&mut self, blocks: &[*mut u8], source: &Persistent) -> bool {
        let mut batch = Batch { next: self.top, len: blocks.len(), blocks: [null_mut(); BATCH_MAX] };
        batch.blocks[..blocks.len()].copy_from_slice(blocks);
        let Some(record) = self.records.alloc(source, batch) else { return false };
        self.top = Some(record);
        self.len += 1;
        self.blocks += blocks.len();
        true
    }

    /// Takes the top batch; how many blocks were written to `out`, nought when the depot is empty.
    pub(crate) fn pop(&mut self, out: &mut [*mut u8; BATCH_MAX]) -> usize {
        let Some(record) = self.top else { return 0 };
        // SAFETY: a batch in the stack is ours.
        let batch = unsafe { record.as_ref() };
        let len = batch.len;
        out[..len].copy_from_slice(&batch.blocks[..len]);
        self.top = batch.next;
        self.len -= 1;
        self.blocks -= len;
        // SAFETY: taken out of the stack above.
        unsafe { self.records.free(record) };
        len
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn batches_come_back_whole_last_in_first_out() {
        let source = Persistent::new();
        let mut depot = Depot::new();
        let block = |i: usize| core::ptr::without_provenance_mut::<u8>(i * 16);
        let a: Vec<*mut u8> = (1..=BATCH_MAX).map(block).collect();
        let b: Vec<*mut u8> = (100..105).map(block).collect();
        assert!(depot.push(&a, &source) && depot.push(&b, &source));
        assert_eq!(depot.len(), 2);
        let mut out = [null_mut(); BATCH_MAX];
        assert_eq!(depot.pop(&mut out), 5);
        assert_eq!(out[..5], b);
        assert_eq!(depot.pop(&mut out), BATCH_MAX);
        assert_eq!(out[..], a);
        assert_eq!(depot.pop(&mut out), 0);
    }
}
