//! The table that tells a freed pointer's size class by one byte load.
//!
//! One byte a page of 8 KiB, for all addresses from nought to 256 GiB, of which the malloc window takes the part from
//! its randomised base on. Indexing by the absolute address saves the fast path a subtraction; docs/decisions/0003 has
//! the reasoning. The table is reserved readable, so a byte that was never written reads as class 0 and costs neither
//! memory nor commit charge; a slice is made writable together with its arena.
//!
//! ```text
//!     address    0 ........ base ............. end of arenas ........ 256 GiB
//!     byte       0 0 0 0 0  c c 0 0 c c c c c  0 0 0 0 0 0 0 0 0 0 0
//! ```
//!
//! Class 0 sends `free` to the slow path: foreign memory, large blocks, medium blocks (their magazines hang in no
//! thread word) and collected blocks.
//!
//! # Who writes when
//! Limit and table address are plain words, so that a compare can take the limit from memory: written by `reserve` and
//! `open` while the program has one thread, and constant from then on. (Making a thread allocates, so the start comes
//! first.) A class byte is plain, too: it is written before a block of its page is first handed out, whose user orders
//! that before the free, and it changes back to 0 only when no block of the page is in use. A wild pointer may read a byte
//! that is being written; it gets the old value or the new one, and the fault is found later.
//! Model: loom-tests/tests/span_lookup.rs covers the same argument for the page table.

use core::ptr::{null_mut, with_exposed_provenance_mut};
use gort_mspan::{PAGE_SHIFT, SizeClass};
use gort_sync::cell::UnsafeCell;
use gort_sys::mem;

/// Addresses below this one are covered.
pub const COVERED: usize = 256 << 30;
/// log2 of the bytes of a granule, the alignment of every block.
const GRANULE_SHIFT: u32 = 4;

/// Size class by page.
pub struct ClassTable {
    /// Granules covered: nought while the table does not answer.
    limit: UnsafeCell<usize>,
    bytes: UnsafeCell<*mut u8>,
}

// SAFETY: the two words are written while there is one thread; the rest is atomic.
unsafe impl Sync for ClassTable {}
// SAFETY: nothing is bound to a thread.
unsafe impl Send for ClassTable {}

impl Default for ClassTable {
    fn default() -> Self {
        Self::new()
    }
}

impl ClassTable {
    gort_sync::const_unless_loom! {
        /// A table that covers nothing yet.
        pub fn new() -> Self {
            Self { limit: UnsafeCell::new(0), bytes: UnsafeCell::new(null_mut()) }
        }
    }

    /// Reserves the table. Without it, or before, every lookup answers nothing, and frees take the slow path.
    ///
    /// # Safety
    /// No other thread uses the table.
    pub unsafe fn reserve(&self) -> Result<(), gort_sys::Errno> {
        let at = mem::reserve_readable(COVERED >> PAGE_SHIFT)?;
        // SAFETY: we are alone.
        self.bytes.with_mut(|bytes| unsafe { *bytes = with_exposed_provenance_mut(at) });
        Ok(())
    }

    /// Starts answering.
    ///
    /// # Safety
    /// No other thread uses the table.
    pub unsafe fn open(&self) {
        if !self.bytes().is_null() {
            // SAFETY: we are alone.
            self.limit.with_mut(|limit| unsafe { *limit = COVERED >> GRANULE_SHIFT });
        }
    }

    #[inline(always)]
    fn bytes(&self) -> *mut u8 {
        // SAFETY: written before anyone else reads.
        self.bytes.with(|bytes| unsafe { *bytes })
    }

    /// Makes the bytes of a range of addresses writable; those outside of the table need none.
    pub fn make_ready(&self, addr: usize, len: usize) -> Result<(), gort_sys::Errno> {
        let bytes = self.bytes() as usize;
        if bytes == 0 || addr + len > COVERED {
            return Ok(());
        }
        let os_page = mem::page_size();
        let start = (bytes + (addr >> PAGE_SHIFT)) & !(os_page - 1);
        let end = (bytes + ((addr + len) >> PAGE_SHIFT)).next_multiple_of(os_page);
        // SAFETY: inside our own reservation, whose length is a multiple of every OS page.
        unsafe { mem::commit(start, end - start) }
    }

    /// Sets the class of the pages of a range.
    ///
    /// # Safety
    /// The range was made ready, and the caller owns its pages.
    pub unsafe fn set(&self, addr: usize, pages: usize, class: SizeClass) {
        let bytes = self.bytes();
        if bytes.is_null() || addr + (pages << PAGE_SHIFT) > COVERED {
            return;
        }
        for page in addr >> PAGE_SHIFT..(addr >> PAGE_SHIFT) + pages {
            // SAFETY: inside the table, ready by contract.
            unsafe { *bytes.add(page) = class.number() };
        }
    }

    /// The small size class of the block at `addr`, or 0 for a page of something else; `None` for addresses that the table
    /// does not cover, or that are no multiple of 16.
    ///
    /// Six instructions on x86-64: the rotation brings a misaligned address's low bits to the top, where the one
    /// compare with the limit finds them.
    #[inline(always)]
    pub fn class_of(&self, addr: usize) -> Option<usize> {
        let granule = addr.rotate_right(GRANULE_SHIFT);
        // SAFETY: written before anyone else reads.
        if granule >= self.limit.with(|limit| unsafe { *limit }) {
            return None;
        }
        // SAFETY: below the limit, so inside the table, which is readable throughout.
        Some(unsafe { *self.bytes().add(granule >> (PAGE_SHIFT - GRANULE_SHIFT)) } as usize)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn answers_only_aligned_addresses_of_pages_that_were_set() {
        let table = ClassTable::new();
        let base = 100 << 30;
        assert_eq!(table.class_of(base), None);
        // SAFETY: the test is the table's only user, here and below; the pages are numbers only.
        unsafe {
            table.reserve().unwrap();
            table.make_ready(base, 64 << 20).unwrap();
            table.set(base + 8192, 2, SizeClass::new(7));
            assert_eq!(table.class_of(base + 8192), None, "not open yet");
            table.open();
        }
        for (addr, class) in [
            (base + 8192, Some(7)),
            (base + 8192 + 16, Some(7)),
            (base + 3 * 8192 - 16, Some(7)),
            (base + 3 * 8192, Some(0)),
            (base + 8191, None),
            (base + 8192 + 1, None),
            (base + 8192 + 8, None),
            (0, Some(0)),
            (COVERED, None),
            (usize::MAX, None),
            (0x7fff_0000_0000, None),
        ] {
            assert_eq!(table.class_of(addr), class, "{addr:#x}");
        }
    }
}
