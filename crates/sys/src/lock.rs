//! A lock that spins a little and then sleeps.
//!
//! Ulrich Drepper's third mutex ("Futexes Are Tricky", 2011): the word is 0 when free, 1 when held, 2 when held and
//! somebody may sleep. An uncontended pair is two atomic operations and no system call.
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | L1 | `acquire` exchange to held | Acquire | L2 | everything the last holder wrote |
//! | L2 | `release` exchange to free | Release | L1 | the same |
//!
//! Model: `tests/loom_lock.rs`. Under loom [`Mutex`] is loom's own, so that models of its users stay small.

use crate::futex::Futex;
use gort_sync::Backoff;
use gort_sync::atomic::Ordering::{Acquire, Relaxed, Release};
#[cfg(not(loom))]
use gort_sync::cell::UnsafeCell;

const FREE: u32 = 0;
const HELD: u32 = 1;
const HELD_SLEEPERS: u32 = 2;

/// The bare lock, for holders that are no scope (a fork, say). Everyone else takes [`Mutex`].
pub struct Lock {
    futex: Futex,
}

impl Default for Lock {
    fn default() -> Self {
        Self::new()
    }
}

impl Lock {
    gort_sync::const_unless_loom! {
        /// A free lock.
        pub fn new() -> Self {
            Self { futex: Futex::new(FREE) }
        }
    }

    /// Takes the lock; spins about a microsecond, then sleeps.
    #[inline]
    pub fn acquire(&self) {
        if !self.try_acquire() {
            self.acquire_slow();
        }
    }

    /// Takes the lock if it is free.
    #[inline]
    pub fn try_acquire(&self) -> bool {
        // ORD[L1] Acquire: we are about to read what L2 published. Relaxed on failure: nothing is read then.
        self.futex.word.compare_exchange(FREE, HELD, Acquire, Relaxed).is_ok()
    }

    #[cold]
    fn acquire_slow(&self) {
        let mut backoff = Backoff::new();
        while backoff.spin() {
            // Relaxed: a look before the exchange, which orders.
            if self.futex.word.load(Relaxed) == FREE && self.try_acquire() {
                return;
            }
        }
        // We may be one of several sleepers from here on, so we leave 2 behind even when we get the lock.
        // ORD[L1] Acquire: as in `try_acquire`.
        while self.futex.word.swap(HELD_SLEEPERS, Acquire) != FREE {
            self.futex.wait(HELD_SLEEPERS);
        }
    }

    /// Gives the lock back.
    ///
    /// # Safety
    /// The caller holds it.
    #[inline]
    pub unsafe fn release(&self) {
        // ORD[L2] Release: what we wrote while holding.
        if self.futex.word.swap(FREE, Release) == HELD_SLEEPERS {
            self.futex.wake_one();
        }
    }

    /// Makes the lock free, whoever held it. For the child of a fork, where the other threads are gone.
    ///
    /// # Safety
    /// No other thread exists, and what the lock protects is consistent.
    pub unsafe fn reset(&self) {
        self.futex.word.store(FREE, Relaxed); // Relaxed: we are alone.
    }
}

/// A value behind a [`Lock`].
#[cfg(not(loom))]
pub struct Mutex<T: ?Sized> {
    lock: Lock,
    value: UnsafeCell<T>,
}

// SAFETY: the lock lets one thread at a time at the value, which may therefore move between threads.
#[cfg(not(loom))]
unsafe impl<T: ?Sized + Send> Send for Mutex<T> {}
// SAFETY: as above.
#[cfg(not(loom))]
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}

#[cfg(not(loom))]
impl<T> Mutex<T> {
    /// A free mutex.
    pub const fn new(value: T) -> Self {
        Self { lock: Lock::new(), value: UnsafeCell::new(value) }
    }
}

#[cfg(not(loom))]
impl<T: ?Sized> Mutex<T> {
    /// Waits for the value.
    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.lock.acquire();
        MutexGuard { mutex: self }
    }

    /// The value, if nobody has it.
    #[inline]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        // Not `then_some`: a guard that is made and dropped would release the holder's lock.
        self.lock.try_acquire().then(|| MutexGuard { mutex: self })
    }

    /// The lock itself, for a fork that must hold it across a change of process.
    pub fn raw(&self) -> &Lock {
        &self.lock
    }
}

/// Access to the value of a [`Mutex`]; gives the lock back when dropped.
#[cfg(not(loom))]
pub struct MutexGuard<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
}

#[cfg(not(loom))]
impl<T: ?Sized> core::ops::Deref for MutexGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard exists only while the lock is held.
        self.mutex.value.with(|value| unsafe { &*value })
    }
}

#[cfg(not(loom))]
impl<T: ?Sized> core::ops::DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard exists only while the lock is held, and is borrowed exclusively.
        self.mutex.value.with_mut(|value| unsafe { &mut *value })
    }
}

#[cfg(not(loom))]
impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the guard held the lock.
        unsafe { self.mutex.lock.release() }
    }
}

#[cfg(loom)]
pub use modelled::{Mutex, MutexGuard};

#[cfg(loom)]
mod modelled {
    /// loom's mutex under the interface of ours.
    pub struct Mutex<T>(gort_sync::model::Mutex<T>);
    /// loom's guard.
    pub type MutexGuard<'a, T> = gort_sync::model::MutexGuard<'a, T>;

    impl<T> Mutex<T> {
        /// A free mutex.
        pub fn new(value: T) -> Self {
            Self(gort_sync::model::Mutex::new(value))
        }
        /// Waits for the value.
        pub fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap()
        }
        /// The value, if nobody has it.
        pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            self.0.try_lock().ok()
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn counts_of_four_threads_add_up() {
        static COUNT: Mutex<u64> = Mutex::new(0);
        let threads: Vec<_> = (0..4)
            .map(|_| {
                std::thread::spawn(|| {
                    for _ in 0..20_000 {
                        *COUNT.lock() += 1;
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|t| t.join().unwrap());
        assert_eq!(*COUNT.lock(), 80_000);
    }

    #[test]
    fn try_lock_fails_while_held() {
        let mutex = Mutex::new(1);
        let guard = mutex.lock();
        assert!(mutex.try_lock().is_none());
        assert!(mutex.try_lock().is_none(), "a failed try leaves the lock with its holder");
        drop(guard);
        assert_eq!(*mutex.try_lock().unwrap(), 1);
    }
}
