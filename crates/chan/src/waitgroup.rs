//! Waiting until a number of things are done.
//!
//! Go's `sync.WaitGroup`, by the table of waiters: the counter is an atomic, and who brings it to nought wakes everybody who waits.
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | G1 | `add` | AcqRel | G2 | what was done before |
//! | G2 | `wait` loads the counter | Acquire | G1 | the same |
//!
//! Model: `tests/loom_sync.rs`.

use crate::sema::Table;
use gort_gmp::WaitReason;
use gort_sync::atomic::AtomicI32;
use gort_sync::atomic::Ordering::{AcqRel, Acquire};

/// A wait group of 16 bytes, at nought when zero.
#[repr(C, align(8))]
pub struct WaitGroup {
    count: AtomicI32,
    spare: [u32; 3],
}

/// What an `add` may be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Misuse {
    /// Go panics with `sync: negative WaitGroup counter` (SY-4).
    Negative,
}

impl Default for WaitGroup {
    fn default() -> Self {
        Self::new()
    }
}

impl WaitGroup {
    gort_sync::const_unless_loom! {
        /// A wait group at nought.
        pub fn new() -> Self {
            Self { count: AtomicI32::new(0), spare: [0; 3] }
        }
    }

    fn addr(&self) -> usize {
        core::ptr::from_ref(&self.count).addr()
    }

    /// Adds to the counter; at nought, wakes everybody who waits.
    pub fn add_in(&self, table: &Table, n: i32) -> Result<(), Misuse> {
        // ORD[G1] AcqRel: what we and the others did.
        let count = self.count.fetch_add(n, AcqRel).wrapping_add(n);
        if count < 0 {
            return Err(Misuse::Negative);
        }
        if count == 0 && n < 0 {
            self.wake(table);
        }
        Ok(())
    }

    /// Wakes those who wait. The counter may be gone as soon as the last of them goes on: only the address is used.
    fn wake(&self, table: &Table) {
        table.wake(self.addr(), || (), |_| Some(true));
    }

    /// Waits until the counter is nought, until `when` at most; whether it is.
    pub fn wait_in(&self, table: &Table, when: u64) -> bool {
        // ORD[G2] Acquire: what was done.
        if self.count.load(Acquire) == 0 {
            return true;
        }
        // ORD[G2] Acquire: as above. Under the lock of the waiters: who brings it to nought later finds us.
        let done = |_| self.count.load(Acquire) == 0;
        table.wait(self.addr(), 0, WaitReason::WaitGroupWait, when, done)
    }
}

#[cfg(not(loom))]
impl WaitGroup {
    /// Adds to the counter; at nought, wakes everybody who waits.
    pub fn add(&self, n: i32) -> Result<(), Misuse> {
        self.add_in(&crate::sema::TABLE, n)
    }
    /// Waits until the counter is nought.
    pub fn wait(&self) {
        self.wait_in(&crate::sema::TABLE, gort_gmp::timer::NEVER);
    }
    /// Waits until the counter is nought, until `when` at most; whether it is.
    pub fn wait_until(&self, when: u64) -> bool {
        self.wait_in(&crate::sema::TABLE, when)
    }
}
