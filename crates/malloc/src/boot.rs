//! Memory for those who call before the library was relocated.
//!
//! The resolver of an indirect function (IFUNC) in another library may call malloc while the loader is still at work, and
//! before it has filled our pointers in. Then nothing outside of this object may be touched, not even a thread word. Such
//! calls are few and small; they get memory from an array that is part of the library, and never give it back.
//!
//! ```text
//!     | len | pad | block, 16-aligned ... | len | pad | block ...
//! ```

use core::ptr::null_mut;
use gort_sync::atomic::{AtomicUsize, Ordering};
use gort_sync::cell::UnsafeCell;

/// Bytes of the array.
const LEN: usize = 64 << 10;
/// Bytes in front of each block.
const HEAD: usize = 16;

#[repr(C, align(16))]
struct Arena(UnsafeCell<[u8; LEN]>);

// SAFETY: parts are handed out once each, by an atomic addition.
unsafe impl Sync for Arena {}

static ARENA: Arena = Arena(UnsafeCell::new([0; LEN]));
static USED: AtomicUsize = AtomicUsize::new(0);

/// A zeroed block; null when the array is used up.
pub fn alloc(size: usize, align: usize) -> *mut u8 {
    let Some(need) = size.checked_add(HEAD + align + 15).filter(|need| *need <= LEN) else {
        return null_mut();
    };
    let at = USED.fetch_add(need & !15, Ordering::Relaxed); // Relaxed: the sum is all that matters.
    if at + need > LEN {
        return null_mut();
    }
    let base = ARENA.0.with_mut(|bytes| bytes.cast::<u8>());
    let block = base.wrapping_add(at + HEAD);
    let block = block.wrapping_add(block.addr().next_multiple_of(align) - block.addr());
    // SAFETY: inside the part that was handed out to us; aligned to 16.
    unsafe { block.sub(HEAD).cast::<usize>().write(size) };
    block
}

/// Whether a block is of this array.
#[inline]
pub fn owns(block: *const u8) -> bool {
    block.addr().wrapping_sub(ARENA.0.with(|bytes| bytes.addr())) < LEN
}

/// Bytes of a block of this array.
///
/// # Safety
/// The block came from [`alloc`].
pub unsafe fn size(block: *const u8) -> usize {
    // SAFETY: written by `alloc`.
    unsafe { block.sub(HEAD).cast::<usize>().read() }
}
