//! The loom switch, and bricks made of atomics alone.
//!
//! Every other crate of gort takes its atomics, cells, spin hints and test threads from here. In an ordinary
//! build they are `core`'s; under `--cfg loom` they are loom's, so that each structure can be run through all
//! interleavings of a small model. No other crate names `core::sync::atomic` or `std::sync`; `cargo xtask tidy`
//! checks it.
//!
//! What loom cannot see shapes the users of this crate:
//!
//! * loom atomics are objects, so a record is constructed (see [`zeroed::Zeroed`]), never cast from zeroed pages;
//! * loom weakens sequentially consistent *accesses* to acquire-release, so store-load patterns are written with
//!   [`atomic::fence`];
//! * a passing model is no proof for cycles of relaxed accesses, which loom does not explore.
#![cfg_attr(not(any(loom, test)), no_std)]

pub mod backoff;
pub mod cache_padded;
pub mod cell;
pub mod index_stack;
#[cfg(loom)]
pub mod model;
pub mod zeroed;

pub use backoff::Backoff;
pub use cache_padded::CachePadded;
pub use zeroed::Zeroed;

/// Atomic types and fences: `core`'s, or loom's under `--cfg loom`.
pub mod atomic {
    #[cfg(not(loom))]
    pub use core::sync::atomic::{
        AtomicBool, AtomicI32, AtomicI64, AtomicIsize, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64,
        AtomicUsize, Ordering, compiler_fence, fence,
    };
    #[cfg(loom)]
    pub use loom::sync::atomic::{
        AtomicBool, AtomicI32, AtomicI64, AtomicIsize, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64,
        AtomicUsize, Ordering, fence,
    };
    /// loom executes on one thread and reorders nothing that a compiler would.
    #[cfg(loom)]
    pub fn compiler_fence(_: Ordering) {}
}

/// Hints to the processor while a thread spins.
pub mod hint {
    #[cfg(not(loom))]
    pub use core::hint::spin_loop;
    #[cfg(loom)]
    pub use loom::hint::spin_loop;
}

/// Makes a constructor `const` in ordinary builds and plain under loom, whose atomics cannot be built in constants.
///
/// ```
/// use gort_sync::{atomic::AtomicUsize, const_unless_loom};
/// struct Counter(AtomicUsize);
/// impl Counter {
///     const_unless_loom! {
///         /// A counter at nought.
///         pub fn new() -> Self { Self(AtomicUsize::new(0)) }
///     }
/// }
/// # let _ = Counter::new();
/// ```
#[macro_export]
macro_rules! const_unless_loom {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) -> $ret:ty $body:block) => {
        $(#[$meta])* #[cfg(not(loom))] $vis const fn $name($($arg: $ty),*) -> $ret $body
        $(#[$meta])* #[cfg(loom)] $vis fn $name($($arg: $ty),*) -> $ret $body
    };
}

/// The examples of README.md, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
