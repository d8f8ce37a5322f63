//! Goroutines: starting, joining, giving way, blocking, threads.

use crate::life::{deadline, negative, sched};
use core::ffi::{CStr, c_char, c_int, c_void};
use gort_gmp::Attr;
use gort_sys::Errno;

/// How a goroutine is to be; `size` is `sizeof(go_attr)`, set by the caller.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(non_camel_case_types, reason = "names of C")]
pub struct go_attr {
    /// Bytes of this record.
    pub size: usize,
    /// Shown in reports; lives as long as the goroutine. May be NULL.
    pub name: *const c_char,
    /// Bytes of stack at least; 0: 256 KiB.
    pub stack: usize,
    /// GO_JOINABLE, GO_PINNED.
    pub flags: u32,
}

/// Somebody will join or detach the goroutine.
pub const GO_JOINABLE: u32 = 1;
/// The goroutine stays on one thread, for code that keeps the addresses of thread-locals.
pub const GO_PINNED: u32 = 2;

fn status(result: Result<u64, Errno>) -> c_int {
    result.map_or_else(negative, |_| 0)
}

/// Starts a goroutine that calls `fn(arg)`. 0, -ENOMEM, or -EINVAL when `fn` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_spawn(
    func: Option<unsafe extern "C" fn(arg: *mut c_void)>,
    arg: *mut c_void,
) -> c_int {
    let Some(func) = func else { return negative(Errno::EINVAL) };
    // SAFETY: the caller's function.
    status(unsafe { sched().spawn(&Attr::DEFAULT, func, arg) })
}

/// As go_spawn, with the address of a copy of `n` bytes at `args`, aligned to 16. -EINVAL when `n` is over 4096.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_spawn_copy(
    func: Option<unsafe extern "C" fn(arg: *mut c_void)>,
    args: *const c_void,
    n: usize,
) -> c_int {
    let Some(func) = func else { return negative(Errno::EINVAL) };
    // SAFETY: the caller's function and bytes.
    status(unsafe { sched().spawn_copy(&Attr::DEFAULT, func, args.cast(), n) })
}

/// As go_spawn, with attributes; `*out` becomes the goroutine's number. Either may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_spawn_attr(
    attr: *const go_attr,
    func: Option<unsafe extern "C" fn(arg: *mut c_void)>,
    arg: *mut c_void,
    out: *mut u64,
) -> c_int {
    let Some(func) = func else { return negative(Errno::EINVAL) };
    let mut how = Attr::DEFAULT;
    // SAFETY: null, or the caller's record.
    if let Some(attr) = unsafe { attr.as_ref() } {
        if attr.size < size_of::<go_attr>() || attr.flags & !(GO_JOINABLE | GO_PINNED) != 0 {
            return negative(Errno::EINVAL);
        }
        // SAFETY: null, or a string that lives as long as the goroutine.
        how.name = (!attr.name.is_null()).then(|| unsafe { CStr::from_ptr(attr.name) });
        how.stack = attr.stack;
        how.joinable = attr.flags & GO_JOINABLE != 0;
        how.pinned = attr.flags & GO_PINNED != 0;
    }
    // SAFETY: the caller's function.
    let started = unsafe { sched().spawn(&how, func, arg) };
    if let (Ok(id), false) = (started, out.is_null()) {
        // SAFETY: the caller's place.
        unsafe { out.write(id) };
    }
    status(started)
}

/// Waits for the end of a goroutine that was started with GO_JOINABLE. 0; -ESRCH when it was joined or detached, or is not
/// joinable; -EINVAL when somebody else joins it.
#[unsafe(no_mangle)]
pub extern "C" fn go_join(id: u64) -> c_int {
    go_join_until(id, i64::MAX)
}

/// As go_join, until `when` at most: -ETIMEDOUT when it runs on.
#[unsafe(no_mangle)]
pub extern "C" fn go_join_until(id: u64, when: i64) -> c_int {
    gort_gmp::join(id, deadline(when)).map_or_else(negative, |()| 0)
}

/// Nobody will join the goroutine. Errors as go_join.
#[unsafe(no_mangle)]
pub extern "C" fn go_detach(id: u64) -> c_int {
    gort_gmp::detach(id).map_or_else(negative, |()| 0)
}

/// The running goroutine's number; 0 on a plain thread.
#[unsafe(no_mangle)]
pub extern "C" fn go_self() -> u64 {
    gort_gmp::self_id()
}

/// Lets other goroutines run. On a plain thread, sched_yield.
#[unsafe(no_mangle)]
pub extern "C" fn go_yield() {
    gort_gmp::yield_now();
}

/// Gives way if the time slice is over: two loads and two branches.
#[unsafe(no_mangle)]
pub extern "C" fn go_checkpoint() {
    gort_gmp::switch::checkpoint();
}

/// Ties the goroutine to its thread, until as many calls of go_unlock_os_thread.
#[unsafe(no_mangle)]
pub extern "C" fn go_lock_os_thread() {
    gort_gmp::lock_os_thread();
}

/// Undoes one go_lock_os_thread.
#[unsafe(no_mangle)]
pub extern "C" fn go_unlock_os_thread() {
    gort_gmp::unlock_os_thread();
}

/// A foreign call that blocks comes: other goroutines may run meanwhile, at once. A call that is not announced holds them up
/// for some 10 ms.
#[unsafe(no_mangle)]
pub extern "C" fn go_block_enter() {
    gort_gmp::block_enter();
}

/// The blocking call is over.
#[unsafe(no_mangle)]
pub extern "C" fn go_block_exit() {
    gort_gmp::block_exit();
}
