//! Time, sleeping, timers.

use crate::ctypes::{go_chan, go_timer};
use crate::defer::panic_with;
use crate::life::sched;
use core::ffi::c_void;
use core::ptr::null_mut;
use gort_chan::timer::GoTimer;
use gort_sys::clock;

/// Nanoseconds on the monotonic clock.
#[unsafe(no_mangle)]
pub extern "C" fn go_now() -> i64 {
    clock::now_ns() as i64
}

/// Sleeps so many nanoseconds; nought or less returns at once.
#[unsafe(no_mangle)]
pub extern "C" fn go_sleep(d: i64) {
    gort_gmp::sleep::sleep_ns(d);
}

fn as_ptr(timer: &'static GoTimer) -> *mut go_timer {
    core::ptr::from_ref(timer).cast_mut()
}

/// A timer that sends the time on its channel, once, after `d` nanoseconds.
#[unsafe(no_mangle)]
pub extern "C" fn go_timer_make(d: i64) -> *mut go_timer {
    sched();
    as_ptr(GoTimer::sending(d, 0))
}

/// A timer that sends the time on its channel every `d` nanoseconds. Panics when `d` is not positive.
#[unsafe(no_mangle)]
pub extern "C" fn go_ticker_make(d: i64) -> *mut go_timer {
    if d <= 0 {
        panic_with(c"non-positive interval for NewTicker");
    }
    sched();
    as_ptr(GoTimer::sending(d, d as u64))
}

/// A timer that calls `fn(arg)` in a goroutine of its own after `d` nanoseconds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_after_func(
    d: i64,
    func: unsafe extern "C" fn(arg: *mut c_void),
    arg: *mut c_void,
) -> *mut go_timer {
    sched();
    as_ptr(GoTimer::calling(d, func, arg))
}

/// The timer's channel, of go_when elements; it lives as long as the timer. NULL for go_after_func.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_timer_chan(t: *mut go_timer) -> *mut go_chan {
    // SAFETY: the caller's timer.
    unsafe { (*t).chan() }.map_or(null_mut(), |chan| chan.as_ptr())
}

/// Stops the timer: true if it was set. Nothing is received from it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_timer_stop(t: *mut go_timer) -> bool {
    // SAFETY: the caller's timer, alive while he has a reference.
    unsafe { &*t }.stop()
}

/// Sets the timer again, to `d` nanoseconds from now: true if it was set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_timer_reset(t: *mut go_timer, d: i64) -> bool {
    // SAFETY: the caller's timer, alive while he has a reference.
    let timer = unsafe { &*t };
    if d <= 0 && timer.is_ticker() {
        panic_with(c"non-positive interval for Ticker.Reset");
    }
    timer.reset(d)
}

/// Gives the timer up, without stopping it. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_timer_unref(t: *mut go_timer) {
    if !t.is_null() {
        // SAFETY: the caller's reference.
        unsafe { GoTimer::drop_ref(&*t) };
    }
}
