//! The search for work, on an M's own stack: where it looks, how it steals, and how it goes to rest.
//!
//! `findRunnable` of Go's `proc.go`. The order is drawn in the head of `sched`, and why no wake-up is lost in the head of `idle`.

use crate::g::G;
use crate::m::M;
use crate::p::P;
use crate::sched::{GLOBAL_BATCH, Sched};
use crate::timer::NEVER;
use core::ptr::{NonNull, null};
use gort_sync::atomic::Ordering::Relaxed;
use gort_sys::io::throw;
use gort_sys::{clock, native};

/// What a thread of the scheduler runs.
pub(crate) extern "C" fn m_thread(m: *mut core::ffi::c_void) -> *mut core::ffi::c_void {
    // SAFETY: `new_m` gave a record that is never freed.
    let m: &'static M = unsafe { &*m.cast::<M>() };
    m.bind();
    native::sleep_precisely();
    let _ = gort_sys::segv::alternate_stack();
    if let Some(p) = m.take_next_p() {
        m.acquire(p);
    }
    loop {
        let g = match NonNull::new(m.pending.replace(null()).cast_mut()) {
            // SAFETY: records are never unmapped.
            Some(g) => unsafe { g.as_ref() },
            None => m.sched.find_runnable(m),
        };
        if g.locked_m.get().is_null() || core::ptr::eq(g.locked_m.get(), m) {
            // SAFETY: on our own stack, and the goroutine is ours to run.
            unsafe { crate::switch::run(m, g) };
        } else {
            m.sched.start_locked(m, g);
        }
        if !m.locked_g.get().is_null() {
            m.sched.stop_locked(m);
        }
    }
}

impl Sched {
    /// A goroutine to run. The M may sleep here, and lose and gain Ps; it has one when this comes back.
    fn find_runnable(&'static self, m: &'static M) -> &'static G {
        loop {
            let Some(p) = m.p() else {
                self.stop_m(m);
                continue;
            };
            if let Some(g) = self.look_around(m, p) {
                return self.stop_spinning(m, g);
            }
            if let Some(g) = self.rest(m) {
                return self.stop_spinning(m, g);
            }
        }
    }

    /// Everything that a P may look at, in order.
    fn look_around(&'static self, m: &'static M, p: &'static P) -> Option<&'static G> {
        // Relaxed: a change takes effect at the next look.
        if p.id >= self.procs.load(Relaxed) {
            return None;
        }
        if p.timers.first() != NEVER {
            p.timers.run_due(clock::now_ns());
        }
        if let Some(g) = self.pick_queued(p) {
            return Some(g);
        }
        if m.was_sleeper.replace(false)
            && self.run_due_anywhere()
            && let Some(g) = self.pick_queued(p)
        {
            return Some(g);
        }
        if !m.spinning.get() {
            // Relaxed: a heuristic.
            if !self.idle.start_spinning(self.procs.load(Relaxed)) {
                return None;
            }
            m.spinning.set(true);
        }
        self.steal(p).map(|g| self.begin_slice(p, g))
    }

    /// Fires what is due on any P; whether there was something.
    fn run_due_anywhere(&self) -> bool {
        let now = clock::now_ns();
        self.all_ps().map(|p| p.timers.run_due(now)).sum::<u32>() > 0
    }

    /// An M that found work is no spinner any more. If it was the last one, another takes its place: there may be more.
    fn stop_spinning(&'static self, m: &M, g: &'static G) -> &'static G {
        if m.spinning.replace(false) {
            self.idle.stop_spinning();
            self.wake_p();
        }
        g
    }

    /// Takes work from other Ps: four passes in random order (GO-11).
    fn steal(&'static self, p: &'static P) -> Option<&'static G> {
        let n = self.procs.load(Relaxed); // Relaxed: who is missed is looked at next time.
        for pass in 0..4 {
            let last = pass == 3;
            if last
                && self.run_due_anywhere()
                && let Some(g) = self.pick_queued(p)
            {
                return Some(g);
            }
            let (start, stride) = (p.random() % n, coprime(p.random(), n));
            for i in 0..n {
                let victim = self.p((start + i * stride) % n)?;
                if core::ptr::eq(victim, p) {
                    continue;
                }
                // Relaxed: a guess.
                if last && victim.queue.has_next() && !victim.m.load(Relaxed).is_null() {
                    // Who readied it is likely to park in a moment, and to run it without a move.
                    native::sleep_ns(3_000);
                }
                if let Some(g) = p.queue.steal_from(&victim.queue, last) {
                    // SAFETY: records are never unmapped.
                    return Some(unsafe { g.as_ref() });
                }
            }
        }
        None
    }

    /// Gives the P up, looks at everything once more, and sleeps. What turned up under the lock is run at once.
    fn rest(&'static self, m: &'static M) -> Option<&'static G> {
        let mut central = self.central.lock();
        let p = m.p()?;
        // Relaxed: changes under the lock.
        if p.id < self.procs.load(Relaxed)
            && let Some(g) = self.take_global(&mut central, p, GLOBAL_BATCH)
        {
            return Some(self.begin_slice(p, g));
        }
        m.release();
        self.put_idle_p(&mut central, p);
        drop(central);
        if m.spinning.replace(false) {
            self.idle.stop_spinning();
            if self.anything_queued() && self.try_again(m) {
                self.idle.spin_again();
                m.spinning.set(true);
                return None;
            }
        }
        if self.sleep_until_timer() {
            m.was_sleeper.set(true);
            if self.try_again(m) {
                return None;
            }
        }
        self.stop_m(m);
        None
    }

    /// Whether any queue has something, by a look without locks, or a timer is due.
    fn anything_queued(&self) -> bool {
        self.global_len.load(Relaxed) != 0 // Relaxed: ordered by W2.
            || self.all_ps().any(|p| !p.queue.is_empty())
            || self.first_timer() <= clock::now_ns()
    }

    /// Takes an idle P for the M, if there is one.
    pub(crate) fn try_again(&self, m: &M) -> bool {
        let p = self.take_idle_p(&self.central.lock());
        p.inspect(|p| m.acquire(p)).is_some()
    }

    /// Sleeps until somebody starts the M, with a P.
    fn stop_m(&'static self, m: &'static M) {
        if m.spinning.replace(false) {
            self.idle.stop_spinning();
        }
        let central = self.central.lock();
        m.link.set(central.idle_ms.replace(m));
        drop(central);
        m.sleep();
    }

    /// A goroutine that is locked to another M: that one runs it, with our P.
    fn start_locked(&'static self, m: &'static M, g: &'static G) {
        // SAFETY: not null, says the caller; Ms are never freed.
        let (Some(owner), Some(p)) = (unsafe { g.locked_m.get().as_ref() }, m.release()) else {
            throw("start_locked: no owner, or no P")
        };
        owner.start_with(p);
        self.stop_m(m);
    }

    /// The M's goroutine is locked to it and has left: sleeps until it is ready.
    fn stop_locked(&'static self, m: &'static M) {
        // SAFETY: not null, says the caller.
        let Some(g) = (unsafe { m.locked_g.get().as_ref() }) else { return };
        if g.status() == crate::g::Status::Running {
            return;
        }
        if m.spinning.replace(false) {
            self.idle.stop_spinning();
        }
        if let Some(p) = m.release() {
            self.hand_off(p);
        }
        m.sleep();
        m.pending.set(g);
    }
}

/// A number below `n` (or 1) that has no divisor in common with it: steps of it visit everybody.
fn coprime(random: u32, n: u32) -> u32 {
    let gcd = |mut a: u32, mut b: u32| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let start = random % n.max(1);
    (0..n).map(|i| (start + i) % n).find(|k| gcd(*k, n) == 1).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strides_visit_everybody() {
        for n in 1..40 {
            for random in 0..n {
                let stride = coprime(random, n);
                let mut seen = vec![false; n as usize];
                (0..n).for_each(|i| seen[(i * stride % n) as usize] = true);
                assert!(seen.into_iter().all(|s| s), "{n} {stride}");
            }
        }
    }
}
