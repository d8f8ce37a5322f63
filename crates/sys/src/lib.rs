//! OS calls and assembly: the only crate of gort that makes either.
//!
//! Floor 1. What is here is small and mechanical, so that everything above is portable Rust:
//!
//! * [`mem`]: address space and its states (Go's `mem.go`: reserved, ready, discarded);
//! * [`offheap`]: memory for the runtime's own records, which never comes from malloc;
//! * [`futex`], [`lock`] and [`once`]: sleeping and waking, and what is made of them;
//! * [`thread`]: the words that each thread owns, read in one or two instructions, and its exit;
//! * [`context`]: changing stacks; [`stack_mem`]: what stacks are made of; [`native`]: threads, and what they may ask of
//!   the kernel; [`segv`]: a look at faults before others see them; [`cpus`]: how many processors there are to use;
//! * [`clock`], [`mod@env`], [`rand`], [`fork`], [`io`]: the rest of what a malloc may ask of the OS;
//! * [`stack`], [`maps`]: return addresses and where they lie, for profiles;
//! * [`clib`]: what only the C library can do; [`thunk`]: code for plain C function pointers that carry data;
//! * [`fault`]: makes the n-th OS call fail, for tests.
//!
//! Nothing here touches `errno`: system calls are made directly, and a failure is an [`Errno`] value.
#![cfg_attr(not(any(loom, test)), no_std)]

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("gort runs on x86-64 and aarch64");
#[cfg(not(target_os = "linux"))]
compile_error!("gort runs on Linux");

pub mod arch;
#[cfg(not(loom))]
pub mod clib;
pub mod clock;
pub mod context;
#[cfg(not(loom))]
pub mod cpus;
pub mod env;
mod errno;
pub mod fault;
pub mod fork;
pub mod futex;
pub mod io;
pub mod lock;
#[cfg(not(loom))]
pub mod maps;
pub mod mem;
#[cfg(not(loom))]
pub mod native;
pub mod offheap;
pub mod once;
pub mod rand;
#[cfg(not(loom))]
pub mod segv;
#[cfg(not(loom))]
pub mod stack;
#[cfg(not(loom))]
pub mod stack_mem;
pub mod thread;
#[cfg(not(loom))]
pub mod thunk;

pub use errno::Errno;

/// The examples of README.md, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
