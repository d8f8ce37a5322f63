//! Sleeping, and waiting with a deadline.

use crate::g::WaitReason;
use crate::m::M;
use crate::sched::Sched;
use crate::switch;
use crate::timer::{self, NEVER, Timer};
use crate::waiter::{TIMED_OUT, Waiter};
use gort_sys::context::After;
use gort_sys::{clock, native};

impl Sched {
    /// Sets a timer on the caller's P, or on the first one where the caller has none. `false` when there is no memory.
    ///
    /// # Safety
    /// As [`crate::timer::Timers::add`].
    pub unsafe fn set_timer(&'static self, timer: *const Timer, when: u64, period: u64) -> bool {
        let entered = switch::enter();
        let p =
            entered.and_then(|(m, _)| m.p().filter(|_| core::ptr::eq(m.sched, self))).or_else(|| self.p(0));
        let Some(p) = p else { return false };
        // SAFETY: the caller's promise.
        let set = unsafe { p.timers.add(timer, when, period) };
        self.timer_added(when);
        if let Some((_, nested)) = entered {
            switch::leave(nested);
        }
        set
    }
}

/// Sleeps for so many nanoseconds. Nought or less returns at once, and does not yield (GO-6).
pub fn sleep_ns(ns: i64) {
    if ns <= 0 {
        return;
    }
    match M::current().and_then(M::running) {
        Some(_) => {
            let waiter = Waiter::new();
            let when = clock::now_ns().saturating_add(ns as u64);
            // SAFETY: the deadline is the only one that readies it.
            unsafe { waiter.park_until(WaitReason::Sleep, when, gort_sys::context::nothing, 0) };
        }
        None => native::sleep_ns(ns as u64),
    }
}

/// What is needed to set the timer once the stack is at rest.
struct Parking {
    timer: Timer,
    when: u64,
    after: After,
    data: usize,
    sched: &'static Sched,
}

/// Parks a goroutine with a deadline: see [`Waiter::park_until`].
///
/// # Safety
/// As there; on a goroutine.
pub(crate) unsafe fn park_until(
    waiter: &Waiter,
    reason: WaitReason,
    when: u64,
    after: After,
    data: usize,
) -> bool {
    debug_assert!(when != NEVER);
    let Some(m) = M::current() else { return true };
    let timer = Timer::new(deadline, core::ptr::from_ref(waiter).expose_provenance());
    let parking = Parking { timer, when, after, data, sched: m.sched };
    // SAFETY: the caller's promise; the timer readies only who it has claimed.
    unsafe { switch::park(reason, set_deadline, (&raw const parking).expose_provenance()) };
    if waiter.claimed() == TIMED_OUT {
        return false;
    }
    // SAFETY: our own timer. After this it does not touch the waiter any more.
    unsafe { timer::stop(&parking.timer) };
    true
}

/// Runs when the goroutine's stack is at rest.
unsafe extern "C" fn set_deadline(parking: usize) {
    // SAFETY: on the stack of the goroutine that parks, which nobody can ready yet.
    let parking = unsafe { &*core::ptr::with_exposed_provenance::<Parking>(parking) };
    // The timer may fire at once and the goroutine go on: everything is read before.
    let (after, data) = (parking.after, parking.data);
    // SAFETY: it stays until it is stopped or has fired.
    if !unsafe { parking.sched.set_timer(&parking.timer, parking.when, 0) } {
        crate::fatal::exit(format_args!("out of memory for a timer"));
    }
    // SAFETY: the contract of `park`.
    unsafe { after(data) };
}

/// The deadline of a waiter has come.
fn deadline(waiter: usize, _: u64) {
    let waiter = core::ptr::with_exposed_provenance::<Waiter>(waiter);
    // SAFETY: the waiter stays until it is readied, and until its timer was stopped.
    if unsafe { (*waiter).claim(TIMED_OUT) } {
        // SAFETY: we claimed it, and it is parked: the timer is set after that.
        unsafe { Waiter::ready(waiter) };
    }
}
