//! P: the right to run goroutines, and what that takes: a run queue, dead goroutines, numbers, timers.
//!
//! Follows `p` in Go's `runtime2.go`. There are GOMAXPROCS of them. Whoever has a P owns its cells; a P goes from hand to hand
//! under the scheduler's lock (idle), through an M's `next_p` (started), or by `tenure` (taken from a blocking goroutine).

use crate::g::{G, GList};
use crate::m::M;
use crate::runq::RunQueue;
use crate::timer::Timers;
use core::cell::Cell;
use core::ptr::{null, null_mut};
use gort_sync::atomic::{AtomicI64, AtomicPtr, AtomicU32};

/// Dead goroutines that a P keeps; half of them go to the common pool when there are more (Go's 64 and 32).
pub(crate) const DEAD_MAX: u32 = 64;
/// Numbers taken from the common counter at a time (GO-15).
pub(crate) const ID_BATCH: u64 = 16;

/// The right to run goroutines.
pub(crate) struct P {
    pub(crate) id: u32,
    pub(crate) queue: RunQueue<G, 256>,
    /// Who has it; null while it is idle. For sysmon and thieves.
    pub(crate) m: AtomicPtr<M>,
    /// Time slices begun. The owner's; read by sysmon.
    pub(crate) tick: AtomicU32,
    /// The running time slice is over: the slot in front inherits no more.
    pub(crate) slice_over: AtomicU32,
    /// Announced blocking calls begun and ended: odd while one goes on.
    pub(crate) blocking: AtomicU32,
    pub(crate) dead: GList,
    /// The next number, and the first one that is not ours.
    pub(crate) ids: Cell<(u64, u64)>,
    /// Goroutines started minus ended here; the sum over all Ps counts.
    pub(crate) live: AtomicI64,
    pub(crate) timers: Timers,
    /// Link of the idle list, under the scheduler's lock.
    pub(crate) link: Cell<*const P>,
    /// It is out of use: new, or GOMAXPROCS went down. Under the scheduler's lock.
    pub(crate) retired: Cell<bool>,
    /// What sysmon saw last, and when. Sysmon's.
    pub(crate) seen: Cell<(u32, u32, u64)>,
    random: Cell<u64>,
}

// SAFETY: cells belong to the owner, see the head.
unsafe impl Sync for P {}
// SAFETY: as above.
unsafe impl Send for P {}

impl P {
    pub(crate) fn new(id: u32) -> Self {
        Self {
            id,
            queue: RunQueue::new(),
            m: AtomicPtr::new(null_mut()),
            tick: AtomicU32::new(0),
            slice_over: AtomicU32::new(0),
            blocking: AtomicU32::new(0),
            dead: GList::new(),
            ids: Cell::new((0, 0)),
            live: AtomicI64::new(0),
            timers: Timers::new(),
            link: Cell::new(null()),
            retired: Cell::new(true),
            seen: Cell::new((0, 0, 0)),
            random: Cell::new(gort_sys::rand::start_seed() ^ (id as u64) << 32),
        }
    }

    /// A pseudo-random number, for orders of stealing.
    pub(crate) fn random(&self) -> u32 {
        self.random.set(self.random.get().wrapping_add(1));
        (gort_sys::rand::mix(self.random.get()) >> 32) as u32
    }
}
