//! A mutex that is fair when it must be.
//!
//! Follows Go's `internal/sync/mutex.go`. One word says whether it is locked, whether somebody woken or spinning looks for it, whether
//! it starves, and how many wait. Normally whoever comes first gets it, woken or new; a waiter that has waited for more than a
//! millisecond turns it to starvation mode, in which it goes from hand to hand in order and newcomers queue (SY-2).
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | M1 | taking exchanges | Acquire | M2 | what the last holder did |
//! | M2 | `unlock` subtraction | Release | M1 | the same |
//!
//! A hand-off goes through the semaphore, whose table of orderings has the rest. Model: `tests/loom_mutex.rs`.

use crate::sema::Table;
use gort_gmp::WaitReason;
use gort_gmp::timer::NEVER;
use gort_sync::atomic::AtomicU32;
use gort_sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

const LOCKED: u32 = 1;
const WOKEN: u32 = 2;
const STARVING: u32 = 4;
/// One who waits.
const WAITER: u32 = 8;
/// A wait that turns the mutex to starvation mode.
const STARVATION_NS: u64 = 1_000_000;
/// Rounds of spinning.
const SPINS: u32 = 4;

/// A mutex of eight bytes, free when zero. Not owned: whoever unlocks it unlocks it.
#[repr(C)]
pub struct Mutex {
    state: AtomicU32,
    sema: AtomicU32,
}

impl Default for Mutex {
    fn default() -> Self {
        Self::new()
    }
}

impl Mutex {
    gort_sync::const_unless_loom! {
        /// A free mutex.
        pub fn new() -> Self {
            Self { state: AtomicU32::new(0), sema: AtomicU32::new(0) }
        }
    }

    /// Takes it, waiting if need be.
    #[cfg(not(loom))]
    #[inline]
    pub fn lock(&self) {
        self.lock_in(&crate::sema::TABLE, NEVER);
    }

    /// Takes it, waiting until `when` at most; whether it did.
    #[cfg(not(loom))]
    pub fn lock_until(&self, when: u64) -> bool {
        self.lock_in(&crate::sema::TABLE, when)
    }

    /// Gives it back. Ends the program if it is not locked (SY-1).
    #[cfg(not(loom))]
    #[inline]
    pub fn unlock(&self) {
        self.unlock_in(&crate::sema::TABLE);
    }

    /// Takes it if it is free and does not starve.
    pub fn try_lock(&self) -> bool {
        let old = self.state.load(Relaxed); // Relaxed: only compared.
        // ORD[M1] Acquire: what the last holder did. Relaxed: nothing is read then.
        old & (LOCKED | STARVING) == 0
            && self.state.compare_exchange(old, old | LOCKED, Acquire, Relaxed).is_ok()
    }

    /// As `lock_until`, with a table of waiters.
    #[inline]
    pub fn lock_in(&self, table: &Table, when: u64) -> bool {
        // ORD[M1] Acquire: what the last holder did. Relaxed: nothing is read then.
        self.state.compare_exchange(0, LOCKED, Acquire, Relaxed).is_ok() || self.lock_slow(table, when)
    }

    #[cold]
    fn lock_slow(&self, table: &Table, when: u64) -> bool {
        let (mut since, mut starving, mut awoke, mut spins) = (0, false, false, 0);
        let mut old = self.state.load(Relaxed); // Relaxed: only compared.
        loop {
            if old & (LOCKED | STARVING) == LOCKED && spins < SPINS && can_spin() {
                awoke = awoke || self.say_awake(old);
                spins += 1;
                pause();
                old = self.state.load(Relaxed); // Relaxed: only compared.
                continue;
            }
            let next = wanted(old, starving, awoke);
            // ORD[M1] Acquire, if we take it: what the last holder did. (Release: nothing.)
            if let Err(now) = self.state.compare_exchange(old, next, AcqRel, Relaxed) {
                old = now;
                continue;
            }
            if old & (LOCKED | STARVING) == 0 {
                return true;
            }
            let waited_before = since != 0;
            if !waited_before {
                since = now_ns();
            }
            // Who was woken and lost queues in front.
            if !table.acquire(&self.sema, waited_before, WaitReason::MutexLock, when) {
                if self.give_up() {
                    return false;
                }
                table.acquire(&self.sema, true, WaitReason::MutexLock, NEVER);
            }
            starving = starving || now_ns() - since > STARVATION_NS;
            old = self.state.load(Relaxed); // Relaxed: in starvation mode the mutex is ours; else only compared.
            if old & STARVING != 0 {
                self.take_handed(old, starving);
                return true;
            }
            awoke = true;
            spins = 0;
        }
    }

    /// Says that somebody looks for it, so that `unlock` wakes nobody else.
    fn say_awake(&self, old: u32) -> bool {
        // Relaxed: a hint to `unlock`.
        old & WOKEN == 0
            && old >= WAITER
            && self.state.compare_exchange(old, old | WOKEN, Relaxed, Relaxed).is_ok()
    }

    /// The mutex was handed to us: it says neither that it is locked nor that we wait no more.
    fn take_handed(&self, old: u32, starving: bool) {
        if old & (LOCKED | WOKEN) != 0 || old < WAITER {
            crate::fatal(format_args!("sync: inconsistent mutex state"));
        }
        let mut change = LOCKED.wrapping_sub(WAITER);
        if !starving || old < 2 * WAITER {
            change = change.wrapping_sub(STARVING);
        }
        // ORD[M1] Acquire: what the last holder did (by the semaphore already).
        self.state.fetch_add(change, Acquire);
    }

    /// A deadline came: one waiter less, if nobody counts on us. `false`: a wake-up that only we can take is on its way, since
    /// `unlock` has counted us out, or is handing the mutex over and we are the only one.
    fn give_up(&self) -> bool {
        let mut old = self.state.load(Relaxed); // Relaxed: only compared.
        loop {
            let alone = old < 2 * WAITER;
            if old < WAITER || (alone && old & (LOCKED | STARVING) == STARVING) {
                return false;
            }
            let next = (old - WAITER) & if alone { !STARVING } else { u32::MAX };
            // Relaxed: nothing is handed over.
            match self.state.compare_exchange(old, next, Relaxed, Relaxed) {
                Ok(_) => return true,
                Err(now) => old = now,
            }
        }
    }

    /// As `unlock`, with a table of waiters.
    #[inline]
    pub fn unlock_in(&self, table: &Table) {
        // ORD[M2] Release: what we did.
        let old = self.state.fetch_sub(LOCKED, Release);
        if old != LOCKED {
            self.unlock_slow(table, old.wrapping_sub(LOCKED));
        }
    }

    #[cold]
    fn unlock_slow(&self, table: &Table, mut old: u32) {
        if old & LOCKED != 0 || old == u32::MAX {
            crate::fatal(format_args!("sync: unlock of unlocked mutex"));
        }
        if old & STARVING != 0 {
            // Handed over: the waiter sets the bit, and nobody else takes it meanwhile.
            if table.release(&self.sema, true) {
                give_way();
            }
            return;
        }
        loop {
            if old < WAITER || old & (LOCKED | WOKEN | STARVING) != 0 {
                return;
            }
            let next = (old - WAITER) | WOKEN;
            // Relaxed: the semaphore publishes.
            match self.state.compare_exchange(old, next, Relaxed, Relaxed) {
                Ok(_) => {
                    table.release(&self.sema, false);
                    return;
                }
                Err(now) => old = now,
            }
        }
    }
}

/// What the state is to become when we want the mutex.
fn wanted(old: u32, starving: bool, awoke: bool) -> u32 {
    let mut next = old;
    if old & STARVING == 0 {
        next |= LOCKED;
    }
    if old & (LOCKED | STARVING) != 0 {
        next += WAITER;
    }
    if starving && old & LOCKED != 0 {
        next |= STARVING;
    }
    if awoke {
        next &= !WOKEN;
    }
    next
}

#[cfg(not(loom))]
use {gort_gmp::can_spin, gort_gmp::yield_now as give_way, gort_sys::clock::now_ns};

#[cfg(not(loom))]
fn pause() {
    (0..30).for_each(|_| gort_sync::hint::spin_loop());
}

/// Models do not spin, and have no time: every wait is a long one.
#[cfg(loom)]
fn can_spin() -> bool {
    false
}
#[cfg(loom)]
fn pause() {}
#[cfg(loom)]
fn give_way() {}
#[cfg(loom)]
fn now_ns() -> u64 {
    loom_time::next()
}

#[cfg(loom)]
mod loom_time {
    use std::cell::Cell;
    std::thread_local! { static NOW: Cell<u64> = const { Cell::new(1) }; }
    pub(super) fn next() -> u64 {
        NOW.set(NOW.get() + 2 * super::STARVATION_NS);
        NOW.get()
    }
}
