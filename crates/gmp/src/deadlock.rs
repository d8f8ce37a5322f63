//! All goroutines are asleep: nobody is left who could wake one.
//!
//! Go's `checkdead` (GO-19) is switched off as soon as C is in the process, since a C thread might wake somebody. Here every
//! thread of the process is counted: those of the scheduler, which are idle, and plain threads that wait in a queue of the
//! runtime without a deadline. If these are all, and no timer is set, nothing can happen any more but by a signal.

use crate::g::Status;
use crate::sched::Sched;
use crate::timer::NEVER;
use core::fmt::Write;
use gort_sys::io::Fd;

/// Reports a deadlock and ends the process, if there is one. Sysmon calls it when every P has been idle for a while.
pub(crate) fn check(sched: &'static Sched) {
    // Twice, with a pause between: a thread may be on its way from a wait to its next call.
    if sched.goroutines() > 0 && is_dead(sched) {
        gort_sys::native::sleep_ns(1_000_000);
        if is_dead(sched) {
            report(sched);
        }
    }
}

fn is_dead(sched: &'static Sched) -> bool {
    let (idle_ms, threads) = sched.idle_threads();
    let ours = threads + 1; // and sysmon
    sched.all_idle()
        && sched.all_ps().all(|p| p.timers.first() == NEVER)
        && idle_ms == threads
        && gort_sys::native::thread_count() == Some(ours + crate::waiter::blocked_threads())
}

fn report(sched: &'static Sched) -> ! {
    let mut out = Fd::new(2);
    let _ = writeln!(out, "fatal error: all goroutines are asleep - deadlock!");
    sched.stacks.each(|g| {
        if g.status() == Status::Waiting {
            let _ = write!(out, "\ngoroutine {} [{}]:\n", g.id(), g.reason().text());
            if g.creator() != 0 {
                let _ = writeln!(out, "created in goroutine {}", g.creator());
            }
        }
    });
    let _ = out.finish();
    gort_sys::native::exit_now(2)
}
