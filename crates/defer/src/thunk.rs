//! Closures as plain C function pointers, for callbacks that have no argument of their own, such as `qsort`'s.
//!
//! A thunk is a few instructions that find the closure in a slot beside them and call it with its arguments in an [`Args`];
//! `gort_sys::thunk` says where the code comes from and why nothing is ever writable and executable. Here the slots are
//! handed out. A closure has at most one thunk, which is freed with it; its slot is then used again, so that a million
//! thunks made and freed take one slot.
//!
//! From the callback's point of view: one direct jump and one indirect call more than the callback alone.

use crate::closure::Closure;
use crate::slots::{Slots, Store};
use core::ffi::c_void;
use core::ptr::{null_mut, with_exposed_provenance_mut};
use gort_sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use gort_sys::thunk::{CHUNK_THUNKS, Chunk};

/// What a thunk was called with, and what it shall answer: `go_args`.
#[repr(C)]
pub struct Args {
    /// Integer and pointer arguments, in order; what was not passed is garbage.
    pub a: [usize; 6],
    /// The result.
    pub result: usize,
}

/// Chunks at most: sixteen million thunks.
const CHUNKS: usize = 4096;

static SLOTS: Slots = Slots::new();
static STORE: Chunks = Chunks([const { AtomicUsize::new(0) }; CHUNKS]);

/// The chunks' code addresses, filled from the first on.
struct Chunks([AtomicUsize; CHUNKS]);

impl Chunks {
    /// The chunk of a number that was handed out.
    fn chunk(&self, number: u32) -> (Chunk, usize) {
        let (chunk, i) = (number as usize / CHUNK_THUNKS, number as usize % CHUNK_THUNKS);
        // Relaxed: set before the number was first handed out, whose way here was ordered.
        (Chunk { code: self.0[chunk].load(Relaxed) }, i)
    }
}

impl Store for Chunks {
    fn link(&self, number: u32) -> &AtomicU32 {
        let (chunk, i) = self.chunk(number);
        // SAFETY: the second word of a slot, which is never unmapped; only stacks of numbers use it.
        unsafe { &*(&raw const (*chunk.slot(i))[1]).cast::<AtomicU32>() }
    }

    fn grow(&self, number: u32) -> bool {
        let n = number as usize / CHUNK_THUNKS;
        // Relaxed, all: under the lock of the slots.
        let Some(cell) = self.0.get(n) else { return false };
        if cell.load(Relaxed) != 0 {
            return true;
        }
        let first = (n > 0).then(|| Chunk { code: self.0[0].load(Relaxed) });
        Chunk::map(first).is_ok_and(|chunk| {
            cell.store(chunk.code, Relaxed);
            true
        })
    }
}

/// The closure's function pointer; lives as long as the closure. Null when there is no memory.
pub fn of(closure: &Closure) -> *mut c_void {
    let number = SLOTS.publish(&STORE, &closure.thunk, |number| {
        let (chunk, i) = STORE.chunk(number);
        // SAFETY: the number's slot is ours alone.
        unsafe { (&raw mut (*chunk.slot(i))[0]).write(core::ptr::from_ref(closure).expose_provenance()) };
    });
    number.map_or(null_mut(), |number| {
        let (chunk, i) = STORE.chunk(number);
        with_exposed_provenance_mut(chunk.entry(i))
    })
}

/// Frees the closure's thunk, if it has one.
pub(crate) fn free(closure: &Closure) {
    // Relaxed: the last reference is being given up, everything about the closure is visible.
    if let Some(number) = closure.thunk.load(Relaxed).checked_sub(1) {
        SLOTS.give(&STORE, number);
    }
}

/// Slots that were ever in use.
pub fn slots_used() -> u32 {
    SLOTS.high_water()
}
