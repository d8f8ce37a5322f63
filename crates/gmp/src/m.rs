//! M: a thread that runs goroutines.
//!
//! Follows `m` in Go's `runtime2.go`. Each M has a stack of its own, that of its thread, where it looks for work, sleeps, and
//! runs what must not run on a goroutine (Go's g0). Ms are never destroyed; those without work sleep on their note.
//!
//! One thread word holds the thread's M, null on threads that are not the scheduler's. It is read afresh each time: between two
//! reads the goroutine may have moved.
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | N1 | `start_with`, `set_first_p` store the P and the note | Release | N2 | the P as it is, and `spinning` |
//! | N2 | `sleep`, `take_next_p` load them | Acquire | N1 | the same |
//! | N3 | `acquire` stores the P's owner | Release | N4 | the owner's record |
//! | N4 | sysmon loads it | Acquire | N3 | the same |
//!
//! Model: `tests/loom_waiter.rs`: a word that is stored once and slept on, as there.

use crate::g::G;
use crate::p::P;
use crate::sched::Sched;
use crate::tenure::Tenure;
use core::cell::Cell;
use core::ptr::{null, null_mut};
use gort_sync::atomic::AtomicPtr;
use gort_sync::atomic::Ordering::{Acquire, Relaxed, Release};
use gort_sys::context::Context;
use gort_sys::futex::Futex;
use gort_sys::thread::{MAGAZINE_WORDS, words};

/// The word that holds the thread's M.
const CURRENT: usize = MAGAZINE_WORDS + 7;

/// A thread of the scheduler.
pub(crate) struct M {
    /// The goroutine that it runs; null while it is on its own stack. Its own.
    curg: Cell<*const G>,
    /// Its P, or null. Its own; a P that was taken is still here until `tenure` says so.
    p: Cell<*const P>,
    /// Whether it still has its P.
    pub(crate) tenure: Tenure,
    /// Where its own stack stopped.
    pub(crate) g0: Cell<Context>,
    pub(crate) sched: &'static Sched,
    /// It counts as spinning. Its own, or its starter's while it sleeps.
    pub(crate) spinning: Cell<bool>,
    /// It has slept until a timer was due. Its own.
    pub(crate) was_sleeper: Cell<bool>,
    /// A goroutine to run next that only the M's own stack can deal with: it is locked to another M.
    pub(crate) pending: Cell<*const G>,
    /// The goroutine that is locked to it, or null.
    pub(crate) locked_g: Cell<*const G>,
    /// Link of the list of idle Ms, under the scheduler's lock.
    pub(crate) link: Cell<*const M>,
    /// The P that it was started with.
    next_p: AtomicPtr<P>,
    note: Futex,
}

// SAFETY: cells are the M's own, but for those whose comment says more.
unsafe impl Sync for M {}
// SAFETY: as above.
unsafe impl Send for M {}

impl M {
    pub(crate) fn new(sched: &'static Sched) -> Self {
        Self {
            curg: Cell::new(null()),
            p: Cell::new(null()),
            tenure: Tenure::new(),
            g0: Cell::new(Context::NONE),
            sched,
            spinning: Cell::new(false),
            was_sleeper: Cell::new(false),
            pending: Cell::new(null()),
            locked_g: Cell::new(null()),
            link: Cell::new(null()),
            next_p: AtomicPtr::new(null_mut()),
            note: Futex::new(0),
        }
    }

    /// The calling thread's M.
    #[inline]
    pub(crate) fn current() -> Option<&'static Self> {
        // SAFETY: in bounds; null or an M, never freed.
        unsafe { core::ptr::with_exposed_provenance::<Self>(words::load(CURRENT)).as_ref() }
    }

    /// Makes it the calling thread's.
    pub(crate) fn bind(&'static self) {
        // SAFETY: in bounds.
        unsafe { words::store(CURRENT, core::ptr::from_ref(self).expose_provenance()) };
    }

    /// The goroutine that it runs.
    #[inline]
    pub(crate) fn running(&'static self) -> Option<&'static G> {
        // SAFETY: null or a record, never unmapped.
        unsafe { self.curg.get().as_ref() }
    }

    #[inline]
    pub(crate) fn set_running(&self, g: Option<&G>) {
        self.curg.set(g.map_or(null(), core::ptr::from_ref));
    }

    /// Its P.
    #[inline]
    pub(crate) fn p(&self) -> Option<&'static P> {
        // SAFETY: null or a P, never freed.
        unsafe { self.p.get().as_ref() }
    }

    /// Takes a P that nobody has.
    pub(crate) fn acquire(&self, p: &'static P) {
        debug_assert!(self.p.get().is_null());
        self.p.set(p);
        // ORD[N3] Release: sysmon reads our record.
        p.m.store(core::ptr::from_ref(self).cast_mut(), Release);
    }

    /// Lets its P go, into the caller's hands.
    pub(crate) fn release(&self) -> Option<&'static P> {
        let p = self.p()?;
        p.m.store(null_mut(), Relaxed); // Relaxed: whoever gets the P gets it by a lock or a Release.
        self.p.set(null());
        Some(p)
    }

    /// Notices that its P was taken.
    pub(crate) fn lost(&self) {
        self.p.set(null());
    }

    /// Starts it, with a P. It sleeps, or is about to.
    pub(crate) fn start_with(&self, p: &P) {
        // ORD[N1] Release: the P as it is, and `spinning`.
        self.next_p.store(core::ptr::from_ref(p).cast_mut(), Release);
        // ORD[N1] Release: the P in `next_p`.
        self.note.word.store(1, Release);
        self.note.wake_one();
    }

    /// The P that it was started with, if so.
    pub(crate) fn take_next_p(&self) -> Option<&'static P> {
        // ORD[N2] Acquire: the P as it is.
        let p = self.next_p.swap(null_mut(), Acquire);
        // SAFETY: null or a P, never freed.
        unsafe { p.as_ref() }
    }

    /// Gives a new M its first P, before its thread exists.
    pub(crate) fn set_first_p(&self, p: &P) {
        // ORD[N1] Release: the P as it is.
        self.next_p.store(core::ptr::from_ref(p).cast_mut(), Release);
    }

    /// The M that has a P, as sysmon sees it.
    pub(crate) fn owner_of(p: &P) -> Option<&'static Self> {
        // ORD[N4] Acquire: the owner's record.
        let m = p.m.load(Acquire);
        // SAFETY: null or an M, never freed.
        unsafe { m.as_ref() }
    }

    /// Sleeps until it is started, and takes the P that it was started with.
    pub(crate) fn sleep(&self) {
        // ORD[N2] Acquire: the P that comes with it.
        while self.note.word.load(Acquire) == 0 {
            self.note.wait(0);
        }
        self.note.word.store(0, Relaxed); // Relaxed: nobody starts an M that is not idle.
        if let Some(p) = self.take_next_p() {
            self.acquire(p);
        }
    }
}
