//! Magazines: a stack of free blocks per size class, behind one word a class.
//!
//! The name is Bonwick's. The fast paths touch the word and one slot, neither the block nor its span, and no atomic.
//!
//! ```text
//!     a magazine of capacity 3, in 512 aligned bytes:
//!
//!     |  ...   | null |  p0  |  p1  |      |  <- end, a multiple of 512
//!                ^                  ^
//!                sentinel           top: what the word holds
//!
//!     empty:  the slot below top is the sentinel, null
//!     full:   top is the end, its low nine bits are nought
//! ```
//!
//! A thread that was not set up yet has words that are the end of a constant magazine with a null in its last slot:
//! empty to `pop`, full to `push`, so both take the slow path, which sets the thread up. Class 0's word stays that way,
//! which is how foreign pointers and large blocks leave the fast path of `free` without a test of their own.
//!
//! # Invariants
//! I1. `base <= top <= end`; the slots `base..top` hold free blocks of the class, all different.
//! I2. The slot below `base` is null, and no other slot below `top` is.

use gort_mcentral::params::batch_len;
use gort_mspan::SizeClass;
use gort_sys::thread::{self, MAGAZINE_BYTES, MAGAZINE_WORDS};

/// Bytes of a slot.
const SLOT: usize = size_of::<*mut u8>();
/// Slots of a magazine's memory, the sentinel included.
pub(crate) const SLOTS: usize = MAGAZINE_BYTES / SLOT;

/// Blocks that a magazine of a class holds: two batches and a few, so that a pattern at the border does not exchange a
/// batch with every call.
pub const fn capacity(class: SizeClass) -> usize {
    let wanted = 2 * batch_len(class) + 3;
    if wanted < SLOTS - 1 { wanted } else { SLOTS - 1 }
}

/// One word a class, reachable fast: the tops of the owner's magazines.
pub trait Words {
    /// The top of a class's magazine.
    fn top(&self, class: usize) -> *mut *mut u8;
    /// Sets it.
    fn set_top(&self, class: usize, top: *mut *mut u8);
    /// Moves it up a slot.
    fn raise(&self, class: usize);
    /// Moves it down a slot.
    fn lower(&self, class: usize);
}

/// The calling thread's words, in its static storage.
#[derive(Clone, Copy)]
pub struct ThreadWords;

impl Words for ThreadWords {
    #[inline(always)]
    fn top(&self, class: usize) -> *mut *mut u8 {
        debug_assert!(class < MAGAZINE_WORDS);
        // SAFETY: callers index by small classes, of which there are `MAGAZINE_WORDS`.
        core::ptr::with_exposed_provenance_mut(unsafe { thread::words::load(class) })
    }

    #[inline(always)]
    fn set_top(&self, class: usize, top: *mut *mut u8) {
        debug_assert!(class < MAGAZINE_WORDS);
        // SAFETY: as above.
        unsafe { thread::words::store(class, top.expose_provenance()) }
    }

    #[inline(always)]
    fn raise(&self, class: usize) {
        // SAFETY: as above.
        unsafe { thread::words::add::<{ SLOT as i32 }>(class) }
    }

    #[inline(always)]
    fn lower(&self, class: usize) {
        // SAFETY: as above.
        unsafe { thread::words::add::<{ -(SLOT as i32) }>(class) }
    }
}

/// Takes a block of `class` from its magazine; null when it is empty. The fast path of `malloc`: about six
/// instructions, one branch.
///
/// # Safety
/// `class` is 0 or small, and the words are an owner's (I1).
#[inline(always)]
pub unsafe fn pop(words: &impl Words, class: usize) -> *mut u8 {
    let top = words.top(class);
    // SAFETY: below the top is a slot or the sentinel (I2).
    let block = unsafe { *top.wrapping_sub(1) };
    if !block.is_null() {
        words.lower(class);
    }
    block
}

/// Tells the compiler which way is rare; without it, it computes both conditions before it branches.
#[cold]
#[inline(always)]
const fn cold() {}

/// Puts a free block into its class's magazine. `false`, and nothing happens, when the magazine is full or the block is
/// the one that was put there last, a double free. The fast path of `free`: about eight instructions, two branches.
///
/// # Safety
/// `class` is 0 or small, the words are an owner's, and the block is of the class.
#[inline(always)]
pub unsafe fn push(words: &impl Words, class: usize, block: *mut u8) -> bool {
    let top = words.top(class);
    if top.addr().is_multiple_of(MAGAZINE_BYTES) {
        cold();
        return false;
    }
    // SAFETY: below the top is a slot or the sentinel (I2).
    if unsafe { *top.wrapping_sub(1) } == block {
        cold();
        return false;
    }
    // SAFETY: not full, so the slot at the top is the magazine's.
    unsafe { *top = block };
    words.raise(class);
    true
}
