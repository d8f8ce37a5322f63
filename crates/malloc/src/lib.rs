//! malloc, free and their kin: which way a request goes.
//!
//! Floor 6. Go's `malloc.go` decides by size; so do we, and by how a block can be freed:
//!
//! | request | served by | freed to |
//! |---|---|---|
//! | up to 4 KiB | the thread's magazine of the class, in thread words | the same: [`Malloc::malloc`], [`Malloc::free`] |
//! | up to 32 KiB | the thread's magazine, in its record | the same, on the slow path |
//! | up to 32 MiB | a span of its own ([`large`]) | the heap |
//! | more, or grown by `realloc` | a mapping of its own ([`huge`]) | the OS |
//!
//! The rest: [`bind`] gives each thread a cache and takes it back; [`resize`] is `realloc`; [`misuse`] names what is wrong
//! with a pointer; [`check`] is the mode that finds every misuse at the call; [`sample`] picks allocations for the heap
//! profile; [`fork`] carries the heap over into a child; [`stats`] adds up; [`options`] is the environment;
//! [`boot`] serves those who call before the library was relocated.
//!
//! There is one [`Malloc`] a program, [`MALLOC`], because the thread words are one block a program. The type is public for
//! the facade and for tests.
#![cfg_attr(not(test), no_std)]
#![cfg(not(loom))]

pub mod bind;
pub mod boot;
pub mod check;
pub mod fork;
pub mod global;
pub mod huge;
pub mod large;
pub mod malloc;
pub mod misuse;
pub mod options;
pub mod resize;
pub mod sample;
pub mod stats;

pub use global::Gort;
pub use malloc::{MALLOC, Malloc};
pub use stats::{ClassStats, Stats};

/// The examples of README.md, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
