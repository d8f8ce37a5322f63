//! Channels, select and synchronisation, for goroutines and plain threads alike.
//!
//! Floor 4, on the public park and ready of `gort-gmp` alone. Whoever waits stands in the same queues, goroutine or thread.
//!
//! * [`chan`]: the channel of bytes; [`mod@select`]; [`typed`]: [`Chan`], for Rust; `queue`: who waits;
//! * [`sema`]: semaphores by address, and on them [`mutex`], [`rwmutex`], [`waitgroup`], [`once`], [`cond`];
//! * [`timer`]: timers that send, or call.
#![cfg_attr(not(any(loom, test)), no_std)]

extern crate alloc;

pub mod chan;
pub mod cond;
pub mod mutex;
pub mod once;
pub mod outcome;
mod queue;
pub mod rwmutex;
pub mod select;
pub mod sema;
#[cfg(not(loom))]
pub mod timer;
pub mod typed;
pub mod waitgroup;

pub use chan::RawChan;
pub use typed::Chan;

#[cfg(not(loom))]
use gort_gmp::fatal::exit as fatal;

#[cfg(loom)]
fn fatal(message: core::fmt::Arguments<'_>) -> ! {
    panic!("fatal error: {message}")
}
