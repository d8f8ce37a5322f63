//! The scheduler: who runs what, and who looks for work where.
//!
//! Follows Go's `proc.go`. A goroutine leaves its stack in one of four ways: it yields, parks, ends (all three in
//! [`crate::switch`]), or its P is taken away while it runs on (`sysmon`). In the first three its M goes on with the next
//! goroutine of the local queue at once, by one switch from stack to stack; only when there is none, or something out of the
//! ordinary is due, does it go by its own stack ([`crate::search`]), which looks everywhere and sleeps.
//!
//! # Order of search
//! Every 61st time slice the global queue; then the slot in front and the local queue; the global queue, a batch; other Ps, in
//! four passes and random order, half of the queue of the first that has one, timers and slots in front in the last pass only.
//! Then the P is given up, and everything is looked at once more (see `idle`).
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | V1 | `make_p` stores a P and how many there are | Release | V2 | the P's record |
//! | V2 | `p`, `all_ps` load them | Acquire | V1 | the same |
//!
//! Model: `tests/loom_waiter.rs`: publication by one word, as there.
//!
//! # State
//! A scheduler is a value; everything here takes it by reference. It lives for ever, since threads are in it.

use crate::g::{G, GQueue};
use crate::idle::Idle;
use crate::join::Joins;
use crate::m::M;
use crate::p::P;
use crate::search::m_thread;
use crate::sleeper::Sleeper;
use crate::stack::Stacks;
use crate::timer::NEVER;
use core::cell::Cell;
use core::ptr::{null, null_mut};
use gort_sync::atomic::Ordering::{Acquire, Relaxed, Release};
use gort_sync::atomic::{AtomicI64, AtomicPtr, AtomicU32, AtomicU64};
use gort_sys::io::{self, throw};
use gort_sys::lock::Mutex;
use gort_sys::offheap::Persistent;
use gort_sys::{clock, native};

/// The most Ps there can be.
pub(crate) const PROCS_MAX: usize = 1024;
/// The most threads (GO-14).
const THREADS_MAX: u32 = 10_000;
/// The global queue comes first every so many time slices.
const GLOBAL_EVERY: u32 = 61;
/// The most goroutines that are taken from the global queue at once.
pub(crate) const GLOBAL_BATCH: u32 = 128;

/// A scheduler.
pub struct Sched {
    pub(crate) idle: Idle,
    /// Length of the global queue, for a look without the lock.
    pub(crate) global_len: AtomicU32,
    pub(crate) procs: AtomicU32,
    /// Ps ever made; those from `procs` on are out of use.
    pub(crate) made: AtomicU32,
    ps: [AtomicPtr<P>; PROCS_MAX],
    pub(crate) central: Mutex<Central>,
    pub(crate) stacks: Stacks,
    pub(crate) source: Persistent,
    pub(crate) joins: Joins,
    /// The next goroutine number.
    pub(crate) ids: AtomicU64,
    /// Goroutines started minus ended outside of any P.
    pub(crate) live: AtomicI64,
    pub(crate) sleeper: Sleeper,
    pub(crate) sysmon: crate::sysmon::Sysmon,
    pub(crate) started: AtomicU32,
    pub(crate) starting: Mutex<()>,
    /// What runs around goroutines' functions, or null.
    pub(crate) around: AtomicPtr<()>,
}

/// What the scheduler's lock guards.
pub(crate) struct Central {
    pub(crate) global: GQueue,
    pub(crate) idle_ms: Cell<*const M>,
    idle_ps: Cell<*const P>,
    pub(crate) threads: u32,
}

// SAFETY: the lists belong to whoever holds the lock.
unsafe impl Send for Central {}

impl Default for Sched {
    fn default() -> Self {
        Self::new()
    }
}

impl Sched {
    /// A scheduler that has not started. It starts with its first goroutine.
    pub const fn new() -> Self {
        Self {
            idle: Idle::new(),
            global_len: AtomicU32::new(0),
            procs: AtomicU32::new(0),
            made: AtomicU32::new(0),
            ps: [const { AtomicPtr::new(null_mut()) }; PROCS_MAX],
            central: Mutex::new(Central {
                global: GQueue::new(),
                idle_ms: Cell::new(null()),
                idle_ps: Cell::new(null()),
                threads: 0,
            }),
            stacks: Stacks::new(),
            source: Persistent::new(),
            joins: Joins::new(),
            ids: AtomicU64::new(1),
            live: AtomicI64::new(0),
            sleeper: Sleeper::new(),
            sysmon: crate::sysmon::Sysmon::new(),
            started: AtomicU32::new(0),
            starting: Mutex::new(()),
            around: AtomicPtr::new(null_mut()),
        }
    }

    #[cfg(test)]
    pub(crate) fn leak() -> &'static Self {
        Box::leak(Box::new(Self::new()))
    }

    /// P number `i`.
    pub(crate) fn p(&self, i: u32) -> Option<&'static P> {
        // ORD[V2] Acquire: the P's record.
        let p = self.ps.get(i as usize)?.load(Acquire);
        // SAFETY: null or a P, never freed.
        unsafe { p.as_ref() }
    }

    /// All Ps ever made.
    pub(crate) fn all_ps(&self) -> impl Iterator<Item = &'static P> {
        // ORD[V2] Acquire: their records.
        (0..self.made.load(Acquire)).filter_map(|i| self.p(i))
    }

    // ---- the global queue ----

    /// Puts a goroutine at the tail of the global queue.
    pub(crate) fn put_global(&self, g: &G) {
        let mut central = self.central.lock();
        central.global.push(g);
        self.note_global(&central);
    }

    /// Puts a batch there; it is empty then.
    pub(crate) fn put_global_batch(&self, batch: &mut GQueue) {
        let mut central = self.central.lock();
        central.global.append(batch);
        self.note_global(&central);
    }

    fn note_global(&self, central: &Central) {
        self.global_len.store(central.global.len(), Relaxed); // Relaxed: a hint; the lock decides.
    }

    /// Takes a fair share of the global queue: one to run, the rest into the local queue, `max` at most.
    pub(crate) fn take_global(&self, central: &mut Central, p: &P, max: u32) -> Option<&'static G> {
        let len = central.global.len();
        if len == 0 {
            return None;
        }
        let share = len / self.procs.load(Relaxed).max(1) + 1; // Relaxed: a share, not a promise.
        let n = share.min(len).min(max).min(256 - p.queue.len());
        let first = central.global.pop();
        for _ in 1..n {
            if let Some(g) = central.global.pop() {
                p.queue.put(g.as_non_null(), |_| throw("take_global: more than fits"));
            }
        }
        self.note_global(central);
        first
    }

    fn take_global_locking(&self, p: &P, max: u32) -> Option<&'static G> {
        // Relaxed: a hint.
        if self.global_len.load(Relaxed) == 0 {
            return None;
        }
        self.take_global(&mut self.central.lock(), p, max)
    }

    // ---- what a P has to run ----

    /// Puts a goroutine in front of a P's queue. The P's owner only.
    #[inline]
    pub(crate) fn put_next(&self, p: &P, g: &G) {
        let mut batch = GQueue::new();
        // SAFETY: records are never unmapped.
        p.queue.put_next(g.as_non_null(), |g| batch.push(unsafe { g.as_ref() }));
        if batch.len() > 0 {
            self.put_global_batch(&mut batch);
        }
    }

    /// The next goroutine by the local rules: no search, no sleep. `None` also when a timer is due or the P goes out of use.
    pub(crate) fn pick_next(&self, p: &P) -> Option<&'static G> {
        // Relaxed: a change takes effect at the next look.
        if p.id >= self.procs.load(Relaxed) {
            return None;
        }
        let first = p.timers.first();
        if first != NEVER && first <= clock::now_ns() {
            return None;
        }
        self.pick_queued(p)
    }

    /// The next goroutine of the local queue, or of the global one. `None` only when the local queue is empty.
    pub(crate) fn pick_queued(&self, p: &P) -> Option<&'static G> {
        let tick = p.tick.load(Relaxed); // Relaxed: the owner's own.
        if tick.is_multiple_of(GLOBAL_EVERY)
            && let Some(g) = self.take_global_locking(p, 1)
        {
            return Some(self.begin_slice(p, g));
        }
        if let Some(g) = p.queue.take_next() {
            // SAFETY: records are never unmapped.
            let g: &'static G = unsafe { g.as_ref() };
            // Relaxed: sysmon's word for us; late is as good.
            if p.slice_over.load(Relaxed) == 0 {
                return Some(g);
            }
            p.slice_over.store(0, Relaxed);
            p.queue.put(g.as_non_null(), |g| {
                // SAFETY: as above.
                self.put_global(unsafe { g.as_ref() });
            });
        }
        if let Some(g) = p.queue.take() {
            // SAFETY: as above.
            return Some(self.begin_slice(p, unsafe { g.as_ref() }));
        }
        self.take_global_locking(p, GLOBAL_BATCH).map(|g| self.begin_slice(p, g))
    }

    pub(crate) fn begin_slice(&self, p: &P, g: &'static G) -> &'static G {
        let tick = p.tick.load(Relaxed); // Relaxed: the owner is the only writer.
        p.tick.store(tick.wrapping_add(1), Relaxed);
        g
    }

    // ---- waking ----

    /// Wakes an M if there is a P for it and nobody looks for work. The caller has made work visible.
    #[inline]
    pub(crate) fn wake_p(&'static self) {
        if self.idle.should_wake() {
            self.wake_p_slow();
        }
    }

    #[cold]
    fn wake_p_slow(&'static self) {
        let p = self.take_idle_p(&self.central.lock());
        match p {
            Some(p) => self.start_m(p, true),
            None => {
                self.idle.stop_spinning();
            }
        }
    }

    /// Has an M run a P that nobody has.
    pub(crate) fn start_m(&'static self, p: &'static P, spinning: bool) {
        let mut central = self.central.lock();
        // SAFETY: null or an M, never freed; the list is under the lock.
        if let Some(m) = unsafe { central.idle_ms.get().as_ref() } {
            central.idle_ms.set(m.link.get());
            drop(central);
            m.spinning.set(spinning);
            m.start_with(p);
            return;
        }
        central.threads += 1;
        let id = central.threads;
        drop(central);
        if id > THREADS_MAX {
            io::note(format_args!("runtime: program exceeds {THREADS_MAX}-thread limit"));
            crate::fatal::exit(format_args!("thread exhaustion"));
        }
        self.new_m(p, spinning);
    }

    fn new_m(&'static self, p: &'static P, spinning: bool) {
        let Some(at) = self.source.alloc(size_of::<M>(), align_of::<M>().max(64)) else {
            crate::fatal::exit(format_args!("out of memory for a thread"))
        };
        let at = at.cast::<M>();
        // SAFETY: fresh memory of that size and alignment, never freed.
        let m: &'static M = unsafe {
            at.write(M::new(self));
            at.as_ref()
        };
        m.spinning.set(spinning);
        m.set_first_p(p);
        crate::sysmon::ensure(self);
        if let Err(e) = native::spawn(m_thread, core::ptr::from_ref(m).expose_provenance(), false) {
            crate::fatal::exit(format_args!("cannot start a thread: {e:?}"));
        }
    }

    /// A P that nobody has gets an M if there may be work for it, and is idle otherwise.
    pub(crate) fn hand_off(&'static self, p: &'static P) {
        // Relaxed: hints; what we miss here is looked at under the lock.
        let out_of_use = p.id >= self.procs.load(Relaxed);
        if !out_of_use {
            let has_work = !p.queue.is_empty() || self.global_len.load(Relaxed) != 0;
            let due = p.timers.first() <= clock::now_ns();
            if has_work || due {
                return self.start_m(p, false);
            }
            if self.idle.try_sole_spinner() {
                return self.start_m(p, true);
            }
        }
        let mut central = self.central.lock();
        if central.global.len() != 0 && !out_of_use {
            drop(central);
            return self.start_m(p, false);
        }
        self.put_idle_p(&mut central, p);
    }

    // ---- idle lists, under the lock ----

    pub(crate) fn put_idle_p(&self, central: &mut Central, p: &'static P) {
        // Relaxed: changes under the lock.
        if p.id < self.procs.load(Relaxed) {
            return self.add_idle_p(central, p);
        }
        p.retired.set(true);
        while let Some(g) = p.queue.take_next().or_else(|| p.queue.take()) {
            // SAFETY: records are never unmapped.
            central.global.push(unsafe { g.as_ref() });
        }
        self.note_global(central);
    }

    /// Changes the number of Ps in use. The caller wakes Ms for the work that is there.
    pub(crate) fn set_procs(&self, n: u32) -> Result<u32, gort_sys::Errno> {
        let mut central = self.central.lock();
        let old = self.procs.load(Relaxed); // Relaxed: changes under the lock.
        for i in self.made.load(Relaxed)..n {
            self.make_p(i)?;
        }
        self.procs.store(n, Relaxed); // Relaxed: whoever acts on it has the lock, or looks again.
        // The idle ones that go out of use, and those that come back.
        let mut idle = central.idle_ps.replace(null());
        // SAFETY: null or a P, never freed; the list is under the lock.
        while let Some(p) = unsafe { idle.as_ref() } {
            idle = p.link.get();
            self.idle.remove_idle_p();
            self.put_idle_p(&mut central, p);
        }
        for p in self.all_ps().filter(|p| p.id < n && p.retired.get()) {
            p.retired.set(false);
            self.add_idle_p(&central, p);
        }
        Ok(old)
    }

    fn make_p(&self, i: u32) -> Result<(), gort_sys::Errno> {
        let at =
            self.source.alloc(size_of::<P>(), align_of::<P>().max(64)).ok_or(gort_sys::Errno::ENOMEM)?.cast();
        // SAFETY: fresh memory of that size and alignment, never freed.
        unsafe { at.write(P::new(i)) };
        // ORD[V1] Release: the record.
        self.ps[i as usize].store(at.as_ptr(), Release);
        // ORD[V1] Release: as above.
        self.made.store(i + 1, Release);
        Ok(())
    }

    /// How many Ms sleep on the idle list, and how many there are.
    pub(crate) fn idle_threads(&self) -> (u32, u32) {
        let central = self.central.lock();
        let mut next = central.idle_ms.get();
        let mut idle = 0;
        // SAFETY: null or an M, never freed; the list is under the lock.
        while let Some(m) = unsafe { next.as_ref() } {
            next = m.link.get();
            idle += 1;
        }
        (idle, central.threads)
    }

    /// An idle P.
    pub(crate) fn take_idle_p(&self, central: &Central) -> Option<&'static P> {
        // SAFETY: null or a P, never freed; the list is under the lock.
        let p = unsafe { central.idle_ps.get().as_ref() }?;
        central.idle_ps.set(p.link.get());
        self.idle.remove_idle_p();
        self.sysmon.wake_if_deep();
        Some(p)
    }

    fn add_idle_p(&self, central: &Central, p: &'static P) {
        p.link.set(central.idle_ps.replace(p));
        self.idle.add_idle_p();
    }
}
