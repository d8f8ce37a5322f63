//! A value of any type: its type, and the value or a pointer to it. `go_any` in C.
//!
//! Go's `interface {}` always holds a pointer; here a scalar lies in the second word itself, so that a C program can write it
//! without memory:
//!
//! | kind | second word |
//! |---|---|
//! | bool, integers | the value, extended to 64 bits |
//! | floats | a double |
//! | string | the `const char *` |
//! | pointer, channel, function, map | the pointer |
//! | struct, array, slice | a pointer to the value |
//!
//! [`Any`] is a plain pair of words, as C has it, and says nothing about how long what it points to lives; the functions that
//! follow the pointer are unsafe. [`Value`](crate::Value) is the safe form for Rust.

use crate::descriptor::{Kind, Type};
use core::ffi::{c_char, c_void};

/// `go_any`: passed in two registers.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Any {
    /// The dynamic type; `None` is the nil interface (IF-1).
    pub ty: Option<&'static Type>,
    /// The union of C, as bits.
    pub bits: u64,
}

static_assertions::const_assert_eq!(size_of::<Any>(), 16);

/// The nil interface.
pub const NIL: Any = Any { ty: None, bits: 0 };

/// A slice in memory: what `v.p` of a slice points to.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SliceWords {
    /// First element.
    pub ptr: *mut c_void,
    /// Elements.
    pub len: usize,
    /// Elements there is room for.
    pub cap: usize,
}

/// Reads a `T` that C may have packed.
///
/// # Safety
/// A `T` lies at `at`.
unsafe fn read<T: Copy>(at: *const c_void) -> T {
    // SAFETY: as the caller says.
    unsafe { at.cast::<T>().read_unaligned() }
}

impl Any {
    /// A value of type `ty` whose second word is `bits`.
    #[inline]
    pub const fn new(ty: &'static Type, bits: u64) -> Self {
        Self { ty: Some(ty), bits }
    }

    /// A pointer, or a pointer to a value, of type `ty`.
    #[inline]
    pub fn pointing(ty: &'static Type, at: *const c_void) -> Self {
        Self { ty: Some(ty), bits: at.expose_provenance() as u64 }
    }

    /// Whether it is the nil interface: no type. A nil pointer with a type is not (IF-1).
    #[inline]
    pub const fn is_nil(&self) -> bool {
        self.ty.is_none()
    }

    /// The second word as a pointer.
    #[inline]
    pub fn ptr(&self) -> *mut c_void {
        core::ptr::with_exposed_provenance_mut(self.bits as usize)
    }

    /// The second word as a double.
    #[inline]
    pub fn float(&self) -> f64 {
        f64::from_bits(self.bits)
    }

    /// The second word as a signed integer.
    #[inline]
    pub const fn int(&self) -> i64 {
        self.bits as i64
    }

    /// Reads a value of type `ty` from memory. Of an interface in memory the value is the dynamic one.
    ///
    /// # Safety
    /// A value of that type lies at `at`; a result that points to it is used only while it lies there.
    pub unsafe fn load(ty: &'static Type, at: *const c_void) -> Any {
        // SAFETY: a value of the type lies there, as the caller says, and each arm reads what its kind has in memory.
        let bits = unsafe {
            match ty.kind() {
                Kind::Bool => u64::from(read::<u8>(at) != 0),
                Kind::Int8 => read::<i8>(at) as u64,
                Kind::Int16 => read::<i16>(at) as u64,
                Kind::Int32 => read::<i32>(at) as u64,
                Kind::Uint8 => u64::from(read::<u8>(at)),
                Kind::Uint16 => u64::from(read::<u16>(at)),
                Kind::Uint32 => u64::from(read::<u32>(at)),
                Kind::Int64 | Kind::Uint64 | Kind::Float64 => read::<u64>(at),
                Kind::Float32 => f64::from(read::<f32>(at)).to_bits(),
                Kind::String | Kind::Pointer | Kind::Chan | Kind::Func | Kind::Map => {
                    read::<*const c_void>(at).expose_provenance() as u64
                }
                Kind::Struct | Kind::Array | Kind::Slice => return Any::pointing(ty.canonical(), at),
                Kind::Interface if ty.is_empty_interface() => return read::<Any>(at),
                Kind::Interface => return read::<crate::Iface>(at).value(),
                Kind::Invalid => return NIL,
            }
        };
        Any { ty: Some(ty.canonical()), bits }
    }

    /// Writes the value to memory, in the form that its type has there.
    ///
    /// # Safety
    /// `at` has room for a value of the type, and where the second word is a pointer to a value, it is one.
    pub unsafe fn store(&self, at: *mut c_void) {
        let Some(ty) = self.ty else { return };
        // SAFETY: there is room for the value, as the caller says, and a second word that points, points to a value. A field may
        // be set to itself, so the two places may be one.
        unsafe {
            match ty.kind() {
                Kind::Bool => at.cast::<bool>().write(self.bits != 0),
                Kind::Int8 | Kind::Uint8 => at.cast::<u8>().write(self.bits as u8),
                Kind::Int16 | Kind::Uint16 => at.cast::<u16>().write_unaligned(self.bits as u16),
                Kind::Int32 | Kind::Uint32 => at.cast::<u32>().write_unaligned(self.bits as u32),
                Kind::Int64 | Kind::Uint64 | Kind::Float64 => at.cast::<u64>().write_unaligned(self.bits),
                Kind::Float32 => at.cast::<f32>().write_unaligned(self.float() as f32),
                Kind::String | Kind::Pointer | Kind::Chan | Kind::Func | Kind::Map => {
                    at.cast::<*mut c_void>().write_unaligned(self.ptr());
                }
                Kind::Struct | Kind::Array | Kind::Slice => {
                    core::ptr::copy(self.ptr().cast::<u8>(), at.cast::<u8>(), ty.size());
                }
                Kind::Interface | Kind::Invalid => {}
            }
        }
    }

    /// The text of a string; a null pointer is the empty one.
    ///
    /// # Safety
    /// The type is a string, and the text stays while the result is used.
    pub unsafe fn text<'a>(&self) -> &'a [u8] {
        let at: *const c_char = self.ptr().cast();
        // SAFETY: as the caller says.
        if at.is_null() { &[] } else { unsafe { core::ffi::CStr::from_ptr(at) }.to_bytes() }
    }

    /// Whether the second word points to the value rather than being it.
    pub(crate) fn is_indirect(&self) -> bool {
        self.ty.is_some_and(|ty| matches!(ty.kind(), Kind::Struct | Kind::Array | Kind::Slice))
    }
}
