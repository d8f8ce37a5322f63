//! What one owner keeps to itself, so that most allocations meet nobody.
//!
//! Floor 5. An owner is a thread, or whatever runs one at a time; this crate knows no threads. The parts:
//!
//! * [`magazine`]: a stack of free blocks per size class, popped by `malloc` and pushed by `free`, through one word a
//!   class ([`Words`]) that the owner can reach fast;
//! * [`cache`]: the record that holds the magazines ([`MCache`]), and how they are refilled and emptied;
//! * [`pool`]: all caches, and those without an owner ([`Pool`]);
//! * [`current`]: the span of each collected class that the owner allocates from;
//! * [`tiny`]: several small pointer-free objects in one block.
#![cfg_attr(not(any(loom, test)), no_std)]

pub mod cache;
pub mod current;
pub mod magazine;
pub mod pool;
pub mod tiny;

pub use cache::MCache;
pub use current::CurrentSpans;
pub use magazine::{ThreadWords, Words};
pub use pool::Pool;
pub use tiny::Tiny;

/// The examples of README.md, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
