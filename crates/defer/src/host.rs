//! What the machine asks of its user: memory, and what only he knows about panic values.
//!
//! The facade implements it with its own heap and type descriptors. [`System`] is the working default: the C library's heap,
//! and Rust values ([`Value::of`]).

use crate::value::Value;
use core::ffi::{CStr, c_char};
use core::fmt;
use gort_sys::clib;

/// Where closures, boxes, chained defers and texts live.
pub trait Memory: Sync {
    /// A block aligned to 16; null when there is no memory.
    fn alloc(&self, size: usize) -> *mut u8;
    /// Takes a block back.
    ///
    /// # Safety
    /// From [`Memory::alloc`], not used any more.
    unsafe fn free(&self, block: *mut u8);
}

/// The panics that the machine raises itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oops {
    /// `panic(nil)`.
    NilPanic,
    /// A deferred call of a nil function.
    NilCall,
    /// Goexit where there is no goroutine.
    NotOnGoroutine,
}

impl Oops {
    /// What Go says.
    pub const fn text(self) -> &'static CStr {
        match self {
            Self::NilPanic => c"runtime error: panic called with nil argument",
            Self::NilCall => c"runtime error: invalid memory address or nil pointer dereference",
            Self::NotOnGoroutine => c"go_exit: not on a goroutine",
        }
    }
}

/// What the machine asks of its user. All of it may be asked of any thread.
pub trait Host: Memory {
    /// The value of a panic that the machine raises.
    fn oops(&self, what: Oops) -> Value;

    /// Calls the value's own `Error` or `String`, if it has one. May raise a panic.
    ///
    /// # Safety
    /// A value that was given to [`crate::panic::raise`].
    unsafe fn text(&self, value: Value) -> Option<*const c_char>;

    /// Prints a value as Go's `printpanicval` does: a tab behind each newline ([`crate::report::Indented`]). Calls nothing of
    /// the program's, and does not allocate.
    ///
    /// # Safety
    /// As for [`Host::text`].
    unsafe fn print(&self, value: Value, out: &mut dyn fmt::Write);

    /// The text of a value that is a plain string.
    ///
    /// # Safety
    /// As for [`Host::text`].
    unsafe fn string(&self, value: Value) -> Option<*const c_char>;

    /// Prints the name of a value's type.
    ///
    /// # Safety
    /// As for [`Host::text`].
    unsafe fn print_type(&self, value: Value, out: &mut dyn fmt::Write);

    /// Whether stale frames are reported from the start.
    fn is_checking(&self) -> bool {
        false
    }

    /// Whether `panic(nil)` is to be seen as nil, as before Go 1.21.
    fn keeps_nil_panics(&self) -> bool {
        false
    }
}

/// The C library's heap, and Rust values.
pub struct System;

impl Memory for System {
    fn alloc(&self, size: usize) -> *mut u8 {
        clib::malloc(size)
    }
    unsafe fn free(&self, block: *mut u8) {
        // SAFETY: passed on.
        unsafe { clib::free(block) }
    }
}

impl Host for System {
    fn oops(&self, what: Oops) -> Value {
        // A reference to a text takes two words; a reference to that, one.
        const TEXTS: [&&str; 3] = [
            &"runtime error: panic called with nil argument",
            &"runtime error: invalid memory address or nil pointer dereference",
            &"go_exit: not on a goroutine",
        ];
        Value::of(TEXTS[what as usize])
    }

    unsafe fn text(&self, _: Value) -> Option<*const c_char> {
        None
    }

    unsafe fn print(&self, value: Value, out: &mut dyn fmt::Write) {
        // SAFETY: Rust programs raise values of `Value::of`. A place to print that fails cannot be told.
        let _ = unsafe { value.print(&mut crate::report::Indented(out)) };
    }

    unsafe fn string(&self, _: Value) -> Option<*const c_char> {
        None
    }

    unsafe fn print_type(&self, _: Value, out: &mut dyn fmt::Write) {
        let _ = out.write_str("value");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_of_both_forms_agree() {
        for what in [Oops::NilPanic, Oops::NilCall, Oops::NotOnGoroutine] {
            let mut text = String::new();
            // SAFETY: made by `Value::of`.
            unsafe { System.print(System.oops(what), &mut text) };
            assert_eq!(text, what.text().to_str().unwrap());
        }
    }
}
