//! Timers and tickers that send on a channel, and functions that run later.
//!
//! Follows Go's `time/sleep.go` and `time/tick.go`. A timer's channel has room for one value and shows none (CH-11); what it holds when
//! the timer is stopped or set again is forgotten, so that no stale value is received (TI-1).
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | U1 | `drop_ref` | AcqRel | U1 | all uses, to who frees it |
//!
//! Model: `tests/loom_chan.rs`, whose channel counts references in the same way.

use crate::chan::{NOW, RawChan, out_of_memory};
use alloc::boxed::Box;
use core::cell::Cell;
use core::ffi::c_void;
use core::ptr::NonNull;
use gort_gmp::g::Body;
use gort_gmp::timer::{NEVER, Timer};
use gort_gmp::{Attr, SCHED, timer};
use gort_sync::atomic::AtomicU32;
use gort_sync::atomic::Ordering::Relaxed;
use gort_sys::clock;
use gort_sys::lock::Mutex;

/// A timer. References are counted by hand; a timer that is set has one of its own.
pub struct GoTimer {
    timer: Timer,
    refs: AtomicU32,
    /// Set or not, under a lock: setting and stopping are one step each.
    is_set: Mutex<()>,
    period: Cell<u64>,
    /// For those that send.
    chan: Option<NonNull<RawChan>>,
    /// For those that call.
    call: Option<(Body, usize)>,
}

// SAFETY: the cells are under the lock.
unsafe impl Send for GoTimer {}
// SAFETY: as above.
unsafe impl Sync for GoTimer {}

/// When a time from now is: the end of time for those that do not fit (TI-5).
pub fn after(ns: i64) -> u64 {
    clock::now_ns().saturating_add(ns.max(0) as u64)
}

impl GoTimer {
    fn make(chan: Option<NonNull<RawChan>>, call: Option<(Body, usize)>) -> &'static Self {
        let made = Box::leak(Box::new(Self {
            timer: Timer::new(fire, 0),
            refs: AtomicU32::new(1),
            is_set: Mutex::new(()),
            period: Cell::new(0),
            chan,
            call,
        }));
        made.timer = Timer::new(fire, core::ptr::from_ref(made).expose_provenance());
        made
    }

    /// A timer that sends the time once, or a ticker that sends it every so often.
    pub fn sending(ns: i64, period: u64) -> &'static Self {
        let Ok(chan) = RawChan::make_as(8, 1, true) else { out_of_memory() };
        let made = Self::make(Some(chan), None);
        made.set(after(ns), period);
        made
    }

    /// A timer that starts a goroutine which calls `body(arg)`.
    pub fn calling(ns: i64, body: Body, arg: *mut c_void) -> &'static Self {
        let made = Self::make(None, Some((body, arg.expose_provenance())));
        made.set(after(ns), 0);
        made
    }

    /// The channel, of those that have one.
    pub fn chan(&self) -> Option<NonNull<RawChan>> {
        self.chan
    }

    /// Whether it repeats.
    pub fn is_ticker(&self) -> bool {
        self.period.get() > 0
    }

    fn set(&'static self, when: u64, period: u64) {
        let _setting = self.is_set.lock();
        self.start(when, period);
    }

    fn start(&'static self, when: u64, period: u64) {
        self.period.set(period);
        if when == NEVER {
            return;
        }
        if SCHED.ensure_started().is_err() {
            out_of_memory();
        }
        self.add_ref();
        // SAFETY: it has a reference of its own until it fired or was stopped.
        if !unsafe { SCHED.set_timer(&self.timer, when, period) } {
            out_of_memory();
        }
    }

    /// Stops it; whether it was set (TI-2).
    pub fn stop(&'static self) -> bool {
        let was_set = {
            let _setting = self.is_set.lock();
            // SAFETY: only we set it, under the lock.
            unsafe { timer::stop(&self.timer) }
        };
        self.forget(was_set);
        was_set
    }

    /// Sets it again, to fire after so long; whether it was set (TI-2).
    pub fn reset(&'static self, ns: i64) -> bool {
        let _setting = self.is_set.lock();
        // SAFETY: only we set it, under the lock.
        let was_set = unsafe { timer::stop(&self.timer) };
        self.forget(was_set);
        let period = if self.period.get() > 0 { ns.max(1) as u64 } else { 0 };
        self.start(after(ns), period);
        was_set
    }

    /// After a stop: what was sent is not received any more, and the timer's own reference is gone.
    fn forget(&'static self, was_set: bool) {
        if let Some(chan) = self.chan {
            // SAFETY: the timer has a reference to its channel.
            unsafe { chan.as_ref() }.drain();
        }
        if was_set {
            // SAFETY: the caller has one more.
            unsafe { Self::drop_ref(self) };
        }
    }

    fn add_ref(&self) {
        self.refs.fetch_add(1, Relaxed); // Relaxed: the caller has one.
    }

    /// One reference less. Does not stop it.
    ///
    /// # Safety
    /// The caller's reference.
    pub unsafe fn drop_ref(this: &'static Self) {
        use gort_sync::atomic::Ordering::AcqRel;
        // ORD[U1] AcqRel: everybody's uses, to who frees it.
        if this.refs.fetch_sub(1, AcqRel) == 1 {
            if let Some(chan) = this.chan {
                // SAFETY: the timer's own reference.
                unsafe { RawChan::drop_ref(chan) };
            }
            // SAFETY: made by `Box::leak`, and nobody has it any more.
            drop(unsafe { Box::from_raw(core::ptr::from_ref(this).cast_mut()) });
        }
    }
}

/// Runs when a timer is due, on the M that found it.
fn fire(timer: usize, _: u64) {
    // SAFETY: the timer's own reference, until we drop it.
    let this: &'static GoTimer = unsafe { &*core::ptr::with_exposed_provenance::<GoTimer>(timer) };
    if let Some(chan) = this.chan {
        let now = clock::now_ns() as i64;
        // SAFETY: eight bytes. Where nobody took the last one, this one is dropped (TI-4).
        unsafe { chan.as_ref().send((&raw const now).cast(), NOW) };
    }
    if let Some((body, arg)) = this.call {
        // SAFETY: whoever made the timer says so.
        let started =
            unsafe { SCHED.spawn(&Attr::DEFAULT, body, core::ptr::with_exposed_provenance_mut(arg)) };
        if started.is_err() {
            out_of_memory();
        }
    }
    if this.period.get() == 0 {
        // SAFETY: the timer's own.
        unsafe { GoTimer::drop_ref(this) };
    }
}
