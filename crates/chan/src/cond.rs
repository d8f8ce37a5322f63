//! A condition variable: tickets, and whose turn it is.
//!
//! Follows `notifyList` in Go's `sema.go`. Who is going to wait draws a ticket before it gives the mutex back; who signals calls
//! the next ticket, and its owner goes on at once, or as soon as it comes to wait. No wake-up without a call (SY-6).
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | D1 | `draw` | AcqRel | D2 | the ticket, before the mutex is given back |
//! | D2 | `signal` and `broadcast` load it | Acquire | D1 | the same |
//!
//! The number called is under the lock of the waiters' place. Model: `tests/loom_sync.rs`.

use crate::mutex::Mutex;
use crate::sema::Table;
use gort_gmp::WaitReason;
use gort_gmp::timer::NEVER;
use gort_sync::atomic::AtomicU32;
use gort_sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

/// A condition variable of 24 bytes, with nobody waiting when zero.
#[repr(C, align(8))]
pub struct Cond {
    /// The next ticket.
    next: AtomicU32,
    /// The first ticket that was not called.
    called: AtomicU32,
    spare: [u32; 4],
}

impl Default for Cond {
    fn default() -> Self {
        Self::new()
    }
}

impl Cond {
    gort_sync::const_unless_loom! {
        /// Nobody waits.
        pub fn new() -> Self {
            Self { next: AtomicU32::new(0), called: AtomicU32::new(0), spare: [0; 4] }
        }
    }

    fn addr(&self) -> usize {
        core::ptr::from_ref(&self.next).addr()
    }

    /// Gives the mutex back, waits for a call, and takes the mutex again.
    pub fn wait_in(&self, table: &Table, mutex: &Mutex) {
        // ORD[D1] AcqRel: before the mutex is given back.
        let ticket = self.next.fetch_add(1, AcqRel);
        mutex.unlock_in(table);
        // Relaxed: under the lock.
        let called = |_| is_before(ticket, self.called.load(Relaxed));
        table.wait(self.addr(), ticket, WaitReason::CondWait, NEVER, called);
        mutex.lock_in(table, NEVER);
    }

    /// Wakes the one who has waited longest.
    pub fn signal_in(&self, table: &Table) {
        let turn = core::cell::Cell::new(None);
        let call = || {
            let ticket = self.called.load(Relaxed); // Relaxed: under the lock.
            // ORD[D2] Acquire: tickets drawn before.
            if is_before(ticket, self.next.load(Acquire)) {
                self.called.store(ticket.wrapping_add(1), Relaxed); // Relaxed: under the lock.
                turn.set(Some(ticket));
            }
        };
        table.wake(self.addr(), call, |ticket| Some(turn.get() == Some(ticket)));
    }

    /// Wakes all who wait.
    pub fn broadcast_in(&self, table: &Table) {
        let end = core::cell::Cell::new(0);
        let call = || {
            // ORD[D2] Acquire: tickets drawn before.
            end.set(self.next.load(Acquire));
            self.called.store(end.get(), Relaxed); // Relaxed: under the lock.
        };
        table.wake(self.addr(), call, |ticket| Some(is_before(ticket, end.get())));
    }
}

/// Whether ticket `a` comes before `b`, also when the numbers have wrapped.
fn is_before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

#[cfg(not(loom))]
impl Cond {
    /// Gives the mutex back, waits for a call, and takes the mutex again.
    pub fn wait(&self, mutex: &Mutex) {
        self.wait_in(&crate::sema::TABLE, mutex);
    }
    /// Wakes the one who has waited longest.
    pub fn signal(&self) {
        self.signal_in(&crate::sema::TABLE);
    }
    /// Wakes all who wait.
    pub fn broadcast(&self) {
        self.broadcast_in(&crate::sema::TABLE);
    }
}
