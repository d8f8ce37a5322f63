//! The checking modes, `GORT_CHECK=2` and `3`: every misuse stops the program at the call.
//!
//! The fast paths are off; every block comes straight from its span and goes straight back, so the span's bits tell at any
//! moment which blocks are allocated. Each block has a tail that is checked when it is freed, resized or asked for its
//! size:
//!
//! ```text
//!     | user's bytes ... | canary ... | size asked for, disguised | state |
//!                        ^ size       ^ 16 bytes before the end
//! ```
//!
//! A freed block is filled and waits in a quarantine before it is used again, so that a second free finds it there, and a
//! write to it shows when it leaves. Level 3 fills with zero, and gives blocks of more than 32 KiB a guard page.

use crate::malloc::{HEAP, Malloc};
use crate::misuse::{self, Fault};
use crate::resize::Place;
use core::ptr::null_mut;
use gort_mspan::SizeClass;
use gort_sys::lock::{Lock, Mutex};
use gort_sys::mem;

/// Bytes of the tail: the size, and the state.
const TAIL: usize = 16;
/// What fills the bytes between the user's and the tail.
const CANARY: u8 = 0xc5;
/// What fills a freed block at level 2.
const FREED_FILL: u8 = 0xdf;
/// States, mixed with the block's address.
const LIVE: u64 = 0x6c69_7665_b10c_ca11;
const FREED: u64 = 0xdead_b10c_f4ee_d000;
/// Blocks that wait before they are used again.
const WAITING: usize = 1024;

/// Freed blocks of size classes, oldest first.
pub(crate) struct Quarantine(Mutex<Ring>);

struct Ring {
    blocks: [*mut u8; WAITING],
    next: usize,
}

// SAFETY: the blocks belong to whoever holds the lock.
unsafe impl Send for Ring {}

impl Quarantine {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Ring { blocks: [null_mut(); WAITING], next: 0 }))
    }

    /// Puts a block in; the one that has waited longest, once the ring is full.
    fn put(&self, block: *mut u8) -> *mut u8 {
        let mut ring = self.0.lock();
        let next = ring.next;
        ring.next = (next + 1) % WAITING;
        core::mem::replace(&mut ring.blocks[next], block)
    }

    /// The bare lock, for a fork.
    pub(crate) fn raw_lock(&self) -> &Lock {
        self.0.raw()
    }
}

/// A block's tail.
#[derive(Clone, Copy)]
struct Tail(*mut u64);

impl Tail {
    fn of(block: *const u8, bytes: usize) -> Self {
        Self(block.cast_mut().wrapping_add(bytes - TAIL).cast())
    }

    /// # Safety
    /// The block is in a span or mapping, so its tail can be read.
    unsafe fn read(self) -> (u64, u64) {
        // SAFETY: two aligned words, by contract.
        unsafe { (self.0.read(), self.0.add(1).read()) }
    }

    /// # Safety
    /// The block is the caller's.
    unsafe fn write(self, size: usize, state: u64) {
        let key = self.0.addr() as u64;
        // SAFETY: two aligned words, by contract.
        unsafe {
            self.0.write((size as u64) ^ key ^ LIVE);
            self.0.add(1).write(state ^ key);
        }
    }
}

impl Malloc {
    pub(crate) fn alloc_checked(&self, size: usize, align: usize, level: u8) -> *mut u8 {
        let Some(total) = size.checked_add(TAIL).filter(|total| *total <= isize::MAX as usize) else {
            return null_mut();
        };
        let block = match SizeClass::of_aligned(total, align) {
            Some(class) => self.centrals[class.index()].take_one(&HEAP).unwrap_or(null_mut()),
            None if level >= 3 => self.alloc_guarded(total, align).unwrap_or(null_mut()),
            None => self.alloc_large(total, align).unwrap_or(null_mut()),
        };
        if !block.is_null() {
            let bytes = self.bytes_checked(&self.place_of(block, "malloc"));
            // SAFETY: a fresh block of so many bytes.
            unsafe {
                block.add(size).write_bytes(CANARY, bytes - TAIL - size);
                Tail::of(block, bytes).write(size, LIVE);
            }
        }
        block
    }

    /// A mapping whose last page faults, and the page in front of it: see `free_huge`.
    fn alloc_guarded(&self, total: usize, align: usize) -> Option<*mut u8> {
        let page = mem::page_size();
        let (len, align) = (mem::round_to_pages(total)?.checked_add(page)?, align.max(page));
        let at = mem::map_aligned(len.checked_add(align)?, align).ok()?;
        let block = at + align;
        // SAFETY: parts of our own mapping. Without guards the block works all the same.
        unsafe {
            if align > page {
                mem::unmap(at, align - page);
            }
            let _ = mem::guard(block - page, page);
            let _ = mem::guard(block + len - page, page);
        }
        self.adopt_huge(block, len, page)
    }

    /// Bytes of a block that can be touched.
    fn bytes_checked(&self, place: &Place<'_>) -> usize {
        match place {
            Place::Huge(len) if self.options.check() >= 3 => *len - mem::page_size(),
            place => place.bytes(),
        }
    }

    /// The place of a live block and the size that was asked for; stops the program otherwise.
    fn validate(&self, block: *const u8, call: &'static str, freed: Fault) -> (Place<'_>, usize) {
        let place = self.place_of(block, call);
        if let (Place::Class(class), Some(span)) = (&place, HEAP.malloc_span_of(block.addr())) {
            let index = class.index_of_offset(block.addr() - span.base());
            if !self.centrals[class.index()].is_out(span, index) {
                misuse::stop(call, block, freed);
            }
        }
        let bytes = self.bytes_checked(&place);
        let tail = Tail::of(block, bytes);
        let key = tail.0.addr() as u64;
        // SAFETY: the block is in a span or mapping.
        let (size, state) = unsafe { tail.read() };
        match state ^ key {
            LIVE => {}
            FREED => misuse::stop(call, block, freed),
            _ => misuse::stop(call, block, Fault::Overflow),
        }
        let size = (size ^ key ^ LIVE) as usize;
        if size > bytes - TAIL || !self.is_filled(block, size, bytes - TAIL, CANARY) {
            misuse::stop(call, block, Fault::Overflow);
        }
        (place, size)
    }

    fn is_filled(&self, block: *const u8, from: usize, to: usize, with: u8) -> bool {
        self.first_other(block, from, to, with).is_none()
    }

    fn first_other(&self, block: *const u8, from: usize, to: usize, with: u8) -> Option<usize> {
        // SAFETY: bytes of a block, which is readable.
        (from..to).find(|i| unsafe { block.add(*i).read() } != with)
    }

    const fn fill(level: u8) -> u8 {
        if level >= 3 { 0 } else { FREED_FILL }
    }

    pub(crate) fn free_checked(&self, block: *mut u8, call: &'static str, level: u8) {
        let (place, size) = self.validate(block, call, Fault::DoubleFree);
        let bytes = self.bytes_checked(&place);
        let Place::Class(_) = place else {
            return self.free_plain(block, call);
        };
        // SAFETY: the block's user gives it up.
        unsafe {
            block.write_bytes(Self::fill(level), bytes - TAIL);
            Tail::of(block, bytes).write(size, FREED);
        }
        let oldest = self.checks.put(block);
        if !oldest.is_null() {
            self.leave_quarantine(oldest, level);
        }
    }

    fn leave_quarantine(&self, block: *mut u8, level: u8) {
        let place = self.place_of(block, "free");
        self.check_fill(block, place.bytes(), level);
        if let Place::Class(class) = place
            && let Err(fault) = self.centrals[class.index()].give_back(&HEAP, &[block])
        {
            misuse::stop_late("free", fault);
        }
    }

    fn check_fill(&self, block: *mut u8, bytes: usize, level: u8) {
        if let Some(offset) = self.first_other(block, 0, bytes - TAIL, Self::fill(level)) {
            misuse::stop("free", block, Fault::WrittenAfterFree(offset));
        }
    }

    /// Looks at every block that waits in the quarantine: a write after a free that nothing has found so far stops the
    /// program here. For the end of a program.
    pub fn check_quarantine(&self) {
        let level = self.options.check();
        if level == 0 {
            return;
        }
        let ring = self.checks.0.lock();
        for block in ring.blocks.iter().filter(|block| !block.is_null()) {
            let bytes = self.place_of(*block, "free").bytes();
            self.check_fill(*block, bytes, level);
        }
    }

    pub(crate) fn realloc_checked(&self, block: *mut u8, size: usize) -> *mut u8 {
        let (_, old) = self.validate(block, "realloc", Fault::UsedAfterFree);
        self.move_to(block, old, self.malloc(size), size)
    }

    pub(crate) fn checked_size(&self, block: *const u8, call: &'static str) -> usize {
        self.validate(block, call, Fault::UsedAfterFree).1
    }
}
