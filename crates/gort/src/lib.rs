//! The Go runtime as a library: the facade.
//!
//! Floor 7. One static runtime, put together from the crates below, under the names of C. Now: the memory column, the
//! language layer, and goroutines.
//!
//! * [`memory`]: `go_malloc` and its kin; [`interpose`]: the same under the C library's names; [`cxx`]: C++'s operators;
//! * [`closure`]: closures, boxes, thunks; [`defer`]: frames, panics;
//! * [`any`]: values of any type; [`types`]: types, interfaces, assertion, reflection;
//! * [`life`]: the scheduler starts; [`sched`]: goroutines; [`chan`]: channels, select; [`sync`], [`time`]: the rest;
//! * [`info`]: `mallinfo2`, `malloc_info`, `mallopt`; [`report`]: the heap in a table;
//! * [`profile`]: the heap profile in pprof's format;
//! * [`lifecycle`]: what runs when the library is loaded and when the program ends.
//!
//! The header `include/gort.h` is generated from here: `cargo xtask header`.
#![no_std]
#![cfg(not(loom))]
#![allow(clippy::missing_safety_doc, reason = "C functions state their contract in C terms")]

extern crate alloc;

pub mod any;
pub mod chan;
pub mod closure;
pub mod ctypes;
#[cfg(feature = "interpose")]
pub mod cxx;
pub mod defer;
mod defer_host;
#[cfg(feature = "fault")]
pub mod fault;
pub mod info;
#[cfg(feature = "interpose")]
pub mod interpose;
pub mod life;
mod lifecycle;
pub mod memory;
pub mod profile;
pub mod report;
pub mod sched;
pub mod sync;
pub mod time;
pub mod types;

use gort_malloc::Gort;

/// The few allocations of the facade itself (profiles) come from its own heap.
#[global_allocator]
static GLOBAL: Gort = Gort;

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    gort_sys::io::panicked(info)
}
