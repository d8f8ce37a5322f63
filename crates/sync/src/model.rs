//! What a loom model needs beside atomics: threads, a shared pointer, and the explorer itself.
//!
//! Exists only under `--cfg loom`. `LOOM_MAX_PREEMPTIONS` bounds the search; `cargo xtask loom` sets it.

pub use loom::model;
pub use loom::sync::{Arc, Condvar, Mutex, MutexGuard};
pub use loom::thread;
