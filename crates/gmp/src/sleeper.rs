//! Sleeping until the first timer is due: one idle M does it for all.
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | A1 | `timer_added` fence | SeqCst | A2 | the timer; or to us: until when the sleeper sleeps |
//! | A2 | `sleep_until_timer` fences | SeqCst | A1 | the idle P, and until when we sleep; or to us: the timer |
//! | A3 | `timer_added` counts the bell | Release | A4 | the timer |
//! | A4 | `sleep_until_timer` reads the bell | Acquire | A3 | the same |
//!
//! Model: `tests/loom_idle.rs`, whose fences W1 and W2 stand in the same places.

use crate::sched::Sched;
use crate::timer::NEVER;
use gort_sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use gort_sync::atomic::{AtomicU64, fence};
use gort_sys::clock;
use gort_sys::futex::Futex;

/// The idle M that sleeps until the first timer is due.
pub(crate) struct Sleeper {
    /// Until when; nought when there is none.
    until: AtomicU64,
    bell: Futex,
}

impl Sleeper {
    pub(crate) const fn new() -> Self {
        Self { until: AtomicU64::new(0), bell: Futex::new(0) }
    }
}

impl Sched {
    /// When the first of all timers is due.
    pub(crate) fn first_timer(&self) -> u64 {
        self.all_ps().map(|p| p.timers.first()).min().unwrap_or(NEVER)
    }

    /// A timer was set that is due at `when`: somebody must be awake then.
    pub(crate) fn timer_added(&'static self, when: u64) {
        // ORD[A1] SeqCst fence, with A2: the sleeper sees the timer, or we see the sleeper.
        fence(SeqCst);
        let until = self.sleeper.until.load(Relaxed); // Relaxed: ordered by the fence.
        if until == 0 {
            self.wake_p();
        } else if when < until {
            // ORD[A3] Release: the timer.
            self.sleeper.bell.word.fetch_add(1, Release);
            self.sleeper.bell.wake_one();
        }
    }

    /// Sleeps until the first timer is due, if there is one and nobody else does so; whether it slept.
    pub(crate) fn sleep_until_timer(&self) -> bool {
        // ORD[A2] SeqCst fence, with A1: who adds a timer sees that our P is idle, or we see the timer.
        fence(SeqCst);
        let first = self.first_timer();
        // Relaxed: the fence below orders.
        if first == NEVER || self.sleeper.until.compare_exchange(0, first, Relaxed, Relaxed).is_err() {
            return false;
        }
        loop {
            // ORD[A4] Acquire: the timers of who rang.
            let rung = self.sleeper.bell.word.load(Acquire);
            let first = self.first_timer();
            self.sleeper.until.store(first.max(1), Relaxed); // Relaxed: as above.
            // ORD[A2] SeqCst fence, with A1: who adds a timer sees until when we sleep, or we see the timer.
            fence(SeqCst);
            if self.first_timer() != first {
                continue;
            }
            if first == NEVER {
                break;
            }
            let over = self.sleeper.bell.wait_until(rung, first).is_err();
            if over || clock::now_ns() >= first {
                break;
            }
        }
        // Relaxed: who adds a timer and misses it rings for nobody; we look at all timers after this.
        self.sleeper.until.store(0, Relaxed);
        true
    }
}
