//! Go's closures, and its defer, panic, recover and Goexit as a state machine.
//!
//! Floor 2. Follows Go's `panic.go`, and departs where C is not Go: a frame is a record that the function declares
//! ([`frame`]), a panic is raised on top of the stack and jumps once ([`mod@panic`]), and the right to recover is a token that
//! only a deferred call receives.
//!
//! * [`value`]: what a panic carries, two words; [`host`]: what the machine asks of its user (memory, printing);
//! * [`runner`]: the record of whatever runs: a thread, or a goroutine;
//! * [`frame`]: a function's deferred calls; [`mod@panic`]: panics, Goexit, `pcall`; [`stale`]: frames that nobody ended;
//! * [`report`]: the end of a program whose panic nobody recovered;
//! * [`closure`]: a function and its environment; [`plain`]: closures without one; [`boxed`]: variables that closures
//!   share; [`thunk`]: closures as plain C function pointers, whose slots are kept by [`slots`];
//! * [`scope`]: all of it for Rust.
#![cfg_attr(not(any(loom, test)), no_std)]

/// The examples of README.md.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

#[cfg(not(loom))]
pub mod boxed;
#[cfg(not(loom))]
pub mod call;
#[cfg(not(loom))]
pub mod closure;
#[cfg(not(loom))]
pub mod frame;
#[cfg(not(loom))]
pub mod host;
#[cfg(not(loom))]
pub mod panic;
pub mod plain;
#[cfg(not(loom))]
pub mod report;
#[cfg(not(loom))]
pub mod runner;
#[cfg(not(loom))]
pub mod scope;
pub mod slots;
#[cfg(not(loom))]
pub mod stale;
#[cfg(not(loom))]
pub mod thunk;
#[cfg(not(loom))]
pub mod value;

#[cfg(not(loom))]
pub use host::{Host, Memory, Oops, System};
#[cfg(not(loom))]
pub use runner::Runner;
#[cfg(not(loom))]
pub use value::Value;
