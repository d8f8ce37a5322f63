//! Closures: a function and its environment, one heap object.

use crate::ctypes::go_closure;
use crate::defer_host::HOST;
use core::ffi::c_void;
use core::ptr::null_mut;
use gort_defer::{boxed, closure, thunk};
use gort_sys::Errno;

/// Sets ENOMEM when there is no memory.
fn or_enomem<T>(p: *mut T) -> *mut T {
    if p.is_null() {
        Errno::ENOMEM.set();
    }
    p
}

/// A closure of `fn` with a copy of `env_size` bytes at `env`, aligned to 16; NULL and ENOMEM when there is no memory. With
/// `env_size` 0: the one static closure of `fn`, the same pointer every time, which needs no memory and no unref.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_closure_make(
    func: unsafe extern "C" fn(env: *mut c_void, arg: *mut c_void),
    env: *const c_void,
    env_size: usize,
) -> *mut go_closure {
    // SAFETY: the caller's.
    or_enomem(unsafe { closure::make(HOST, func, env, env_size, None) })
}

/// As go_closure_make; `drop` is called with the environment when the last reference is gone, to give up what it holds
/// (boxes, other closures). Always a new object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_closure_make_drop(
    func: unsafe extern "C" fn(env: *mut c_void, arg: *mut c_void),
    env: *const c_void,
    env_size: usize,
    drop: Option<unsafe extern "C" fn(env: *mut c_void)>,
) -> *mut go_closure {
    // SAFETY: the caller's.
    or_enomem(unsafe { closure::make(HOST, func, env, env_size, drop) })
}

/// Calls the closure's function with its environment and `arg`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_closure_call(c: *const go_closure, arg: *mut c_void) {
    // SAFETY: the caller's.
    unsafe { closure::call(c, arg) }
}

/// The closure's own copy of the environment.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_closure_env(c: *const go_closure) -> *mut c_void {
    // SAFETY: the caller's.
    unsafe { closure::environment(c) }
}

/// One more reference; answers `c`. NULL stays NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_closure_ref(c: *mut go_closure) -> *mut go_closure {
    if !c.is_null() {
        // SAFETY: the caller's.
        unsafe { closure::add_ref(c) };
    }
    c
}

/// One reference less; the last one frees the closure and its thunk. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_closure_unref(c: *mut go_closure) {
    if !c.is_null() {
        // SAFETY: the caller's.
        unsafe { closure::unref(HOST, c) }
    }
}

/// A variable of `size` bytes on the heap, zeroed, aligned to 16, with one reference: what several closures share. NULL and
/// ENOMEM when there is no memory.
#[unsafe(no_mangle)]
pub extern "C" fn go_box(size: usize) -> *mut c_void {
    or_enomem(boxed::make(HOST, size))
}

/// One more reference to a box; answers it. NULL stays NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_box_ref(box_: *mut c_void) -> *mut c_void {
    if !box_.is_null() {
        // SAFETY: the caller's.
        unsafe { boxed::add_ref(box_) };
    }
    box_
}

/// One reference less; the last one frees the box. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_box_unref(box_: *mut c_void) {
    if !box_.is_null() {
        // SAFETY: the caller's.
        unsafe { boxed::unref(HOST, box_) }
    }
}

/// The closure as a plain C function pointer, the same every time, for callbacks such as qsort's: up to six integer or
/// pointer arguments reach the closure's function as its `arg`, a `go_args *`, and `result` there goes back. Lives as long
/// as the closure. NULL and ENOMEM when there is no memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_closure_thunk(c: *mut go_closure) -> *mut c_void {
    if c.is_null() {
        return null_mut();
    }
    // SAFETY: the caller's.
    or_enomem(thunk::of(unsafe { &*c }))
}
