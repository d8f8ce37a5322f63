//! Where the caches of all threads meet, one place a size class.
//!
//! Floor 4. Two homes for two ways of freeing:
//!
//! * [`Central`] for blocks freed by hand: a depot of batches of free blocks, and behind it the class's spans, fullest
//!   first, under one lock;
//! * [`Collected`] for blocks freed by a collector: Go's `mcentral`, partial and full sets of swept and unswept spans,
//!   which caches take whole spans from, without a lock. The sweeping itself is behind the trait [`Sweep`].
#![cfg_attr(not(any(loom, test)), no_std)]

pub mod batch;
pub mod central;
pub mod collected;
pub mod params;
pub mod shelves;
mod spans;

pub use batch::BATCH_MAX;
pub use central::{Central, Figures, Misuse};
pub use collected::{Collected, NoSweep, Sweep, SweepResult};

/// The examples of README.md, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
