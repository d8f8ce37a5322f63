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
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | T1 | `open` store of the limit | Release | T2 | the table's address |
//! | T2 | `class_of` load of the limit | Acquire | T1 | the same (free of cost on x86-64) |
//!
//! Class bytes are relaxed: a byte is written before a block of its page is first handed out, and the block's
//! user orders it before the free. They change back to 0 only when no block of the page is in use.
//! Model: loom-tests/tests/span_lookup.rs covers the same argument for the page table.

use core::ptr::{null_mut, without_provenance_mut};
use gort_mspan::{PAGE_SHIFT, SizeClass};
use gort_sync::atomic::{AtomicPtr, AtomicU8, AtomicUsize, Ordering};
use gort_sys::mem;

/// Addresses below this one are covered.
pub const COVERED: usize = 256 << 30;
/// log2 of the bytes of a granule, the alignment of every block.
const GRANULE_SHIFT: u32 = 4;

/// Size class by page.
pub struct ClassTable {
    /// Granules covered: nought while the table is not there, or is bypassed.
    limit: AtomicUsize,
    bytes: AtomicPtr<AtomicU8>,
}

impl Default for ClassTable {
    fn default() -> Self {
        Self::new()
    }
}

impl ClassTable {
    gort_sync::const_unless_loom! {
        /// A table that covers nothing yet.
        pub fn new() -> Self {
            Self { limit: AtomicUsize::new(0), bytes: AtomicPtr::new(null_mut()) }
        }
    }

    /// Reserves the table. Without it, or before, every lookup answers class 0, and frees take the slow path.
    pub fn reserve(&self) -> Result<(), gort_sys::Errno> {
        let at = mem::reserve_readable(COVERED >> PAGE_SHIFT)?;
        self.bytes.store(without_provenance_mut(at), Ordering::Relaxed); // Relaxed: published by T1.
        Ok(())
    }

    /// Starts answering.
    pub fn open(&self) {
        if !self.bytes.load(Ordering::Relaxed).is_null() {
            // ORD[T1] Release: the table's address.
            self.limit.store(COVERED >> GRANULE_SHIFT, Ordering::Release);
        }
    }

    /// Answers class 0 from here on, so that every free takes the slow path. For checking and profiling.
    pub fn bypass(&self) {
        self.limit.store(0, Ordering::Relaxed); // Relaxed: takes effect soon, which is all that is asked.
    }

    /// Makes the bytes of a range of addresses writable; those outside of the table need none.
    pub fn make_ready(&self, addr: usize, len: usize) -> Result<(), gort_sys::Errno> {
        let bytes = self.bytes.load(Ordering::Relaxed) as usize; // Relaxed: set once, before any arena.
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
        let bytes = self.bytes.load(Ordering::Relaxed); // Relaxed: set once, before any arena.
        if bytes.is_null() || addr + (pages << PAGE_SHIFT) > COVERED {
            return;
        }
        for page in addr >> PAGE_SHIFT..(addr >> PAGE_SHIFT) + pages {
            // SAFETY: inside the table, ready by contract. Relaxed: see the head.
            unsafe { (*bytes.add(page)).store(class.number(), Ordering::Relaxed) };
        }
    }

    /// The small size class of the block at `addr`; 0 for everything else, and for addresses that are no multiple of
    /// 16.
    ///
    /// Six instructions on x86-64: the rotation brings a misaligned address's low bits to the top, where the one
    /// compare with the limit finds them.
    #[inline(always)]
    pub fn class_of(&self, addr: usize) -> usize {
        let granule = addr.rotate_right(GRANULE_SHIFT);
        // ORD[T2] Acquire: the table's address, loaded next.
        if granule >= self.limit.load(Ordering::Acquire) {
            return 0;
        }
        let bytes = self.bytes.load(Ordering::Relaxed); // Relaxed: visible by T2.
        // SAFETY: below the limit, so inside the table, which is readable throughout. Relaxed: see the head.
        unsafe { (*bytes.add(granule >> (PAGE_SHIFT - GRANULE_SHIFT))).load(Ordering::Relaxed) as usize }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn answers_only_aligned_addresses_of_pages_that_were_set() {
        let table = ClassTable::new();
        let base = 100 << 30;
        assert_eq!(table.class_of(base), 0);
        table.reserve().unwrap();
        table.make_ready(base, 64 << 20).unwrap();
        // SAFETY: made ready above; the pages are numbers only.
        unsafe { table.set(base + 8192, 2, SizeClass::new(7)) };
        assert_eq!(table.class_of(base + 8192), 0, "not open yet");
        table.open();
        for (addr, class) in [
            (base + 8192, 7),
            (base + 8192 + 16, 7),
            (base + 3 * 8192 - 16, 7),
            (base + 3 * 8192, 0),
            (base + 8191, 0),
            (base + 8192 + 1, 0),
            (base + 8192 + 8, 0),
            (0, 0),
            (COVERED, 0),
            (usize::MAX, 0),
            (0x7fff_0000_0000, 0),
        ] {
            assert_eq!(table.class_of(addr), class, "{addr:#x}");
        }
        table.bypass();
        assert_eq!(table.class_of(base + 8192), 0);
    }
}
