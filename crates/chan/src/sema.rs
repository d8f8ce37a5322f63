//! Semaphores by address: what the zeroed words of mutexes and wait groups sleep on.
//!
//! Follows Go's `sema.go`. Who must wait for a word is in a table, by the word's address, so the word itself is all that a mutex
//! needs. A place of the table has a lock and a list of addresses, each with its queue of waiters; places and queues lie on
//! the waiters' stacks.
//!
//! The count is in the word: [`Table::acquire`] takes one or waits, [`Table::release`] adds one, and gives it to a waiter if there
//! is one. The number of waiters of a place is looked at without its lock; count and number are written before the other is
//! read, on both sides, with a fence between.
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | E1 | `acquire` counts itself as waiting, fence | SeqCst | E2 | that we wait; or to us: the count |
//! | E2 | `release` adds to the count, fence | SeqCst | E1 | the count; or to us: who waits |
//! | E3 | `release` adds to the count | Release | E4 | what the releaser did |
//! | E4 | `try_take` takes from it | Acquire | E3 | the same |
//!
//! Model: `tests/loom_mutex.rs`.

use core::ptr::null_mut;
use gort_gmp::{WaitReason, Waiter};
use gort_sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use gort_sync::atomic::{AtomicU32, fence};
use gort_sync::cell::UnsafeCell;
use gort_sys::lock::Lock;

#[cfg(not(loom))]
const PLACES: usize = 251;
#[cfg(loom)]
const PLACES: usize = 1;

/// One who waits for an address.
pub(crate) struct Sleeper {
    addr: usize,
    pub(crate) waiter: *const Waiter,
    /// What it waits for: a ticket, or a number.
    pub(crate) want: u32,
    /// The releaser has taken the count for us.
    granted: bool,
    next: *mut Sleeper,
}

/// A place of the table.
struct Bucket {
    lock: Lock,
    waiting: AtomicU32,
    /// All who wait here, oldest first.
    first: UnsafeCell<*mut Sleeper>,
}

/// Who waits for which address.
pub struct Table {
    buckets: [Bucket; PLACES],
}

// SAFETY: the lists are under the locks.
unsafe impl Sync for Table {}
// SAFETY: as above.
unsafe impl Send for Table {}

/// The table of the process.
#[cfg(not(loom))]
pub static TABLE: Table = Table::new();

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}

impl Table {
    /// A table without anybody.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Self {
            buckets: [const {
                Bucket { lock: Lock::new(), waiting: AtomicU32::new(0), first: UnsafeCell::new(null_mut()) }
            }; PLACES],
        }
    }

    /// A table without anybody.
    #[cfg(loom)]
    pub fn new() -> Self {
        Self {
            buckets: core::array::from_fn(|_| Bucket {
                lock: Lock::new(),
                waiting: AtomicU32::new(0),
                first: UnsafeCell::new(null_mut()),
            }),
        }
    }

    fn bucket(&self, addr: usize) -> &Bucket {
        &self.buckets[(addr >> 3) % PLACES]
    }

    /// Takes one from the count, waiting if there is none; `first`: in front of all others. Until `when` at most.
    pub fn acquire(&self, word: &AtomicU32, first: bool, reason: WaitReason, when: u64) -> bool {
        if try_take(word) {
            return true;
        }
        let addr = core::ptr::from_ref(word).addr();
        let bucket = self.bucket(addr);
        loop {
            let waiter = Waiter::new();
            let mut sleeper = Sleeper::new(addr, &waiter, 0);
            bucket.lock.acquire();
            bucket.waiting.fetch_add(1, Relaxed); // Relaxed: ordered by E1.
            // ORD[E1] SeqCst fence, with E2: a releaser sees that we wait, or we see the count.
            fence(SeqCst);
            if try_take(word) {
                bucket.waiting.fetch_sub(1, Relaxed); // Relaxed: under the lock.
                // SAFETY: locked above.
                unsafe { bucket.lock.release() };
                return true;
            }
            if crate::chan::is_over(when) {
                bucket.waiting.fetch_sub(1, Relaxed); // Relaxed: under the lock.
                // SAFETY: locked above.
                unsafe { bucket.lock.release() };
                return false;
            }
            // SAFETY: locked; the sleeper stays until it was taken out.
            unsafe { bucket.push(&mut sleeper, first) };
            // SAFETY: whoever takes us out readies us, under the lock that is dropped after the switch.
            if !unsafe { bucket.park(&waiter, reason, when) } {
                bucket.lock.acquire();
                // SAFETY: locked.
                unsafe {
                    bucket.remove(&mut sleeper);
                    bucket.lock.release();
                }
                return false;
            }
            // The releaser has taken it for us; else somebody else may have been faster, who had not waited.
            // SAFETY: our own; afresh, since the waker wrote it.
            if unsafe { (&raw const sleeper.granted).read_volatile() } || try_take(word) {
                return true;
            }
        }
    }

    /// Adds one to the count, or hands it to the one who has waited longest. With `hand_off` nobody can take it from that one;
    /// whether there was one.
    pub fn release(&self, word: &AtomicU32, hand_off: bool) -> bool {
        // ORD[E3] Release: what we did.
        word.fetch_add(1, Release);
        let addr = core::ptr::from_ref(word).addr();
        let bucket = self.bucket(addr);
        // ORD[E2] SeqCst fence, with E1: who is about to wait sees the count, or we see that it waits.
        fence(SeqCst);
        // Relaxed: ordered by the fence.
        if bucket.waiting.load(Relaxed) == 0 {
            return false;
        }
        bucket.lock.acquire();
        // SAFETY: locked.
        let sleeper = unsafe { bucket.take(|s| s.addr == addr) };
        if !sleeper.is_null() {
            // SAFETY: taken out, ours until it is readied.
            unsafe { (*sleeper).granted = hand_off && try_take(word) };
        }
        // SAFETY: locked above; the sleeper is ours to ready.
        unsafe {
            bucket.lock.release();
            if sleeper.is_null() {
                return false;
            }
            Waiter::ready((*sleeper).waiter);
        }
        true
    }

    /// Waits for `addr`, unless `no_wait` says under the lock that it need not; `want` is what it waits for.
    pub(crate) fn wait(
        &self,
        addr: usize,
        want: u32,
        reason: WaitReason,
        when: u64,
        no_wait: impl FnOnce(bool) -> bool,
    ) -> bool {
        let bucket = self.bucket(addr);
        bucket.lock.acquire();
        // SAFETY: locked.
        let others = unsafe { bucket.any(addr) };
        if no_wait(others) {
            // SAFETY: locked above.
            unsafe { bucket.lock.release() };
            return true;
        }
        if crate::chan::is_over(when) {
            // SAFETY: locked above.
            unsafe { bucket.lock.release() };
            return false;
        }
        let waiter = Waiter::new();
        let mut sleeper = Sleeper::new(addr, &waiter, want);
        bucket.waiting.fetch_add(1, Relaxed); // Relaxed: under the lock.
        // SAFETY: locked; whoever takes us out readies us after the lock is dropped, after the switch.
        unsafe {
            bucket.push(&mut sleeper, false);
            if bucket.park(&waiter, reason, when) {
                return true;
            }
            bucket.lock.acquire();
            bucket.remove(&mut sleeper);
            bucket.lock.release();
        }
        false
    }

    /// Under the lock of `addr`'s place: `change` runs, then everybody who waits for `addr`, oldest first, is shown to `wakes`,
    /// which says whether to wake it; at the first `None` that ends.
    pub(crate) fn wake(
        &self,
        addr: usize,
        change: impl FnOnce(),
        mut wakes: impl FnMut(u32) -> Option<bool>,
    ) {
        let bucket = self.bucket(addr);
        bucket.lock.acquire();
        change();
        let mut woken: *mut Sleeper = null_mut();
        let mut last: *mut *mut Sleeper = &mut woken;
        let mut stop = false;
        loop {
            // SAFETY: locked.
            let sleeper = unsafe {
                bucket.take(|s| {
                    if stop || s.addr != addr {
                        return false;
                    }
                    match wakes(s.want) {
                        Some(wake) => wake,
                        None => {
                            stop = true;
                            false
                        }
                    }
                })
            };
            if sleeper.is_null() {
                break;
            }
            // SAFETY: taken out, ours until it is readied.
            unsafe {
                (*sleeper).next = null_mut();
                *last = sleeper;
                last = &raw mut (*sleeper).next;
            }
        }
        // SAFETY: locked above.
        unsafe { bucket.lock.release() };
        while !woken.is_null() {
            // SAFETY: as above; read before it is readied.
            unsafe {
                let next = (*woken).next;
                Waiter::ready((*woken).waiter);
                woken = next;
            }
        }
    }
}

/// Takes one from a count, if there is one.
fn try_take(word: &AtomicU32) -> bool {
    let mut count = word.load(Relaxed); // Relaxed: only compared.
    while count > 0 {
        // ORD[E4] Acquire: what the releaser did.
        match word.compare_exchange_weak(count, count - 1, Acquire, Relaxed) {
            Ok(_) => return true,
            Err(now) => count = now,
        }
    }
    false
}

impl Sleeper {
    fn new(addr: usize, waiter: *const Waiter, want: u32) -> Self {
        Self { addr, waiter, want, granted: false, next: null_mut() }
    }
}

impl Bucket {
    unsafe fn park(&self, waiter: &Waiter, reason: WaitReason, when: u64) -> bool {
        let lock = (&raw const self.lock).expose_provenance();
        // SAFETY: the caller's.
        unsafe { waiter.park_until(reason, when, gort_gmp::unlock, lock) }
    }

    /// The link to the first.
    fn head(&self) -> *mut *mut Sleeper {
        self.first.with_mut(|first| first)
    }

    unsafe fn push(&self, sleeper: *mut Sleeper, first: bool) {
        // SAFETY: the caller has the lock; listed sleepers are alive.
        unsafe {
            let mut link = self.head();
            while !first && !(*link).is_null() {
                link = &raw mut (**link).next;
            }
            (*sleeper).next = *link;
            *link = sleeper;
        }
    }

    unsafe fn any(&self, addr: usize) -> bool {
        // SAFETY: as in `push`.
        unsafe {
            let mut link = self.head();
            while !(*link).is_null() {
                if (**link).addr == addr {
                    return true;
                }
                link = &raw mut (**link).next;
            }
        }
        false
    }

    /// Takes the oldest out that is asked for and is ours to ready.
    unsafe fn take(&self, mut wanted: impl FnMut(&Sleeper) -> bool) -> *mut Sleeper {
        // SAFETY: as in `push`.
        unsafe {
            let mut link = self.head();
            while !(*link).is_null() {
                let sleeper = *link;
                if wanted(&*sleeper) && (*(*sleeper).waiter).claim(1) {
                    *link = (*sleeper).next;
                    self.waiting.fetch_sub(1, Relaxed); // Relaxed: under the lock.
                    return sleeper;
                }
                link = &raw mut (*sleeper).next;
            }
        }
        null_mut()
    }

    unsafe fn remove(&self, sleeper: *mut Sleeper) {
        // SAFETY: as in `push`.
        unsafe {
            let mut link = self.head();
            while !(*link).is_null() {
                if *link == sleeper {
                    *link = (*sleeper).next;
                    self.waiting.fetch_sub(1, Relaxed); // Relaxed: under the lock.
                    return;
                }
                link = &raw mut (**link).next;
            }
        }
    }
}

/// A semaphore for any number at a time, first come first served. Eight bytes of 16, at nought when zero.
#[repr(C, align(8))]
pub struct Semaphore {
    /// Under the lock of the waiters' place.
    count: AtomicU32,
    spare: [u32; 3],
}

impl Default for Semaphore {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Semaphore {
    gort_sync::const_unless_loom! {
        /// A semaphore with so many.
        pub fn new(count: u32) -> Self {
            Self { count: AtomicU32::new(count), spare: [0; 3] }
        }
    }

    fn addr(&self) -> usize {
        core::ptr::from_ref(&self.count).addr()
    }

    /// Takes `n` at once, waiting behind those who came before, until `when` at most; whether it did.
    pub fn acquire_in(&self, table: &Table, n: u32, when: u64) -> bool {
        let take = |others: bool| {
            let count = self.count.load(Relaxed); // Relaxed: under the lock.
            let enough = !others && count >= n;
            if enough {
                self.count.store(count - n, Relaxed); // Relaxed: under the lock.
            }
            enough
        };
        table.wait(self.addr(), n, WaitReason::Semacquire, when, take)
    }

    /// Puts `n` back, and wakes those in front for whom there is enough now.
    pub fn release_in(&self, table: &Table, n: u32) {
        let add = || {
            let count = self.count.load(Relaxed); // Relaxed: under the lock.
            self.count.store(count.saturating_add(n), Relaxed); // Relaxed: under the lock.
        };
        table.wake(self.addr(), add, |want| {
            let count = self.count.load(Relaxed); // Relaxed: under the lock.
            if count < want {
                return None;
            }
            self.count.store(count - want, Relaxed); // Relaxed: under the lock.
            Some(true)
        });
    }
}
