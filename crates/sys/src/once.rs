//! Something that is set up once, by whoever comes first, while everyone else waits.
//!
//! The state is 0 while it is new or under way, 1 when it is done. Asking costs one load; the lock is taken only until
//! the set-up has been seen.
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | O1 | `run` state store | Release | O2 | what the set-up wrote |
//! | O2 | `is_done` load | Acquire | O1 | the same |
//!
//! Model: `tests/loom_once.rs`.

use crate::lock::Lock;
use gort_sync::atomic::{AtomicU32, Ordering};

const NEW: u32 = 0;
const DONE: u32 = 1;

/// A set-up that happens once.
pub struct Once {
    state: AtomicU32,
    lock: Lock,
}

impl Default for Once {
    fn default() -> Self {
        Self::new()
    }
}

impl Once {
    gort_sync::const_unless_loom! {
        /// Nothing is set up yet.
        pub fn new() -> Self {
            Self { state: AtomicU32::new(NEW), lock: Lock::new() }
        }
    }

    /// Whether the set-up is done, and its results may be read.
    #[inline]
    pub fn is_done(&self) -> bool {
        // ORD[O2] Acquire: what the set-up wrote.
        self.state.load(Ordering::Acquire) == DONE
    }

    /// Runs `set_up` unless another thread did or does, and returns when it is done. `true` for the one caller whose
    /// closure ran. The closure must not come back here.
    #[cold]
    pub fn run(&self, set_up: impl FnOnce()) -> bool {
        self.lock.acquire();
        // Relaxed: under the lock.
        let first = self.state.load(Ordering::Relaxed) == NEW;
        if first {
            set_up();
            // ORD[O1] Release: all that `set_up` wrote.
            self.state.store(DONE, Ordering::Release);
        }
        // SAFETY: taken above.
        unsafe { self.lock.release() };
        first
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_first_caller_sets_up_and_only_he() {
        let (once, mut runs) = (Once::new(), 0);
        assert!(!once.is_done());
        assert!(once.run(|| runs += 1));
        assert!(!once.run(|| runs += 1));
        assert!(once.is_done());
        assert_eq!(runs, 1);
    }
}
