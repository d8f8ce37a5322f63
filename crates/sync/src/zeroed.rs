//! Records that are valid when all their bytes are zero.
//!
//! In ordinary builds such a record may be used straight from a fresh mapping, without touching its pages. Under
//! loom, whose atomics are objects, it is constructed by [`Zeroed::zeroed`]. `gort_sys::offheap` picks the way.

use crate::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize};

/// A type whose all-zero bit pattern is a valid value, equal to the one that [`Zeroed::zeroed`] constructs.
///
/// # Safety
/// In builds without loom, a zeroed byte pattern of the size of `Self` must be a valid `Self`, and must mean the
/// same as what `zeroed()` returns.
pub unsafe trait Zeroed {
    /// The value that zero bytes stand for.
    fn zeroed() -> Self;
}

macro_rules! zeroed_atomics {
    ($($t:ty),*) => { $(
        // SAFETY: an atomic integer of core has the bit validity of its integer.
        unsafe impl Zeroed for $t {
            fn zeroed() -> Self { <$t>::new(Default::default()) }
        }
    )* };
}
zeroed_atomics!(AtomicBool, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize);

macro_rules! zeroed_integers {
    ($($t:ty),*) => { $(
        // SAFETY: zero bytes are the integer nought.
        unsafe impl Zeroed for $t {
            fn zeroed() -> Self { 0 }
        }
    )* };
}
zeroed_integers!(u8, u16, u32, u64, usize);

// SAFETY: an atomic pointer of core has the bit validity of a raw pointer; null is zero.
unsafe impl<T> Zeroed for AtomicPtr<T> {
    fn zeroed() -> Self {
        AtomicPtr::new(core::ptr::null_mut())
    }
}

// SAFETY: an array is zero when its elements are.
unsafe impl<T: Zeroed, const N: usize> Zeroed for [T; N] {
    fn zeroed() -> Self {
        core::array::from_fn(|_| T::zeroed())
    }
}
