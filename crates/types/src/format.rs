//! A value as text: `%v` and `%+v`.
//!
//! Follows what Go's package `fmt` prints, not how. Methods `Error` and `String` speak for a value where Go lets them: at the top,
//! and below it in elements and in fields whose names start with a capital (Go cannot call methods of the others).

use crate::any::{Any, SliceWords};
use crate::descriptor::{Kind, Method, Type};
use crate::float::write_float;
use crate::reflect::{nil_receiver, with_receiver};
use crate::sink::{Sink, Text};
use core::ffi::{CStr, c_char, c_void};
use core::fmt::Write;

/// `%v` or `%+v`, which names the fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verb {
    /// `%v`
    Plain,
    /// `%+v`
    Plus,
}

/// Calls a method that may panic.
pub trait Caller {
    /// Runs `call`.
    ///
    /// # Errors
    /// The value that it panicked with.
    fn call(&self, call: &mut dyn FnMut()) -> Result<(), Any>;
}

/// Calls and lets panics pass.
pub struct Direct;

impl Caller for Direct {
    fn call(&self, call: &mut dyn FnMut()) -> Result<(), Any> {
        call();
        Ok(())
    }
}

/// Writes a value.
///
/// # Safety
/// What the value points to lies there; its methods `Error` and `String`, where it has them, are C functions that take a pointer
/// to the value and return a string.
pub unsafe fn write_value(out: &mut dyn Sink, value: Any, verb: Verb, caller: &dyn Caller) {
    Printer { out, verb, caller, catching: false }.print(value, Place { depth: 0, exported: true });
}

/// The text of the method that speaks for a value, if it has one: `Error` before `String`.
pub(crate) fn text_method(value: Any) -> Option<(&'static Method, &'static str)> {
    let ty = value.ty?;
    let find = |name: &'static str| Some((ty.method(name.as_bytes())?, name));
    find("Error").or_else(|| find("String"))
}

/// Calls such a method; `Err` is what it panicked with.
pub(crate) fn call_text(value: Any, method: &Method, caller: &dyn Caller) -> Result<&'static [u8], Any> {
    let Some(code) = method.code else { return Ok(&[]) };
    // SAFETY: methods of these names have this signature, which `write_value` asks for.
    let code = unsafe {
        core::mem::transmute::<crate::Code, unsafe extern "C" fn(*mut c_void) -> *const c_char>(code)
    };
    let mut text = core::ptr::null();
    // SAFETY: a pointer to a value of the type that has the method.
    with_receiver(value, |at| caller.call(&mut || text = unsafe { code(at) }))?;
    // SAFETY: null or a string, which lives until it is printed.
    Ok(if text.is_null() { &[] } else { unsafe { CStr::from_ptr(text) }.to_bytes() })
}

/// Where in the printed value we are.
#[derive(Clone, Copy)]
struct Place {
    depth: usize,
    /// No field on the way here has a small first letter.
    exported: bool,
}

impl Place {
    fn below(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }
}

struct Printer<'a> {
    out: &'a mut dyn Sink,
    verb: Verb,
    caller: &'a dyn Caller,
    /// The value that a method panicked with is being printed.
    catching: bool,
}

impl Printer<'_> {
    fn put(&mut self, text: &str) {
        self.out.put(text.as_bytes());
    }

    /// Writes formatted text; sinks take everything.
    fn put_fmt(&mut self, args: core::fmt::Arguments<'_>) {
        let _ = Text(self.out).write_fmt(args);
    }

    fn print(&mut self, value: Any, place: Place) {
        let Some(ty) = value.ty else { return self.put("<nil>") };
        if place.exported && self.print_by_method(value) {
            return;
        }
        match ty.kind() {
            Kind::Bool => self.put(if value.bits != 0 { "true" } else { "false" }),
            Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => {
                self.put_fmt(format_args!("{}", value.int()))
            }
            Kind::Uint8 | Kind::Uint16 | Kind::Uint32 | Kind::Uint64 => {
                self.put_fmt(format_args!("{}", value.bits));
            }
            Kind::Float32 | Kind::Float64 => {
                let _ = write_float(&mut Text(self.out), value.float(), ty.kind() == Kind::Float32);
            }
            // SAFETY: `write_value` asks for it, here and below.
            Kind::String => self.out.put(unsafe { value.text() }),
            Kind::Struct | Kind::Array if value.bits == 0 && ty.size() > 0 => self.put("<nil>"),
            Kind::Struct => self.print_struct(ty, value.ptr(), place),
            Kind::Array => self.print_elements(ty, value.ptr(), ty.array_len(), place),
            Kind::Slice => self.print_slice(ty, value.ptr().cast(), place),
            Kind::Pointer if place.depth == 0 => self.print_pointer(value, place),
            Kind::Invalid => self.put("<invalid>"),
            _ => self.print_address(value.bits),
        }
    }

    /// Lets `Error` or `String` speak; false when the value has neither.
    fn print_by_method(&mut self, value: Any) -> bool {
        let Some((method, name)) = text_method(value) else { return false };
        let is_nil = nil_receiver(value).is_some();
        if is_nil && !method.has_pointer_receiver() {
            self.put("<nil>"); // It would panic (IF-5), and Go prints a nil receiver's panic so.
            return true;
        }
        match call_text(value, method, self.caller) {
            Ok(text) => self.out.put(text),
            Err(_) if is_nil => self.put("<nil>"),
            Err(_) if self.catching => self.put("%!v(PANIC again)"),
            Err(panic) => {
                self.put_fmt(format_args!("%!v(PANIC={name} method: "));
                self.catching = true;
                self.print(panic, Place { depth: 0, exported: true });
                self.catching = false;
                self.put(")");
            }
        }
        true
    }

    fn print_struct(&mut self, ty: &'static Type, at: *const c_void, place: Place) {
        self.put("{");
        for (i, field) in ty.fields().iter().enumerate() {
            if i > 0 {
                self.put(" ");
            }
            if self.verb == Verb::Plus {
                self.out.put(field.name());
                self.put(":");
            }
            let exported = place.exported && is_exported(field.name());
            // SAFETY: the field lies that far inside the value.
            let value = unsafe { Any::load(field.ty(), at.byte_add(field.offset)) };
            self.print(value, Place { exported, ..place.below() });
        }
        self.put("}");
    }

    fn print_elements(&mut self, ty: &'static Type, at: *const c_void, len: usize, place: Place) {
        self.put("[");
        for (i, elem) in ty.elem().into_iter().flat_map(|elem| (0..len).map(move |i| (i, elem))) {
            if i > 0 {
                self.put(" ");
            }
            // SAFETY: element i lies there.
            let value = unsafe { Any::load(elem, at.byte_add(i * elem.size())) };
            self.print(value, place.below());
        }
        self.put("]");
    }

    fn print_slice(&mut self, ty: &'static Type, at: *const SliceWords, place: Place) {
        // SAFETY: null, or a slice in memory.
        match unsafe { at.as_ref() } {
            Some(slice) => self.print_elements(ty, slice.ptr, slice.len, place),
            None => self.put("[]"),
        }
    }

    /// At the top a pointer to a struct, an array or a slice shows what it points to.
    fn print_pointer(&mut self, value: Any, place: Place) {
        let elem = value.ty.and_then(|ty| ty.elem());
        match elem.filter(|elem| matches!(elem.kind(), Kind::Struct | Kind::Array | Kind::Slice)) {
            Some(elem) if value.bits != 0 => {
                self.put("&");
                self.print(Any::pointing(elem, value.ptr()), place.below());
            }
            _ => self.print_address(value.bits),
        }
    }

    fn print_address(&mut self, address: u64) {
        match address {
            0 => self.put("<nil>"),
            _ => self.put_fmt(format_args!("{address:#x}")),
        }
    }
}

/// Whether a name starts with a capital.
fn is_exported(name: &[u8]) -> bool {
    name.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next()).is_some_and(char::is_uppercase)
}
