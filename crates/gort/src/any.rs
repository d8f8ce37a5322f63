//! Dynamic values: `go_any` and its makers.

use crate::ctypes::{go_any, go_type};
use core::ffi::{c_char, c_void};
use gort_types::{Any, INT64, NIL, STRING};

/// An int64.
#[unsafe(no_mangle)]
pub extern "C" fn go_any_int(i: i64) -> go_any {
    Any::new(&INT64, i as u64)
}

/// A string; the text is not copied.
#[unsafe(no_mangle)]
pub extern "C" fn go_any_str(s: *const c_char) -> go_any {
    Any::pointing(&STRING, s.cast())
}

/// A value of type `t`: the pointer itself for a pointer type, else a pointer to a struct, an array or a slice.
#[unsafe(no_mangle)]
pub extern "C" fn go_any_ptr(t: Option<&'static go_type>, p: *mut c_void) -> go_any {
    t.map_or(NIL, |t| Any::pointing(t.canonical(), p))
}

/// Nil: no type and no value.
#[unsafe(no_mangle)]
pub extern "C" fn go_any_nil() -> go_any {
    NIL
}
