//! One who waits, goroutine or plain thread, as a wait queue sees it.
//!
//! A waiter lies on the stack of whoever waits, who stands in one or more wait queues with it. The others take it out of a
//! queue, settle their business with it, and ready it. So channels and mutexes are written once, and goroutines and threads wait
//! in the same queues, first come first served.
//!
//! Where more than one may want to wake it (it stands in several queues, or has a deadline), the first to
//! [`Waiter::claim`] it has the right to; the others pass over it.
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | R1 | `ready` of a thread stores the word | Release | R2 | what the waker did |
//! | R2 | `park` of a thread loads it | Acquire | R1 | the same |
//! | R3 | `claim` exchange | AcqRel | R3 | what the winner did before; to it: the waiter |
//!
//! A goroutine's `ready` publishes through the run queues. Model: `tests/loom_waiter.rs`.

#[cfg(not(loom))]
use crate::g::G;
use crate::reason::WaitReason;
use crate::timer::NEVER;
use gort_sync::atomic::AtomicU32;
use gort_sync::atomic::Ordering::{AcqRel, Acquire, Release};
use gort_sys::context::After;
use gort_sys::futex::Futex;

/// Nobody has claimed the waiter.
pub const OPEN: u32 = 0;
/// Its deadline has.
pub const TIMED_OUT: u32 = u32::MAX;

const ASLEEP: u32 = 0;
const AWAKE: u32 = 1;

/// One who waits.
pub struct Waiter {
    #[cfg(not(loom))]
    g: Option<&'static G>,
    claim: AtomicU32,
    futex: Shared,
}

/// The futex. A wake by address is allowed when the waiter is gone, but not in models, where it is counted.
#[cfg(not(loom))]
type Shared = Futex;
#[cfg(loom)]
type Shared = gort_sync::model::Arc<Futex>;

impl Waiter {
    /// The calling goroutine or thread. For one wait.
    #[inline]
    pub fn new() -> Self {
        Self {
            #[cfg(not(loom))]
            g: G::current(),
            claim: AtomicU32::new(OPEN),
            #[cfg(not(loom))]
            futex: Futex::new(ASLEEP),
            #[cfg(loom)]
            futex: Shared::new(Futex::new(ASLEEP)),
        }
    }

    /// Whether it is a goroutine.
    pub fn is_goroutine(&self) -> bool {
        #[cfg(not(loom))]
        return self.g.is_some();
        #[cfg(loom)]
        false
    }

    /// Claims the right to ready it; `what` (neither [`OPEN`] nor [`TIMED_OUT`]) tells the waiter by whom. Any thread, while the
    /// waiter is in a queue that the caller has locked.
    #[inline]
    pub fn claim(&self, what: u32) -> bool {
        // ORD[R3] Release: what we did before; Acquire: the waiter, and an earlier claim.
        self.claim.compare_exchange(OPEN, what, AcqRel, Acquire).is_ok()
    }

    /// Who claimed it.
    #[inline]
    pub fn claimed(&self) -> u32 {
        self.claim.load(Acquire) // ORD[R3] Acquire: what the winner did.
    }

    /// Waits until [`Waiter::ready`]. `after(data)` runs first, once the stack is at rest; it drops the locks of the queues, and
    /// touches nothing of the caller's stack from the moment that it drops the last one.
    ///
    /// # Safety
    /// Somebody will ready it exactly once, not before `after` let them.
    #[inline]
    pub unsafe fn park(&self, reason: WaitReason, after: After, data: usize) {
        #[cfg(not(loom))]
        if self.g.is_some() {
            // SAFETY: the caller's promise.
            return unsafe { crate::switch::park(reason, after, data) };
        }
        let _ = reason;
        count_blocked(1);
        // SAFETY: the caller's promise.
        unsafe { after(data) };
        self.sleep();
        count_blocked(-1);
    }

    fn sleep(&self) {
        // ORD[R2] Acquire: what the waker did.
        while self.futex.word.load(Acquire) == ASLEEP {
            self.futex.wait(ASLEEP);
        }
    }

    /// As [`Waiter::park`], until `when` at most ([`NEVER`]: no limit). `false` if the deadline came first: then it is
    /// claimed, still stands in its queues, and nobody will ready it.
    ///
    /// # Safety
    /// As [`Waiter::park`]; wakers claim it first.
    pub unsafe fn park_until(&self, reason: WaitReason, when: u64, after: After, data: usize) -> bool {
        if when == NEVER {
            // SAFETY: the caller's promise.
            unsafe { self.park(reason, after, data) };
            return true;
        }
        #[cfg(not(loom))]
        if self.g.is_some() {
            // SAFETY: the caller's promise.
            return unsafe { crate::sleep::park_until(self, reason, when, after, data) };
        }
        let _ = reason;
        // SAFETY: the caller's promise.
        unsafe { after(data) };
        // ORD[R2] Acquire: what the waker did.
        while self.futex.word.load(Acquire) == ASLEEP {
            if self.futex.wait_until(ASLEEP, when).is_err() {
                if self.claim(TIMED_OUT) {
                    return false;
                }
                self.sleep();
            }
        }
        true
    }

    /// Lets it go on. It may be gone at any moment from here on.
    ///
    /// # Safety
    /// It is parked or about to be, and the caller has the only right to ready it.
    #[inline]
    pub unsafe fn ready(this: *const Self) {
        // SAFETY: it stays until it is readied.
        let waiter = unsafe { &*this };
        #[cfg(not(loom))]
        if let Some(g) = waiter.g {
            // SAFETY: the caller's promise.
            return unsafe { crate::switch::ready(g) };
        }
        // The address of the futex is all that is used after the store.
        #[cfg(not(loom))]
        let futex = &raw const waiter.futex;
        #[cfg(loom)]
        let shared = waiter.futex.clone();
        #[cfg(loom)]
        let futex: *const Futex = &*shared;
        // SAFETY: as above. ORD[R1] Release: what we did.
        unsafe { (*futex).word.store(AWAKE, Release) };
        // SAFETY: a wake by address, which touches no memory; at worst it wakes a later user of the address for nothing.
        unsafe { (*futex).wake_one() };
    }
}

impl Default for Waiter {
    fn default() -> Self {
        Self::new()
    }
}

/// Plain threads that wait without a deadline.
#[cfg(not(loom))]
static BLOCKED: gort_sync::atomic::AtomicI32 = gort_sync::atomic::AtomicI32::new(0);

#[cfg(not(loom))]
fn count_blocked(change: i32) {
    BLOCKED.fetch_add(change, gort_sync::atomic::Ordering::SeqCst);
    if change > 0 {
        crate::SCHED.thread_blocks();
    }
}

#[cfg(loom)]
fn count_blocked(_: i32) {}

/// How many plain threads of the process wait here without a deadline.
#[cfg(not(loom))]
pub(crate) fn blocked_threads() -> u32 {
    BLOCKED.load(gort_sync::atomic::Ordering::SeqCst).max(0) as u32
}
