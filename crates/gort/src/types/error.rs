//! Go's runtime errors as panic values: named strings that are errors.
//!
//! In Go they are structs; here the value's text is its message, so that `v.s` has it, `%v` prints it and the report of an
//! uncaught panic too. The names of the types are Go's.

use crate::ctypes::{go_any, go_type};
use crate::defer::current;
use crate::defer_host::value;
use core::ffi::{c_char, c_void};
use core::fmt::Write;
use gort_defer::panic;
use gort_types::sink::{Buffer, Text};
use gort_types::{Any, Cache, Code, Method, STRING, Type, TypeError, flags};

/// The longest message; names of types may be long.
const LONGEST: usize = 1024;

/// `Error`, and `RuntimeError`, which tells runtime errors from others.
static METHODS: [Method; 2] = [method(c"Error", error), method(c"RuntimeError", error)];

const fn method(
    name: &'static core::ffi::CStr,
    f: unsafe extern "C" fn(*const *const c_char) -> *const c_char,
) -> Method {
    // SAFETY: code of unknown signature is what the field is for; callers cast it back.
    let code = unsafe {
        core::mem::transmute::<unsafe extern "C" fn(*const *const c_char) -> *const c_char, Code>(f)
    };
    Method { name: name.as_ptr(), code: Some(code), call: None, flags: 0 }
}

unsafe extern "C" fn error(this: *const *const c_char) -> *const c_char {
    // SAFETY: a method of named strings: a pointer to the string.
    unsafe { this.read() }
}

macro_rules! error_types {
    ($($id:ident $name:literal;)*) => { $(
        static $id: go_type = {
            static CACHE: Cache = Cache::new();
            Type {
                name: $name.as_ptr(),
                flags: flags::NAMED,
                elem: &raw const STRING,
                methods: METHODS.as_ptr(),
                num_method: METHODS.len(),
                cache: &CACHE,
                ..Type::EMPTY
            }
        };
    )* };
}

error_types! {
    ERROR_STRING c"runtime.errorString";
    PLAIN_ERROR c"runtime.plainError";
    TYPE_ASSERTION_ERROR c"runtime.TypeAssertionError";
}

/// A runtime error with a constant text.
pub(crate) fn runtime_error(text: *const c_char) -> go_any {
    Any::pointing(&ERROR_STRING, text.cast())
}

/// Panics with what Go would panic with.
#[cold]
pub(crate) fn raise(error: TypeError) -> ! {
    let ty = match error {
        TypeError::Assertion(_) => &TYPE_ASSERTION_ERROR,
        TypeError::NilReceiver { .. } => &PLAIN_ERROR,
        _ => &ERROR_STRING,
    };
    panic::raise(current(), value(Any::pointing(ty, message(error))))
}

/// The error's text, which lives as long as the thread or goroutine.
fn message(error: TypeError) -> *const c_void {
    let mut bytes = [0u8; LONGEST];
    let mut buffer = Buffer::new(&mut bytes[..LONGEST - 1]);
    let _ = write!(Text(&mut buffer), "{error}");
    let len = buffer.total().min(LONGEST - 1);
    let text = current().alloc_text(len + 1);
    if text.is_null() {
        return c"runtime error".as_ptr().cast();
    }
    // SAFETY: that many bytes; the last one ends the string.
    unsafe {
        text.copy_from_nonoverlapping(bytes.as_ptr(), len);
        text.add(len).write(0);
    }
    text.cast()
}
