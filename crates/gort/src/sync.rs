//! Mutexes, wait groups, once, condition variables and semaphores under C's names. All are ready when zero.

use crate::ctypes::{go_cond, go_mutex, go_once, go_rwmutex, go_sema, go_waitgroup};
use crate::defer::{current, panic_with};
use crate::life::{deadline, sched};
use core::ffi::{c_int, c_void};
use gort_chan::sema::TABLE;
use gort_chan::waitgroup::Misuse;
use gort_gmp::timer::NEVER;
use gort_sys::Errno;

/// Takes the mutex, waiting if need be. Not reentrant.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_mutex_lock(m: *mut go_mutex) {
    // SAFETY: the caller's.
    unsafe { &*m }.lock();
}

/// Takes the mutex if it is free: whether it did.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_mutex_trylock(m: *mut go_mutex) -> bool {
    // SAFETY: the caller's.
    unsafe { &*m }.try_lock()
}

/// Gives the mutex back, whoever took it. Ends the program when it is not locked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_mutex_unlock(m: *mut go_mutex) {
    // SAFETY: the caller's.
    unsafe { &*m }.unlock();
}

/// Takes the mutex, waiting until `when` at most: 0, or -ETIMEDOUT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_mutex_lock_until(m: *mut go_mutex, when: i64) -> c_int {
    // SAFETY: the caller's.
    if unsafe { &*m }.lock_until(deadline(when)) { 0 } else { -Errno::ETIMEDOUT.0 }
}

/// Takes the lock as the writer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_rwmutex_lock(m: *mut go_rwmutex) {
    // SAFETY: the caller's.
    unsafe { &*m }.lock();
}

/// Gives the lock back as the writer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_rwmutex_unlock(m: *mut go_rwmutex) {
    // SAFETY: the caller's.
    unsafe { &*m }.unlock();
}

/// Takes the lock as a reader; a writer that waits comes first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_rwmutex_rlock(m: *mut go_rwmutex) {
    // SAFETY: the caller's.
    unsafe { &*m }.rlock();
}

/// Gives the lock back as a reader.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_rwmutex_runlock(m: *mut go_rwmutex) {
    // SAFETY: the caller's.
    unsafe { &*m }.runlock();
}

/// Takes the lock as the writer if nobody has it: whether it did.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_rwmutex_trylock(m: *mut go_rwmutex) -> bool {
    // SAFETY: the caller's.
    unsafe { &*m }.try_lock()
}

/// Takes the lock as a reader if no writer has it or waits: whether it did.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_rwmutex_tryrlock(m: *mut go_rwmutex) -> bool {
    // SAFETY: the caller's.
    unsafe { &*m }.try_rlock()
}

/// Adds to the counter. Panics when it falls below nought.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_waitgroup_add(wg: *mut go_waitgroup, n: c_int) {
    // SAFETY: the caller's.
    if unsafe { &*wg }.add(n) == Err(Misuse::Negative) {
        panic_with(c"sync: negative WaitGroup counter");
    }
}

/// One thing is done.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_waitgroup_done(wg: *mut go_waitgroup) {
    // SAFETY: the caller's.
    unsafe { go_waitgroup_add(wg, -1) }
}

/// Waits until the counter is nought.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_waitgroup_wait(wg: *mut go_waitgroup) {
    // SAFETY: the caller's.
    unsafe { &*wg }.wait();
}

/// Waits until the counter is nought, until `when` at most: 0, or -ETIMEDOUT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_waitgroup_wait_until(wg: *mut go_waitgroup, when: i64) -> c_int {
    // SAFETY: the caller's.
    if unsafe { &*wg }.wait_until(deadline(when)) { 0 } else { -Errno::ETIMEDOUT.0 }
}

/// What go_waitgroup_spawn starts.
#[repr(C)]
#[derive(Clone, Copy)]
struct Task {
    group: *mut go_waitgroup,
    func: unsafe extern "C" fn(*mut c_void),
    arg: *mut c_void,
}

/// Adds one, and starts a goroutine that calls `fn(arg)`; when it ends, by return or go_exit, one is done. 0, -ENOMEM, -EINVAL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_waitgroup_spawn(
    wg: *mut go_waitgroup,
    func: Option<unsafe extern "C" fn(arg: *mut c_void)>,
    arg: *mut c_void,
) -> c_int {
    unsafe extern "C" fn done(group: *mut c_void) {
        // SAFETY: the group of the task.
        unsafe { go_waitgroup_done(group.cast()) };
    }
    unsafe extern "C" fn run(task: *mut c_void) {
        // SAFETY: a copy of the task lies on our stack; the rest is the caller's. The frame is ended here, or by go_exit.
        unsafe {
            let task = *task.cast::<Task>();
            let mut frame = core::mem::MaybeUninit::uninit();
            gort_defer::frame::begin(current(), frame.as_mut_ptr());
            crate::defer::go_defer(frame.as_mut_ptr(), Some(done), task.group.cast());
            (task.func)(task.arg);
            crate::defer::go_frame_end(frame.as_mut_ptr());
        }
    }
    let Some(func) = func else { return -Errno::EINVAL.0 };
    let task = Task { group: wg, func, arg };
    // SAFETY: the caller's group; `run` takes a task.
    unsafe {
        go_waitgroup_add(wg, 1);
        let (at, len) = ((&raw const task).cast(), size_of::<Task>());
        match sched().spawn_copy(&gort_gmp::Attr::DEFAULT, run, at, len) {
            Ok(_) => 0,
            Err(e) => {
                go_waitgroup_done(wg);
                -e.0
            }
        }
    }
}

/// Calls `fn(arg)`, the first time; later calls wait until it is done.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_once_do(
    once: *mut go_once,
    func: unsafe extern "C" fn(arg: *mut c_void),
    arg: *mut c_void,
) {
    // SAFETY: the caller's, and his function.
    let (once, call) = unsafe { (&*once, || func(arg)) };
    once.call(call);
}

/// Gives the mutex back, waits for a signal, and takes the mutex again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_cond_wait(c: *mut go_cond, m: *mut go_mutex) {
    // SAFETY: the caller's.
    unsafe { (*c).wait(&*m) };
}

/// Wakes the one who has waited longest.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_cond_signal(c: *mut go_cond) {
    // SAFETY: the caller's.
    unsafe { &*c }.signal();
}

/// Wakes all who wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_cond_broadcast(c: *mut go_cond) {
    // SAFETY: the caller's.
    unsafe { &*c }.broadcast();
}

/// Takes `n` from the semaphore, waiting behind those who came before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_sema_acquire(s: *mut go_sema, n: u32) {
    // SAFETY: the caller's.
    unsafe { &*s }.acquire_in(&TABLE, n, NEVER);
}

/// Takes `n` from the semaphore if that needs no waiting: whether it did.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_sema_try_acquire(s: *mut go_sema, n: u32) -> bool {
    // SAFETY: the caller's.
    unsafe { &*s }.acquire_in(&TABLE, n, gort_chan::chan::NOW)
}

/// Puts `n` to the semaphore.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_sema_release(s: *mut go_sema, n: u32) {
    // SAFETY: the caller's.
    unsafe { &*s }.release_in(&TABLE, n);
}
