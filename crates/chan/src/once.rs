//! Something that is done once.
//!
//! Go's `sync.Once`. Whoever comes while it is being done waits for the end (SY-5).
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | O1 | the end stores `done` | Release | O2 | what was done |
//! | O2 | `begin_in` loads it | Acquire | O1 | the same |
//!
//! Model: `tests/loom_sync.rs`.

use crate::mutex::Mutex;
use crate::sema::Table;
use gort_gmp::timer::NEVER;
use gort_sync::atomic::AtomicU32;
use gort_sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// A flag of 16 bytes, not done when zero.
#[repr(C, align(8))]
pub struct Once {
    done: AtomicU32,
    spare: u32,
    mutex: Mutex,
}

impl Default for Once {
    fn default() -> Self {
        Self::new()
    }
}

impl Once {
    gort_sync::const_unless_loom! {
        /// Not done.
        pub fn new() -> Self {
            Self { done: AtomicU32::new(0), spare: 0, mutex: Mutex::new() }
        }
    }

    /// Whether the caller is to do it; then it must call [`Once::end_in`]. Else it is done.
    pub fn begin_in(&self, table: &Table) -> bool {
        // ORD[O2] Acquire: what was done.
        if self.done.load(Acquire) != 0 {
            return false;
        }
        self.mutex.lock_in(table, NEVER);
        // Relaxed: under the mutex.
        if self.done.load(Relaxed) == 0 {
            return true;
        }
        self.mutex.unlock_in(table);
        false
    }

    /// It is done, also when it failed.
    pub fn end_in(&self, table: &Table) {
        // ORD[O1] Release: what was done.
        self.done.store(1, Release);
        self.mutex.unlock_in(table);
    }
}

#[cfg(not(loom))]
impl Once {
    /// Does it, or waits until it is done.
    pub fn call(&self, f: impl FnOnce()) {
        if self.begin_in(&crate::sema::TABLE) {
            f();
            self.end_in(&crate::sema::TABLE);
        }
    }
}
