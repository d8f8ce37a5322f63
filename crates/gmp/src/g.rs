//! G: a goroutine's record, on the last page of its own stack.
//!
//! Follows `g` in Go's `runtime2.go`. Since a C stack cannot move, the record and the stack are one piece for ever: record and
//! first frames share a page, so that a parked goroutine costs one, and whoever has a G has its stack. Records are made once,
//! pooled when dead, and never unmapped; a stale pointer to one is readable.
//!
//! # States
//! ```text
//!               begin              to_running              to_waiting
//!     Idle ----------> Runnable -------------> Running ----------------> Waiting
//!      ^                ^   ^                   |    |                       |
//!      |                |   +---- to_yielded ---+    |                       |
//!      |                +----------- to_ready -------|-----------------------+
//!      +------------------------ to_dead ------------+
//! ```
//! Each edge is a method that checks where it starts. Who takes it:
//! `begin` who starts the goroutine; `to_running` the M that runs it; `to_waiting`, `to_yielded`, `to_dead` the goroutine
//! itself, just before it leaves its stack; `to_ready` whoever took its waiter out of a wait queue.
//!
//! # Invariants
//! I1. A Runnable goroutine is in exactly one run queue, or in the hands of who is about to queue or run it.
//! I2. A goroutine is put where others can find it only after its stack is at rest: by the action that runs after the switch.
//!     So nobody ever waits for a stack to become free, and the states need no exchange, only a look.
//!
//! The states are relaxed: the queue or the lock that hands the goroutine on publishes them with everything else.

use crate::m::M;
pub use crate::reason::WaitReason;
use crate::sched::Sched;
use core::cell::Cell;
use core::ffi::{c_char, c_void};
use core::ptr::{NonNull, null};
use gort_sync::atomic::Ordering::Relaxed;
use gort_sync::atomic::{AtomicU32, AtomicU64};
use gort_sys::context::Context;
use gort_sys::io::throw;

/// What a goroutine runs.
pub type Body = unsafe extern "C" fn(*mut c_void);

/// What a goroutine does. See the head of this file.
#[repr(u32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// A record without a goroutine.
    Idle,
    /// Ready to run.
    Runnable,
    /// On a thread.
    Running,
    /// Until somebody readies it.
    Waiting,
}

/// A goroutine.
#[repr(C, align(64))]
pub struct G {
    /// Where it stopped; valid unless Running.
    pub(crate) context: Cell<Context>,
    /// Link of the queue or list that it is in; whoever has the queue has the link.
    pub(crate) link: Cell<*const G>,
    status: AtomicU32,
    reason: AtomicU32,
    /// The C library's `errno` while it does not run.
    pub(crate) errno: Cell<i32>,
    /// The thread word of deferred calls while it does not run.
    pub(crate) runner: Cell<usize>,
    /// How often it was locked to its thread (GO-16).
    pub(crate) locks: Cell<u32>,
    /// It is to be locked to the thread that it starts on.
    pub(crate) pinned: Cell<bool>,
    /// The only M that may run it, or null.
    pub(crate) locked_m: Cell<*const M>,
    /// Words of the layers above, see [`G::local`].
    locals: [Cell<usize>; LOCALS],
    pub(crate) body: Cell<Option<Body>>,
    pub(crate) arg: Cell<*mut c_void>,
    /// Whose join waits for it, or null.
    pub(crate) join: Cell<*const crate::join::Record>,
    id: AtomicU64,
    creator: AtomicU64,
    name: Cell<*const c_char>,
    /// The scheduler that it belongs to.
    pub sched: &'static Sched,
    /// The lowest address of its slot; the guard is there.
    pub(crate) low: usize,
    /// Index of the slot's size class.
    pub(crate) class: u32,
    /// Bytes of the guard.
    pub(crate) guard: u32,
}

/// Words of a goroutine for the layers above the scheduler.
pub const LOCALS: usize = 4;

// SAFETY: fields that are cells belong to whoever has the goroutine in hand, see the states.
unsafe impl Send for G {}
// SAFETY: as above.
unsafe impl Sync for G {}

impl G {
    /// The record of a new slot.
    pub(crate) fn new(sched: &'static Sched, low: usize, class: u32, guard: u32) -> Self {
        Self {
            context: Cell::new(Context::NONE),
            link: Cell::new(null()),
            status: AtomicU32::new(Status::Idle as u32),
            reason: AtomicU32::new(0),
            errno: Cell::new(0),
            runner: Cell::new(0),
            locks: Cell::new(0),
            pinned: Cell::new(false),
            locked_m: Cell::new(null()),
            locals: [const { Cell::new(0) }; LOCALS],
            body: Cell::new(None),
            arg: Cell::new(core::ptr::null_mut()),
            join: Cell::new(null()),
            id: AtomicU64::new(0),
            creator: AtomicU64::new(0),
            name: Cell::new(null()),
            sched,
            low,
            class,
            guard,
        }
    }

    /// The running goroutine, if the caller is on one.
    #[inline]
    pub fn current() -> Option<&'static G> {
        M::current().and_then(M::running)
    }

    /// Its number: the first is 1, and none comes twice (GO-15).
    pub fn id(&self) -> u64 {
        self.id.load(Relaxed) // Relaxed: set before it is queued; else for dumps.
    }

    /// Who started it; 0 for a plain thread.
    pub fn creator(&self) -> u64 {
        self.creator.load(Relaxed) // Relaxed: as the id.
    }

    /// The name it was given, or null.
    pub fn name(&self) -> *const c_char {
        self.name.get()
    }

    /// What it does, at some moment during the call.
    pub fn status(&self) -> Status {
        // Relaxed: see the head.
        match self.status.load(Relaxed) {
            0 => Status::Idle,
            1 => Status::Runnable,
            2 => Status::Running,
            _ => Status::Waiting,
        }
    }

    /// Why it waits, if it does.
    pub fn reason(&self) -> WaitReason {
        let reason = self.reason.load(Relaxed) as usize; // Relaxed: for dumps.
        WaitReason::from_number(reason)
    }

    /// A word of the layers above, nought when the goroutine starts. For the running goroutine's own use.
    pub fn local(&self, i: usize) -> &Cell<usize> {
        &self.locals[i]
    }

    /// The addresses of the stack: the guard is below the first, and the last is where it starts.
    pub fn stack(&self) -> core::ops::Range<usize> {
        self.low + self.guard as usize..self.top()
    }

    /// Where the stack starts: just below this record.
    pub(crate) fn top(&self) -> usize {
        core::ptr::from_ref(self).addr()
    }

    pub(crate) fn as_non_null(&self) -> NonNull<G> {
        NonNull::from(self)
    }

    #[inline]
    fn change(&self, from: Status, to: Status, fault: &str) {
        // Relaxed: see the head.
        if self.status.load(Relaxed) != from as u32 {
            throw(fault);
        }
        self.status.store(to as u32, Relaxed); // Relaxed: see the head.
    }

    /// A dead record becomes a goroutine that is ready to run.
    pub(crate) fn begin(&self, id: u64, creator: u64, name: *const c_char) {
        self.change(Status::Idle, Status::Runnable, "begin: the goroutine lives");
        self.id.store(id, Relaxed); // Relaxed: as the status.
        self.creator.store(creator, Relaxed);
        self.name.set(name);
    }

    /// A ready goroutine runs, on the calling thread.
    #[inline]
    pub(crate) fn to_running(&self) {
        self.change(Status::Runnable, Status::Running, "run: the goroutine is not runnable");
    }

    /// The running goroutine will be readied by somebody.
    #[inline]
    pub(crate) fn to_waiting(&self, reason: WaitReason) {
        self.reason.store(reason as u32, Relaxed); // Relaxed: for dumps.
        self.change(Status::Running, Status::Waiting, "park: the goroutine does not run");
    }

    /// The running goroutine goes back to a queue.
    #[inline]
    pub(crate) fn to_yielded(&self) {
        self.change(Status::Running, Status::Runnable, "yield: the goroutine does not run");
    }

    /// A waiting goroutine is ready to run.
    #[inline]
    pub(crate) fn to_ready(&self) {
        self.change(Status::Waiting, Status::Runnable, "ready: the goroutine does not wait");
    }

    /// The running goroutine ends.
    pub(crate) fn to_dead(&self) {
        self.change(Status::Running, Status::Idle, "exit: the goroutine does not run");
        self.errno.set(0);
        self.locals.iter().for_each(|word| word.set(0));
    }
}

static_assertions::const_assert!(size_of::<G>() <= 256);

/// Goroutines in a chain, first in first out.
pub(crate) struct GQueue {
    head: *const G,
    tail: *const G,
    len: u32,
}

impl GQueue {
    pub(crate) const fn new() -> Self {
        Self { head: null(), tail: null(), len: 0 }
    }

    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    pub(crate) fn push(&mut self, g: &G) {
        g.link.set(null());
        match self.len {
            0 => self.head = g,
            // SAFETY: records are never unmapped, and a queued one's link is ours.
            _ => unsafe { (*self.tail).link.set(g) },
        }
        self.tail = g;
        self.len += 1;
    }

    pub(crate) fn pop(&mut self) -> Option<&'static G> {
        if self.len == 0 {
            return None;
        }
        // SAFETY: as in `push`.
        let g = unsafe { &*self.head };
        self.head = g.link.get();
        self.len -= 1;
        Some(g)
    }

    pub(crate) fn append(&mut self, other: &mut Self) {
        while let Some(g) = other.pop() {
            self.push(g);
        }
    }
}

/// Dead goroutines, last in first out: the stack that was used last is warm.
pub(crate) struct GList {
    head: Cell<*const G>,
    len: Cell<u32>,
}

impl GList {
    pub(crate) const fn new() -> Self {
        Self { head: Cell::new(null()), len: Cell::new(0) }
    }

    pub(crate) fn len(&self) -> u32 {
        self.len.get()
    }

    #[inline]
    pub(crate) fn push(&self, g: &G) {
        g.link.set(self.head.replace(g));
        self.len.set(self.len.get() + 1);
    }

    #[inline]
    pub(crate) fn pop(&self) -> Option<&'static G> {
        // SAFETY: null or a record, never unmapped, whose link is ours while it is here.
        let g = unsafe { self.head.get().as_ref() }?;
        self.head.set(g.link.get());
        self.len.set(self.len.get() - 1);
        Some(g)
    }
}
