//! The life of the scheduler: it starts by itself, and ends with the process.
//!
//! Nothing of it exists in a program that starts no goroutine: no thread, no signal handler, no memory but a few static bytes.

use crate::defer_host::HOST;
use core::ffi::{c_char, c_int, c_void};
use core::ptr::null_mut;
use gort_defer::Runner;
use gort_gmp::g::Body;
use gort_gmp::timer::NEVER;
use gort_gmp::{Attr, SCHED, Sched, WaitReason, Waiter};
use gort_sync::atomic::{AtomicI32, Ordering};
use gort_sys::{Errno, cpus};

/// How the runtime is to be; `size` is `sizeof(go_options)`, set by the caller.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(non_camel_case_types, reason = "names of C")]
pub struct go_options {
    /// Bytes of this record.
    pub size: usize,
    /// GOMAXPROCS; 0: as usual.
    pub maxprocs: c_int,
    /// Kept for later: 0.
    pub stack: usize,
    /// Kept for later: 0.
    pub flags: u32,
}

/// The scheduler of the process, with what goroutines need of the language layer around them.
pub(crate) fn sched() -> &'static Sched {
    SCHED.set_around(around);
    &SCHED
}

/// Runs a goroutine's function with a record of deferred calls and panics of its own, on its own stack.
unsafe extern "C" fn around(body: Body, arg: *mut c_void) {
    let mut runner = Runner::new(HOST, gort_gmp::self_id(), end);
    // SAFETY: it lives until the goroutine ends, and is replaced before; the function is the one that was asked for.
    unsafe {
        Runner::install(&raw mut runner);
        body(arg);
        leave(&runner);
    }
}

/// Ends a goroutine whose deferred calls have run (`go_exit`).
unsafe fn end(runner: &Runner) -> ! {
    leave(runner);
    // SAFETY: on the goroutine's stack; nothing in it is used any more.
    unsafe { gort_gmp::exit_goroutine() }
}

fn leave(runner: &Runner) {
    // SAFETY: nothing runs on it any more.
    unsafe {
        Runner::install(null_mut());
        runner.release();
    }
}

/// The negative number that C is given for an error.
pub(crate) fn negative(e: Errno) -> c_int {
    -e.0
}

/// Starts the runtime with options, which is optional: it starts by itself. -EBUSY when it runs already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_init(options: *const go_options) -> c_int {
    // SAFETY: null, or the caller's record.
    let options = unsafe { options.as_ref() };
    if options.is_some_and(|o| o.size < size_of::<go_options>()) {
        return negative(Errno::EINVAL);
    }
    let procs = options.map_or(0, |o| o.maxprocs.max(0) as usize);
    match sched().start_with(procs) {
        Ok(true) => 0,
        Ok(false) => negative(Errno::EBUSY),
        Err(e) => negative(e),
    }
}

/// What `go_run` waits for.
struct Run {
    func: unsafe extern "C" fn(*mut c_void) -> c_int,
    arg: *mut c_void,
    result: AtomicI32,
    waiter: Waiter,
}

/// Runs `fn` as the main goroutine and returns what it returns, at once, without waiting for other goroutines. From a plain
/// thread; may be called again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_run(
    func: unsafe extern "C" fn(arg: *mut c_void) -> c_int,
    arg: *mut c_void,
) -> c_int {
    unsafe extern "C" fn main(run: *mut c_void) {
        let run = run.cast::<Run>().cast_const();
        // SAFETY: `go_run` waits for us, and keeps the record until then; the function is the caller's.
        unsafe {
            let result = ((*run).func)((*run).arg);
            (*run).result.store(result, Ordering::Relaxed); // Relaxed: published by the wake-up.
            Waiter::ready(&raw const (*run).waiter);
        }
    }
    let run = Run { func, arg, result: AtomicI32::new(0), waiter: Waiter::new() };
    let start = Start { run: &run };
    // SAFETY: `main` readies us once; it is started when we are ready to be woken.
    unsafe { run.waiter.park(WaitReason::None, start_main, (&raw const start).expose_provenance()) };
    // Relaxed: ordered by the wake-up.
    return run.result.load(Ordering::Relaxed);

    struct Start<'r> {
        run: &'r Run,
    }

    /// Starts the main goroutine, when the caller is ready to be woken.
    unsafe extern "C" fn start_main(start: usize) {
        // SAFETY: on the stack of the one who waits.
        let run = unsafe { (*core::ptr::with_exposed_provenance::<Start<'_>>(start)).run };
        let run = core::ptr::from_ref(run).cast_mut().cast();
        // SAFETY: `main` takes a `Run`.
        if let Err(e) = unsafe { sched().spawn(&Attr::DEFAULT, main, run) } {
            gort_gmp::fatal::exit(format_args!("cannot start the main goroutine: {e:?}"));
        }
    }
}

/// Changes GOMAXPROCS if `n` is positive; the former value.
#[unsafe(no_mangle)]
pub extern "C" fn go_maxprocs(n: c_int) -> c_int {
    sched().max_procs(n).map_or(0, |old| old as c_int)
}

/// Processors that the process may run on.
#[unsafe(no_mangle)]
pub extern "C" fn go_num_cpu() -> c_int {
    cpus::affinity() as c_int
}

/// Goroutines that have been started and have not ended.
#[unsafe(no_mangle)]
pub extern "C" fn go_num_goroutine() -> c_int {
    sched().goroutines() as c_int
}

/// The version of the library.
#[unsafe(no_mangle)]
pub extern "C" fn go_version() -> *const c_char {
    concat!("gort ", env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// No deadline.
pub(crate) fn deadline(when: i64) -> u64 {
    if when == i64::MAX { NEVER } else { when.max(0) as u64 }
}
