//! Sysmon: the thread that looks at the others.
//!
//! Follows `sysmon` and `retake` of Go's `proc.go`. It sleeps 20 µs, after 50 rounds without an event twice as long each time,
//! up to 10 ms (GO-13), and for good when every P has been idle for some rounds, until somebody takes an idle P.
//!
//! # What it does
//! It takes the P from a goroutine that does not give it back and has others waiting behind it: one that announced a blocking
//! call, at the next round; one that has run for 10 ms without a call of the runtime, whether it computes or blocks in the
//! kernel. The goroutine stays on its thread; `tenure` says how it learns of its loss. No signal is sent.
//!
//! In quiet moments it gives back the memory of dead goroutines' stacks, and looks whether all goroutines are asleep for ever.

use crate::m::M;
use crate::p::P;
use crate::sched::Sched;
use core::ffi::c_void;
use gort_sync::atomic::AtomicU32;
use gort_sync::atomic::Ordering::Relaxed;
use gort_sys::futex::Futex;
use gort_sys::{clock, native};

/// The shortest sleep.
const DELAY_MIN_NS: u64 = 20_000;
/// The longest sleep.
const DELAY_MAX_NS: u64 = 10_000_000;
/// Rounds without an event before the sleeps grow.
const ROUNDS_FAST: u32 = 50;
/// A time slice.
const SLICE_NS: u64 = 10_000_000;
/// Rounds with all Ps idle before it sleeps for good.
const ROUNDS_QUIET: u32 = 10;
/// Dead stacks trimmed in one quiet round.
const TRIM: usize = 512;

/// Sysmon's own state.
pub(crate) struct Sysmon {
    started: AtomicU32,
    /// It sleeps for good: 1. The word that it sleeps on.
    deep: Futex,
}

impl Sysmon {
    pub(crate) const fn new() -> Self {
        Self { started: AtomicU32::new(0), deep: Futex::new(0) }
    }

    /// Somebody took an idle P (under the scheduler's lock), or a thread blocks.
    #[inline]
    pub(crate) fn wake_if_deep(&self) {
        // Relaxed: a signal without a message; sysmon looks at everything itself.
        if self.deep.word.load(Relaxed) != 0 {
            self.deep.word.store(0, Relaxed);
            self.deep.wake_one();
        }
    }
}

/// Starts it, once.
pub(crate) fn ensure(sched: &'static Sched) {
    // Relaxed: it only decides who does it.
    if sched.sysmon.started.swap(1, Relaxed) == 0 {
        let arg = core::ptr::from_ref(sched).expose_provenance();
        if let Err(e) = native::spawn(run, arg, true) {
            crate::fatal::exit(format_args!("cannot start a thread: {e:?}"));
        }
    }
}

extern "C" fn run(sched: *mut c_void) -> *mut c_void {
    // SAFETY: `ensure` gave a scheduler, which lives for ever.
    let sched: &'static Sched = unsafe { &*sched.cast::<Sched>() };
    native::sleep_precisely();
    let (mut delay, mut calm, mut quiet) = (DELAY_MIN_NS, 0u32, 0u32);
    loop {
        native::sleep_ns(delay);
        quiet = if sched.all_idle() { quiet + 1 } else { 0 };
        if quiet > ROUNDS_QUIET {
            while sched.all_idle() && sched.stacks.trim(TRIM) {}
            crate::deadlock::check(sched);
            sched.sleep_deep();
            // Not fast at once: whoever woke us did so to run, not to block.
            (delay, calm, quiet) = (DELAY_MAX_NS, ROUNDS_FAST, 0);
            continue;
        }
        let taken = sched.retake(clock::now_ns());
        calm = if taken { 0 } else { calm.saturating_add(1) };
        delay = match calm {
            0..=ROUNDS_FAST => DELAY_MIN_NS,
            _ => (2 * delay).min(DELAY_MAX_NS),
        };
    }
}

impl Sched {
    pub(crate) fn all_idle(&self) -> bool {
        self.idle.idle_ps() >= self.procs.load(Relaxed) // Relaxed: looked at again under the lock.
    }

    /// A plain thread is about to wait: it may have been the last one that could wake somebody.
    pub(crate) fn thread_blocks(&self) {
        self.sysmon.wake_if_deep();
    }

    fn sleep_deep(&self) {
        let central = self.central.lock();
        if !self.all_idle() {
            return;
        }
        self.sysmon.deep.word.store(1, Relaxed); // Relaxed: under the lock of those who wake us.
        drop(central);
        // Relaxed: as in `wake_if_deep`.
        while self.sysmon.deep.word.load(Relaxed) == 1 {
            self.sysmon.deep.wait(1);
        }
    }

    /// Takes Ps from goroutines that keep them for too long; whether there was one.
    fn retake(&'static self, now: u64) -> bool {
        let mut taken = false;
        for p in self.all_ps() {
            let Some(m) = M::owner_of(p) else { continue };
            let (tick, blocking) = (p.tick.load(Relaxed), p.blocking.load(Relaxed)); // Relaxed: hints.
            let (seen_tick, seen_blocking, since) = p.seen.get();
            if (tick, blocking) != (seen_tick, seen_blocking) {
                p.seen.set((tick, blocking, now));
                continue;
            }
            if !self.is_over(p, blocking % 2 == 1, now.saturating_sub(since)) {
                continue;
            }
            p.slice_over.store(1, Relaxed); // Relaxed: late is as good.
            taken |= self.take_from(m, p);
        }
        taken
    }

    /// Whether a goroutine has had its P for long enough.
    fn is_over(&self, p: &P, blocks: bool, ran_ns: u64) -> bool {
        if !blocks && ran_ns < SLICE_NS {
            return false;
        }
        let others_wait = !p.queue.is_empty()
            || self.global_len.load(Relaxed) != 0 // Relaxed: a hint.
            || self.all_ps().any(|p| p.timers.first() <= clock::now_ns());
        // As Go: a P in a blocking call that nobody waits for stays, while others could take new work.
        others_wait || (blocks && self.idle.idle_ps() + self.idle.spinning() == 0)
    }

    fn take_from(&'static self, m: &'static M, p: &'static P) -> bool {
        let still_its_p = || M::owner_of(p).is_some_and(|owner| core::ptr::eq(owner, m));
        let taken = m.tenure.take(native::barrier_all, still_its_p);
        if taken {
            p.m.store(core::ptr::null_mut(), Relaxed); // Relaxed: the P is ours now.
            p.slice_over.store(0, Relaxed);
            let mark = p.blocking.load(Relaxed); // Relaxed: the P is ours now.
            p.blocking.store(mark.next_multiple_of(2), Relaxed);
            self.hand_off(p);
        }
        taken
    }
}
