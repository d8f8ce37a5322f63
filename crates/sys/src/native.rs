//! Threads of the OS, and what the scheduler's threads ask of the kernel.

use crate::Errno;
use crate::arch::syscall6;
use core::ffi::c_void;

/// What a thread runs.
pub type Body = extern "C" fn(*mut c_void) -> *mut c_void;

/// Stack of a thread that runs nothing but the runtime. Static thread-local storage is taken from it, too.
const STACK_BYTES: usize = 256 << 10;

/// Starts a detached thread. With `quiet` it takes no signals, so that handlers of the program never run on it; else its
/// signal mask is the caller's.
pub fn spawn(body: Body, arg: usize, quiet: bool) -> Result<(), Errno> {
    let mut attr = core::mem::MaybeUninit::<libc::pthread_attr_t>::uninit();
    let mut old = core::mem::MaybeUninit::<libc::sigset_t>::uninit();
    let mut all = core::mem::MaybeUninit::<libc::sigset_t>::uninit();
    let mut thread = 0;
    // SAFETY: each call initialises or reads the record that it is given.
    let e = unsafe {
        libc::pthread_attr_init(attr.as_mut_ptr());
        libc::pthread_attr_setdetachstate(attr.as_mut_ptr(), libc::PTHREAD_CREATE_DETACHED);
        libc::pthread_attr_setstacksize(attr.as_mut_ptr(), STACK_BYTES);
        libc::sigfillset(all.as_mut_ptr());
        if quiet {
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), old.as_mut_ptr());
        }
        let e = libc::pthread_create(
            &mut thread,
            attr.as_ptr(),
            body,
            core::ptr::with_exposed_provenance_mut(arg),
        );
        if quiet {
            libc::pthread_sigmask(libc::SIG_SETMASK, old.as_ptr(), core::ptr::null_mut());
        }
        libc::pthread_attr_destroy(attr.as_mut_ptr());
        e
    };
    if e == 0 { Ok(()) } else { Err(Errno(e)) }
}

/// Lets the calling thread's sleeps end on time, instead of up to 50 microseconds late.
pub fn sleep_precisely() {
    // SAFETY: changes the calling thread's timer slack.
    unsafe { syscall6(libc::SYS_prctl as usize, [libc::PR_SET_TIMERSLACK as usize, 1, 0, 0, 0, 0]) };
}

/// Sleeps, whatever signals come.
pub fn sleep_ns(ns: u64) {
    let t = libc::timespec { tv_sec: (ns / 1_000_000_000) as i64, tv_nsec: (ns % 1_000_000_000) as i64 };
    // SAFETY: reads the record.
    unsafe { syscall6(libc::SYS_nanosleep as usize, [(&raw const t).addr(), 0, 0, 0, 0, 0]) };
}

/// Lets another thread run first (`sched_yield`).
pub fn yield_now() {
    // SAFETY: no arguments.
    unsafe { syscall6(libc::SYS_sched_yield as usize, [0; 6]) };
}

/// The calling thread's number in the kernel.
pub fn thread_id() -> u32 {
    // SAFETY: no arguments.
    unsafe { syscall6(libc::SYS_gettid as usize, [0; 6]) as u32 }
}

/// How many threads the process has.
pub fn thread_count() -> Option<u32> {
    let mut text = [0u8; 1024];
    let n = crate::cpus::read(b"/proc/self/stat\0", &mut text).ok()?;
    // Behind the name, which is in brackets and may have anything in it: the 18th of the fields after it.
    let rest = &text[..n][text[..n].iter().rposition(|c| *c == b')')? + 2..];
    let field = rest.split(|c| *c == b' ').nth(17)?;
    crate::env::parse_u64(field).map(|n| n as u32)
}

/// Ends the process at once, without `atexit`.
pub fn exit_now(status: i32) -> ! {
    loop {
        // SAFETY: ends the process.
        unsafe { syscall6(libc::SYS_exit_group as usize, [status as usize, 0, 0, 0, 0, 0]) };
    }
}

/// Registers the process for [`barrier_all`]. `false` where the kernel has none.
pub fn barrier_register() -> bool {
    const REGISTER_PRIVATE_EXPEDITED: usize = 1 << 4;
    // SAFETY: no pointers.
    unsafe { syscall6(libc::SYS_membarrier as usize, [REGISTER_PRIVATE_EXPEDITED, 0, 0, 0, 0, 0]) == 0 }
}

/// Makes every running thread of the process execute a full memory barrier. A few microseconds for the caller; the others
/// can then do with a compiler's barrier where two sides would each need a processor's.
pub fn barrier_all() -> bool {
    const PRIVATE_EXPEDITED: usize = 1 << 3;
    // SAFETY: no pointers.
    unsafe { syscall6(libc::SYS_membarrier as usize, [PRIVATE_EXPEDITED, 0, 0, 0, 0, 0]) == 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    #[test]
    fn a_thread_runs_and_a_quiet_one_takes_no_signals() {
        static BLOCKED: [AtomicUsize; 2] = [const { AtomicUsize::new(9) }; 2];
        extern "C" fn body(index: *mut c_void) -> *mut c_void {
            let mut mask = core::mem::MaybeUninit::<libc::sigset_t>::zeroed();
            // SAFETY: reads the thread's mask.
            let blocked = unsafe {
                libc::pthread_sigmask(libc::SIG_BLOCK, core::ptr::null(), mask.as_mut_ptr());
                libc::sigismember(mask.as_ptr(), libc::SIGTERM)
            };
            BLOCKED[index.addr()].store(blocked as usize, SeqCst);
            core::ptr::null_mut()
        }
        for quiet in [false, true] {
            spawn(body, quiet as usize, quiet).unwrap();
            while BLOCKED[quiet as usize].load(SeqCst) == 9 {
                yield_now();
            }
            assert_eq!(BLOCKED[quiet as usize].load(SeqCst), quiet as usize);
        }
    }

    #[test]
    fn threads_are_counted() {
        let before = thread_count().unwrap();
        assert!(before >= 1);
        let (send, receive) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || receive.recv());
        assert!(thread_count().unwrap() > 1);
        drop(send);
        let _ = thread.join().unwrap();
    }

    #[test]
    fn a_barrier_needs_registration_and_then_works() {
        if barrier_register() {
            assert!(barrier_all());
        }
    }
}
