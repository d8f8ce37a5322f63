//! Reflection and formatting: the C side.

use super::error::raise;
use super::iface::Boxes;
use super::text;
use crate::ctypes::{go_any, go_type};
use crate::defer::current;
use crate::defer_host::any;
use core::ffi::{c_char, c_int, c_void};
use gort_defer::{Value, panic};
use gort_sys::Errno;
use gort_types::format::{Caller, Verb, write_value};
use gort_types::reflect::{self, ReflectError};
use gort_types::sink::Buffer;
use gort_types::{Any, NIL};

/// The value of a field of the struct at `obj`; nil when there is none of that name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_reflect_get(
    t: Option<&'static go_type>,
    obj: *const c_void,
    field: *const c_char,
) -> go_any {
    // SAFETY: the caller's object and string.
    t.map_or(NIL, |t| unsafe { reflect::get(t, obj, text(field)) })
}

/// Sets a field. 0, -ENOENT, -EINVAL when the value is of another type, -ENOMEM. A field of an interface type takes any value
/// that implements it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_reflect_set(
    t: Option<&'static go_type>,
    obj: *mut c_void,
    field: *const c_char,
    v: go_any,
) -> c_int {
    let Some(t) = t else { return -Errno::ENOENT.0 };
    // SAFETY: the caller's object, string and value.
    answer(unsafe { reflect::set(t, obj, text(field), v, &Boxes) })
}

/// Calls a method of `recv` through its adapter. 0, -ENOENT, -ENOTSUP without an adapter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_reflect_call(recv: go_any, method: *const c_char, args: *mut c_void) -> c_int {
    // SAFETY: the caller's receiver and string, and the record that the adapter expects.
    answer(unsafe { reflect::call(recv, text(method), args) })
}

fn answer(result: Result<(), ReflectError>) -> c_int {
    match result {
        Ok(()) => 0,
        Err(ReflectError::NotFound) => -Errno::ENOENT.0,
        Err(ReflectError::WrongType) => -Errno::EINVAL.0,
        Err(ReflectError::NoAdapter) => -Errno::ENOTSUP.0,
        Err(ReflectError::NoMemory) => -Errno::ENOMEM.0,
        Err(ReflectError::Panic(error)) => raise(error),
    }
}

/// Writes `v` as Go's %v does, at most `n` bytes with the last one zero. The length that it has, as snprintf gives it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_any_format(buf: *mut c_char, n: usize, v: go_any) -> c_int {
    // SAFETY: the caller's buffer and value.
    unsafe { format(buf, n, v, Verb::Plain) }
}

/// As go_any_format, as %+v: with the names of fields.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_any_format_plus(buf: *mut c_char, n: usize, v: go_any) -> c_int {
    // SAFETY: the caller's buffer and value.
    unsafe { format(buf, n, v, Verb::Plus) }
}

unsafe fn format(buf: *mut c_char, n: usize, v: go_any, verb: Verb) -> c_int {
    let room = n.saturating_sub(1);
    let mut bytes: &mut [u8] = &mut [];
    if room > 0 {
        // SAFETY: the caller's buffer of `n` bytes; it may be null when there are none.
        bytes = unsafe { core::slice::from_raw_parts_mut(buf.cast(), room) };
    }
    let mut out = Buffer::new(bytes);
    // SAFETY: the caller's value.
    unsafe { write_value(&mut out, v, verb, &Catching) };
    let total = out.total();
    if n > 0 {
        // SAFETY: inside the buffer.
        unsafe { buf.add(total.min(room)).write(0) };
    }
    c_int::try_from(total).unwrap_or(c_int::MAX)
}

/// Calls methods that may panic.
struct Catching;

impl Caller for Catching {
    fn call(&self, mut call: &mut dyn FnMut()) -> Result<(), Any> {
        unsafe extern "C" fn run(call: *mut c_void) {
            // SAFETY: the reference below, which outlives the call.
            unsafe { (*call.cast::<&mut dyn FnMut()>())() }
        }
        let mut value = Value::NIL;
        // SAFETY: the frames between are `run` and the closure, which have nothing to drop.
        let panicked = unsafe { panic::pcall(current(), run, (&raw mut call).cast(), &mut value) };
        if panicked { Err(any(value)) } else { Ok(()) }
    }
}
