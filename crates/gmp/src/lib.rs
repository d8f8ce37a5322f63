//! Goroutines on all cores: the scheduler of the gort runtime, for plain Rust and C.
//!
//! Floor 3. A goroutine is a function on a stack of its own; Ms (threads) run Gs (goroutines) by the right of Ps, of which there
//! are GOMAXPROCS. Blocking calls and loops without end in one goroutine cost the others nothing, third-party C included:
//! the P is taken away, and the goroutine stays on its thread. It stands alone: no collector, no allocator needed.
//!
//! ```
//! use gort_gmp::{go, Waiter};
//! # use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
//! static DONE: AtomicU32 = AtomicU32::new(0);
//! go(|| drop(DONE.fetch_add(1, SeqCst)));
//! while DONE.load(SeqCst) == 0 {
//!     gort_gmp::yield_now();
//! }
//! ```
//!
//! # Reading order
//! * [`g`], [`stack`], `m`, `p`: the records. [`runq`], [`idle`], [`tenure`]: the three protocols, each in a model;
//! * `sched`: who runs what; [`switch`]: how a goroutine leaves; `sysmon`: how its P does;
//! * [`waiter`]: what wait queues are made of; [`timer`], [`sleep`]; `join`, `deadlock`, `overflow`.
//!
//! Channels and the rest stand on the public part alone: [`Waiter`], [`go`], [`yield_now`], [`timer`].
#![cfg_attr(not(any(loom, test)), no_std)]
#![allow(rustdoc::private_intra_doc_links, reason = "the reading order names what is private, too")]

pub mod idle;
pub mod reason;
pub mod runq;
pub mod tenure;
pub mod timer;
pub mod waiter;

pub use reason::WaitReason;
pub use waiter::Waiter;

#[cfg(not(loom))]
mod deadlock;
#[cfg(not(loom))]
pub mod fatal;
#[cfg(not(loom))]
pub mod g;
#[cfg(not(loom))]
mod join;
#[cfg(not(loom))]
mod m;
#[cfg(not(loom))]
mod p;
#[cfg(not(loom))]
mod procs;
#[cfg(not(loom))]
mod sched;
#[cfg(not(loom))]
mod search;
#[cfg(not(loom))]
pub mod sleep;
#[cfg(not(loom))]
mod sleeper;
#[cfg(not(loom))]
pub mod spawn;
#[cfg(not(loom))]
mod stack;
#[cfg(not(loom))]
pub mod switch;
#[cfg(not(loom))]
mod sysmon;

#[cfg(not(loom))]
mod api;
#[cfg(not(loom))]
mod overflow;
#[cfg(not(loom))]
pub use api::*;
#[cfg(not(loom))]
pub use procs::KNOBS;
#[cfg(not(loom))]
pub use {g::G, sched::Sched, spawn::Attr, switch::yield_now};

/// Drops a lock after a switch: for the `after` of [`Waiter::park`], with the lock's address.
///
/// # Safety
/// The address of a `gort_sys::lock::Lock` that the one who parked holds.
pub unsafe extern "C" fn unlock(lock: usize) {
    // SAFETY: the caller's promise.
    unsafe { (*core::ptr::with_exposed_provenance::<gort_sys::lock::Lock>(lock)).release() }
}
