//! A word that threads can sleep on.
//!
//! Under loom a mutex and a condition variable stand in for the kernel, with the same contract: [`Futex::wait`]
//! compares and goes to sleep in one step with respect to [`Futex::wake_one`].

use crate::Errno;
use gort_sync::atomic::AtomicU32;

/// A 32-bit word and the threads that sleep on it.
pub struct Futex {
    /// The word. Its users give it a meaning.
    pub word: AtomicU32,
    #[cfg(loom)]
    kernel: (gort_sync::model::Mutex<()>, gort_sync::model::Condvar),
}

#[cfg(not(loom))]
mod imp {
    use super::*;
    use crate::arch::syscall6;

    impl Futex {
        /// A futex whose word is `value`.
        pub const fn new(value: u32) -> Self {
            Self { word: AtomicU32::new(value) }
        }

        fn call(&self, operation: i32, value: u32, timeout: Option<&libc::timespec>) -> isize {
            let timeout = timeout.map_or(0, |t| t as *const _ as usize);
            let any = u32::MAX as usize; // FUTEX_BITSET_MATCH_ANY
            // SAFETY: the word lives as long as `self`; FUTEX_PRIVATE operations read it and nothing else.
            unsafe {
                syscall6(
                    libc::SYS_futex as usize,
                    [
                        self.word.as_ptr() as usize,
                        (operation | libc::FUTEX_PRIVATE_FLAG) as usize,
                        value as usize,
                        timeout,
                        0,
                        any,
                    ],
                )
            }
        }

        /// Sleeps while the word is `expected`, until a wake. May return for no reason.
        pub fn wait(&self, expected: u32) {
            self.call(libc::FUTEX_WAIT_BITSET, expected, None);
        }

        /// As [`Futex::wait`], until a moment on [`crate::clock::now_ns`]'s clock at most.
        pub fn wait_until(&self, expected: u32, when_ns: u64) -> Result<(), Errno> {
            let timeout = libc::timespec {
                tv_sec: (when_ns / 1_000_000_000) as i64,
                tv_nsec: (when_ns % 1_000_000_000) as i64,
            };
            match self.call(libc::FUTEX_WAIT_BITSET, expected, Some(&timeout)) {
                e if e == -(libc::ETIMEDOUT as isize) => Err(Errno::ETIMEDOUT),
                _ => Ok(()),
            }
        }

        /// Wakes one sleeper, if there is one. Touches no memory but the futex's address, so it is allowed even when
        /// the record that holds it may be gone.
        pub fn wake_one(&self) {
            self.call(libc::FUTEX_WAKE, 1, None);
        }

        /// Wakes all sleepers.
        pub fn wake_all(&self) {
            self.call(libc::FUTEX_WAKE, i32::MAX as u32, None);
        }
    }
}

#[cfg(loom)]
mod imp {
    use super::*;
    use gort_sync::atomic::Ordering;

    impl Futex {
        /// A futex whose word is `value`.
        pub fn new(value: u32) -> Self {
            Self { word: AtomicU32::new(value), kernel: Default::default() }
        }

        /// Sleeps while the word is `expected`, until a wake.
        pub fn wait(&self, expected: u32) {
            let guard = self.kernel.0.lock().unwrap();
            // Relaxed: a comparison under the lock that wakers take; the users order what they share.
            if self.word.load(Ordering::Relaxed) == expected {
                drop(self.kernel.1.wait(guard).unwrap());
            }
        }

        /// As [`Futex::wait`]; models have no time.
        pub fn wait_until(&self, expected: u32, _: u64) -> Result<(), Errno> {
            self.wait(expected);
            Ok(())
        }

        /// Wakes one sleeper.
        pub fn wake_one(&self) {
            let _guard = self.kernel.0.lock().unwrap();
            self.kernel.1.notify_one();
        }

        /// Wakes all sleepers.
        pub fn wake_all(&self) {
            let _guard = self.kernel.0.lock().unwrap();
            self.kernel.1.notify_all();
        }
    }
}
