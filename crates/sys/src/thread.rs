//! What a thread owns: a block of words, and a notice when it ends.
//!
//! The words are read and written by [`words`] in one or two instructions ([`crate::arch`] says how). The notice is a
//! key of the C library whose destructor runs as the thread ends. Rust's own thread-locals will not do: their destructors
//! are registered with an allocation.

use crate::Errno;
use crate::fault::{self, Call};

pub use crate::arch::{MAGAZINE_BYTES, MAGAZINE_WORDS, WORDS, empty_magazine_end, words};

/// The word that holds what runs on the thread: the record of its deferred calls and panics (gort-defer's `Runner`). The
/// scheduler changes it whenever it switches goroutines. The words below, from [`MAGAZINE_WORDS`] on, are gort-malloc's.
pub const RUNNER: usize = MAGAZINE_WORDS + 2;

/// A notice at the end of each thread that asked for it.
#[derive(Clone, Copy)]
pub struct ExitKey(libc::pthread_key_t);

impl ExitKey {
    /// Makes a key. `at_exit` runs on each ending thread with the value that the thread set, if that is not null.
    pub fn new(at_exit: unsafe extern "C" fn(*mut core::ffi::c_void)) -> Result<Self, Errno> {
        fault::check(Call::ThreadKey)?;
        let mut key = 0;
        // SAFETY: writes the key; the function lives as long as the program.
        match unsafe { libc::pthread_key_create(&mut key, Some(at_exit)) } {
            0 => Ok(Self(key)),
            e => Err(Errno(e)),
        }
    }

    /// Sets the calling thread's value. May allocate, when the program has more than 31 keys.
    pub fn set(self, value: usize) -> Result<(), Errno> {
        // SAFETY: the key exists.
        match unsafe { libc::pthread_setspecific(self.0, core::ptr::without_provenance(value)) } {
            0 => Ok(()),
            e => Err(Errno(e)),
        }
    }

    /// The key as a number, to be kept in an atomic.
    pub fn to_raw(self) -> u32 {
        self.0
    }

    /// The key of a number.
    ///
    /// # Safety
    /// The number came from [`ExitKey::to_raw`] of a key that still exists.
    pub unsafe fn from_raw(raw: u32) -> Self {
        Self(raw)
    }
}

/// Whether the caller is the thread that the process began with.
#[cfg(not(loom))]
pub fn is_main() -> bool {
    // SAFETY: both only answer a number.
    unsafe { libc::syscall(libc::SYS_gettid) == libc::getpid() as libc::c_long }
}

/// Ends the calling thread as a return from its function does; on the main thread, the program with status 0.
#[cfg(not(loom))]
pub fn end() -> ! {
    // SAFETY: both run what is registered for the end, and do not come back.
    unsafe {
        if is_main() {
            libc::exit(0);
        }
        unsafe extern "C" {
            fn pthread_exit(value: *mut core::ffi::c_void) -> !;
        }
        pthread_exit(core::ptr::null_mut())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn words_start_as_an_empty_magazine_and_are_the_threads_own() {
        let check_fresh = || {
            // SAFETY: in bounds.
            unsafe {
                for i in 0..MAGAZINE_WORDS {
                    assert_eq!(words::load(i), empty_magazine_end() as usize, "word {i}");
                }
                for i in MAGAZINE_WORDS..WORDS {
                    assert_eq!(words::load(i), 0, "word {i}");
                }
            }
        };
        std::thread::spawn(move || {
            check_fresh();
            // SAFETY: in bounds; the thread uses its words for nothing else.
            unsafe {
                words::store(3, 100);
                words::add::<8>(3);
                words::add::<-1>(3);
                assert_eq!(words::load(3), 107);
                assert_eq!(*words::base().add(3), 107);
            }
            std::thread::spawn(check_fresh).join().unwrap();
        })
        .join()
        .unwrap();
    }

    #[test]
    fn the_empty_magazine_is_empty_below_and_aligned() {
        let end = empty_magazine_end();
        assert_eq!(end as usize % MAGAZINE_BYTES, 0);
        // SAFETY: the last pointer of the constant magazine.
        assert!(unsafe { *end.sub(1) }.is_null());
    }

    #[test]
    fn the_exit_notice_comes_with_the_value() {
        use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
        static SEEN: AtomicUsize = AtomicUsize::new(0);
        unsafe extern "C" fn at_exit(value: *mut core::ffi::c_void) {
            SEEN.store(value as usize, Relaxed);
        }
        let key = ExitKey::new(at_exit).unwrap();
        std::thread::spawn(move || key.set(77).unwrap()).join().unwrap();
        assert_eq!(SEEN.load(Relaxed), 77);
    }
}
