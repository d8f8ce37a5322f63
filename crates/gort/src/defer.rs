//! Defer, panic, recover: the C side of gort-defer.

use crate::ctypes::{go_any, go_closure, go_frame, go_recovery, go_runner};
use crate::defer_host::{self, HOST, any, value};
use core::ffi::{c_char, c_int, c_void};
use gort_defer::frame::{self, Kind};
use gort_defer::stale::{self, Place};
use gort_defer::{Runner, Value, closure, panic};
use gort_sys::clib;
use gort_sys::thread::{RUNNER, words};

/// What runs on the calling thread.
pub(crate) fn current() -> &'static Runner {
    // SAFETY: lives as long as the thread or goroutine, and is used on its stack only.
    unsafe { &*Runner::current(HOST) }
}

/// What runs on the calling thread; `*offset` becomes where the thread keeps it, from the thread pointer, for the inline
/// code of GO_FRAME. Not to be called by programs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_runner_of_thread(offset: *mut usize) -> *mut go_runner {
    // SAFETY: the caller's word; several threads may write the same number at once, so no plain write.
    unsafe { gort_sync::atomic::AtomicUsize::from_ptr(offset) }
        .store(words::offset_of(RUNNER), gort_sync::atomic::Ordering::Relaxed); // Relaxed: a constant.
    Runner::current(HOST)
}

/// Begins a frame: what GO_FRAME does. The strings are static.
/// Frames that were left without go_frame_end are dropped, and reported if GORT_CHECK is set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_frame_begin(
    f: *mut go_frame,
    file: *const c_char,
    line: c_int,
    function: *const c_char,
) {
    // SAFETY: the caller's.
    unsafe { stale::begin(current(), f, Place { file, line, function }) }
}

/// As go_frame_begin, in a program compiled with GO_CHECKED: frames that nobody ended are reported from here on, on this thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_frame_begin_checked(
    f: *mut go_frame,
    file: *const c_char,
    line: c_int,
    function: *const c_char,
) {
    stale::watch(current());
    // SAFETY: the caller's.
    unsafe { stale::begin(current(), f, Place { file, line, function }) }
}

/// Plain C11: runs the deferred calls now, newest first, and ends the frame. A second call does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_frame_end(f: *mut go_frame) {
    // SAFETY: the caller's.
    unsafe { frame::end(f) }
}

/// Defers `fn(arg)` to the end of the frame, with the values that both have now. A NULL function panics when it would run.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_defer(
    f: *mut go_frame,
    func: Option<unsafe extern "C" fn(arg: *mut c_void)>,
    arg: *mut c_void,
) {
    // SAFETY: the caller's.
    unsafe { frame::push(f, Kind::Plain, func.map_or(core::ptr::null_mut(), |f| f as *mut c_void), arg) }
}

/// Defers a function that may recover: it receives the right to do so, which ends when it returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_defer_recover(
    f: *mut go_frame,
    func: Option<unsafe extern "C" fn(arg: *mut c_void, r: *mut go_recovery)>,
    arg: *mut c_void,
) {
    // SAFETY: the caller's.
    unsafe { frame::push(f, Kind::Recover, func.map_or(core::ptr::null_mut(), |f| f as *mut c_void), arg) }
}

/// Defers a call of a closure; the frame takes a reference of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_defer_closure(f: *mut go_frame, c: *mut go_closure, arg: *mut c_void) {
    // SAFETY: the caller's.
    unsafe {
        if !c.is_null() {
            closure::add_ref(c);
        }
        frame::push(f, Kind::Closure, c.cast(), arg);
    }
}

/// True, once, when the deferred call that received `r` was run by a panic: the panic is over, and `*value` has its value.
/// Else false, and `*value` is nil. `value` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_recover(r: *mut go_recovery, value: *mut go_any) -> bool {
    let mut found = Value::NIL;
    // SAFETY: the caller's token and place.
    unsafe {
        let recovered = panic::recover(r, &mut found);
        if !value.is_null() {
            value.write(any(found));
        }
        recovered
    }
}

/// Panics: the deferred calls of the thread or goroutine run, newest first, until one of them recovers; when none does, the
/// program ends with Go's text on standard error and status 2. Nil becomes an error with a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_panic(v: go_any) -> ! {
    panic::raise(current(), value(v))
}

/// Panics with one of the runtime's own texts.
pub(crate) fn panic_with(text: &'static core::ffi::CStr) -> ! {
    panic::raise(current(), defer_host::string(text.as_ptr()))
}

gort_sys::variadic! {
    /// Panics with a text, formatted as printf does. It lives as long as the thread or goroutine.
    go_panicf => panicf_list
}

/// What go_panicf calls: `list` is the va_list that belongs to `format`.
unsafe extern "C" fn panicf_list(format: *const c_char, list: *mut c_void) -> ! {
    let runner = current();
    // SAFETY: the caller's format and list; a list is used up by one formatting, hence the copy.
    unsafe {
        let mut again = list.cast::<[usize; clib::LIST_WORDS]>().read();
        let len = clib::format(core::ptr::null_mut(), 0, format, list);
        let size = usize::try_from(len).unwrap_or(0) + 1;
        let text: *mut c_char = runner.alloc_text(size).cast();
        if text.is_null() || len < 0 {
            // The format is better than nothing.
            panic::raise(runner, defer_host::string(format));
        }
        clib::format(text, size, format, (&raw mut again).cast());
        panic::raise(runner, defer_host::string(text))
    }
}

/// Calls `fn(arg)`; 1 when it panicked, and `*panic_value` has the panic's value (it may be NULL); else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_pcall(
    func: unsafe extern "C" fn(arg: *mut c_void),
    arg: *mut c_void,
    panic_value: *mut go_any,
) -> c_int {
    let mut found = Value::NIL;
    // SAFETY: the caller's.
    unsafe {
        let panicked = panic::pcall(current(), func, arg, &mut found);
        if !panic_value.is_null() && panicked {
            panic_value.write(any(found));
        }
        panicked.into()
    }
}

/// Ends the goroutine after its deferred calls, which cannot stop that. On a plain thread, panics.
#[unsafe(no_mangle)]
pub extern "C" fn go_exit() -> ! {
    panic::goexit(current())
}
