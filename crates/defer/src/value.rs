//! What a panic carries: two words, a type and a payload.
//!
//! Both are opaque to the machine. In C they are a `go_any`, whose type word is a type descriptor. A Rust program without
//! the facade uses [`Value::of`]: the type word is a [`Tag`], one for each Rust type, and the payload is the value itself,
//! in at most eight bytes.

use core::any::TypeId;
use core::ffi::c_void;
use core::fmt;

/// A dynamic value. Equal when both words are, as Go compares panics.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// The type; null for nil.
    pub kind: *const c_void,
    /// The payload.
    pub word: u64,
}

/// The type word of a Rust value.
pub struct Tag {
    id: fn() -> TypeId,
    print: fn(u64, &mut dyn fmt::Write) -> fmt::Result,
}

/// A Rust value that fits into a payload.
pub trait Payload: Copy + fmt::Display + 'static {
    /// The type's tag.
    const TAG: &'static Tag;
}

impl<T: Copy + fmt::Display + 'static> Payload for T {
    const TAG: &'static Tag =
        &Tag { id: TypeId::of::<T>, print: |word, out| write!(out, "{}", take::<T>(word)) };
}

/// The value that [`Value::of`] put into a payload.
fn take<T: Copy>(word: u64) -> T {
    const { assert!(size_of::<T>() <= 8 && align_of::<T>() <= 8, "a payload has eight bytes") };
    // SAFETY: `Value::of` wrote a `T` there.
    unsafe { (&raw const word).cast::<T>().read() }
}

impl Value {
    /// No value, as in `panic(nil)`.
    pub const NIL: Self = Self { kind: core::ptr::null(), word: 0 };

    /// Carries a Rust value of at most eight bytes: a number, a reference to something static.
    pub fn of<T: Payload>(value: T) -> Self {
        const { assert!(size_of::<T>() <= 8 && align_of::<T>() <= 8, "a payload has eight bytes") };
        let mut word = 0u64;
        // SAFETY: eight bytes, aligned to eight.
        unsafe { (&raw mut word).cast::<T>().write(value) };
        Self { kind: core::ptr::from_ref(T::TAG).cast(), word }
    }

    /// The value, if it is of this type.
    ///
    /// # Safety
    /// The value came from [`Value::of`], or is [`Value::NIL`].
    pub unsafe fn get<T: Payload>(self) -> Option<T> {
        // SAFETY: the type word is null or a tag.
        let tag = unsafe { self.kind.cast::<Tag>().as_ref() }?;
        ((tag.id)() == TypeId::of::<T>()).then(|| take(self.word))
    }

    /// Prints the value, or `nil`.
    ///
    /// # Safety
    /// As for [`Value::get`].
    pub unsafe fn print(self, out: &mut dyn fmt::Write) -> fmt::Result {
        // SAFETY: the type word is null or a tag.
        match unsafe { self.kind.cast::<Tag>().as_ref() } {
            Some(tag) => (tag.print)(self.word, out),
            None => out.write_str("nil"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back_as_the_type_it_had() {
        let value = Value::of(-5i32);
        // SAFETY: made by `of`.
        unsafe {
            assert_eq!(value.get::<i32>(), Some(-5));
            assert_eq!(value.get::<u32>(), None);
            let mut text = String::new();
            value.print(&mut text).unwrap();
            Value::NIL.print(&mut text).unwrap();
            assert_eq!(text, "-5nil");
        }
    }
}
