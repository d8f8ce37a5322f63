//! What gort-defer asks of the facade: memory from its heap, and the printing of panic values, whose types gort-types knows.

use crate::ctypes::{go_any, go_type};
use crate::types::error::{raise, runtime_error};
use core::ffi::{c_char, c_void};
use core::fmt;
use core::mem::transmute;
use gort_defer::{Host, Memory, Oops, Value};
use gort_malloc::MALLOC;
use gort_sys::env;
use gort_types::panic_text::write_panic;
use gort_types::reflect::nil_receiver;
use gort_types::{Any, Kind, STRING, TypeError};

/// The facade, as gort-defer sees it.
pub(crate) struct Facade;

/// The one of it.
pub(crate) const HOST: &Facade = &Facade;

/// A panic's value as C sees it.
pub(crate) fn any(v: Value) -> go_any {
    // SAFETY: the type word of every value that is raised here is null or a descriptor.
    Any { ty: unsafe { v.kind.cast::<go_type>().as_ref() }, bits: v.word }
}

/// C's value as a panic carries it.
pub(crate) fn value(v: go_any) -> Value {
    Value { kind: v.ty.map_or(core::ptr::null(), |ty| core::ptr::from_ref(ty).cast()), word: v.bits }
}

/// A string.
pub(crate) fn string(text: *const c_char) -> Value {
    value(Any::pointing(&STRING, text.cast()))
}

impl Memory for Facade {
    fn alloc(&self, size: usize) -> *mut u8 {
        MALLOC.malloc(size).cast()
    }
    unsafe fn free(&self, block: *mut u8) {
        // SAFETY: passed on.
        unsafe { MALLOC.free(block) }
    }
}

impl Host for Facade {
    fn oops(&self, what: Oops) -> Value {
        match what {
            Oops::NotOnGoroutine => string(what.text().as_ptr()),
            Oops::NilPanic | Oops::NilCall => value(runtime_error(what.text().as_ptr())),
        }
    }

    unsafe fn text(&self, v: Value) -> Option<*const c_char> {
        let v = any(v);
        let ty = v.ty?;
        let named = |name: &[u8]| ty.methods().iter().find(|m| m.name() == name);
        let method = named(b"Error").or_else(|| named(b"String"))?;
        if let Some(ty) = nil_receiver(v).filter(|_| !method.has_pointer_receiver()) {
            raise(TypeError::NilReceiver { ty, method: method.name() });
        }
        let method = method.code?;
        let mut scalar = 0u64;
        let receiver = match ty.kind() {
            Kind::Pointer | Kind::Struct | Kind::Array | Kind::Slice => v.ptr(),
            _ => {
                // SAFETY: a scalar takes at most eight bytes.
                unsafe { v.store((&raw mut scalar).cast()) };
                (&raw mut scalar).cast()
            }
        };
        // SAFETY: Error and String have this signature, as the interface's documentation asks.
        let method: unsafe extern "C" fn(*mut c_void) -> *const c_char = unsafe { transmute(method) };
        // SAFETY: a method of the value's type, called with the value.
        let text = unsafe { method(receiver) };
        Some(if text.is_null() { c"".as_ptr() } else { text })
    }

    unsafe fn print(&self, v: Value, out: &mut dyn fmt::Write) {
        // SAFETY: a value that was raised.
        let _ = unsafe { write_panic(out, any(v)) };
    }

    unsafe fn string(&self, v: Value) -> Option<*const c_char> {
        let v = any(v);
        (v.ty?.kind() == Kind::String).then(|| v.ptr().cast_const().cast())
    }

    unsafe fn print_type(&self, v: Value, out: &mut dyn fmt::Write) {
        if let Some(ty) = any(v).ty {
            let _ = write!(out, "{ty}");
        }
    }

    fn is_checking(&self) -> bool {
        env::var(b"GORT_CHECK").and_then(env::parse_u64).unwrap_or(0) > 0
    }

    fn keeps_nil_panics(&self) -> bool {
        env::var(b"GODEBUG").is_some_and(|all| all.split(|c| *c == b',').any(|one| one == b"panicnil=1"))
    }
}
