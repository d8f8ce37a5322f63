//! The type descriptor: what a program says of a type, as constant data.
//!
//! Go's compiler writes an `abi.Type` for every type; here a macro does, in C (`GO_TYPE_STRUCT` and its kin) or in Rust
//! ([`describe!`](crate::describe)), from `offsetof` and `sizeof` alone. So a descriptor is constant: it lies in memory that is
//! read-only once the program is linked, and nobody registers it. What has to be worked out (sorted methods, the pointer
//! bitmap, the name of a composite) is an [`Info`], made at the first question and hung on [`Type::cache`].
//!
//! ```text
//!  go_type main_Point (read-only, 128 bytes)                        cache (8 bytes, written once)
//!  ┌──────────┬──────┬───────┬──────┬───────┬────────┬─────────┐    ┌──────┐
//!  │ name     │ size │ align │ kind │ elem  │ fields │ methods │...─▶│ info ├──▶ Info: sorted methods, bitmap, string
//!  └────┬─────┴──────┴───────┴──────┴───────┴───┬────┴────┬────┘    └──────┘
//!       ▼                                       ▼         ▼
//!   "main.Point"       {"x", &go_type_int32, 0} ...   {"Area", fn, call, flags} ... {NULL}
//! ```
//!
//! Four sorts of descriptor, told apart by [`Type::flags`]:
//!
//! * plain: a basic type, a struct, an interface;
//! * `NAMED`: a new type over another one, `elem`. Kind, size and the rest are those of the bottom of that chain;
//! * `WRITTEN`: a composite (`*T`, `[]T`, `[n]T`, `chan T`) written down as constant data, for the table of fields of a struct.
//!   It stands for the canonical descriptor of the same type; every call takes it as that;
//! * `CANONICAL`: a composite from the table, of which there is one for each type.

use core::ffi::{c_char, c_void};
use gort_sync::atomic::AtomicPtr;

use crate::info::Info;

/// What a type is at the bottom. The figures are those of `GO_KIND_...` in C.
#[repr(u8)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Kind {
    Invalid,
    Bool,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Float32,
    Float64,
    String,
    Pointer,
    Struct,
    Array,
    Slice,
    Chan,
    Func,
    Map,
    Interface,
}

/// Bits of [`Type::flags`].
pub mod flags {
    /// A new type over `elem`.
    pub const NAMED: u8 = 1;
    /// A composite as constant data, which stands for the canonical one.
    pub const WRITTEN: u8 = 2;
    /// The one descriptor of a composite.
    pub const CANONICAL: u8 = 4;
    /// Contents unknown (a union): every word may be a pointer, and values cannot be compared.
    pub const OPAQUE: u8 = 8;
    /// A method that belongs to `*T` alone. A bit of [`super::Method::flags`].
    pub const POINTER_RECEIVER: usize = 1;
}

/// Compares two values of a type.
pub type EqualFn = unsafe extern "C" fn(*const c_void, *const c_void) -> bool;
/// Hashes a value of a type with a seed.
pub type HashFn = unsafe extern "C" fn(*const c_void, u64) -> u64;
/// A function of unknown signature; the caller knows and casts.
pub type Code = unsafe extern "C" fn();
/// Calls a method with its arguments in a record that the method's author chose.
pub type CallFn = unsafe extern "C" fn(receiver: *mut c_void, args: *mut c_void);

/// Descriptor of a type: `go_type` in C. Immutable; compared by address (see [`Type::same`] for `WRITTEN` ones).
#[repr(C)]
pub struct Type {
    /// Qualified name, `main.Point`; what stands before the last dot is the package. Null for composites.
    pub name: *const c_char,
    /// Size in bytes. Nought for `NAMED` and `WRITTEN`, whose size follows from `elem`.
    pub size: usize,
    /// Alignment in bytes; nought as above.
    pub align: u32,
    /// What the type is; `Invalid` for `NAMED`.
    pub kind: Kind,
    /// See [`flags`].
    pub flags: u8,
    /// Nought.
    pub reserved: u16,
    /// Pointer, slice, array, channel, map: the element. `NAMED`: the type below.
    pub elem: *const Type,
    /// Array: elements. Function: how many of `parts` are parameters, the rest are results.
    pub len: usize,
    /// Struct: `num_field` fields in the order of their offsets.
    pub fields: *const Field,
    /// Struct: how many fields. Function and map: how many `parts`.
    pub num_field: usize,
    /// `num_method` methods.
    pub methods: *const Method,
    /// Methods, or an interface's demands.
    pub num_method: usize,
    /// Interface: the names of the `num_method` methods that it demands, in any order.
    pub wants: *const *const c_char,
    /// Equality, where it is not what the kind says; may be null.
    pub equal: Option<EqualFn>,
    /// Hash, likewise.
    pub hash: Option<HashFn>,
    /// Of an `OPAQUE` type: bit i of word i/64 says that the i-th 8 bytes of a value may hold a pointer. Null: all may.
    /// The bitmaps of all other types are worked out from the fields.
    pub pointers: *const u64,
    /// Function: parameters, then results. Map: the key.
    pub parts: *const *const Type,
    /// Where what was worked out is kept.
    pub cache: *const Cache,
    /// Null.
    pub spare: *const c_void,
}

/// A field of a struct: `go_field`.
#[repr(C)]
pub struct Field {
    /// Its name.
    pub name: *const c_char,
    /// Its type.
    pub ty: *const Type,
    /// Its distance from the start of the struct, in bytes.
    pub offset: usize,
}

/// A method: `go_method`.
#[repr(C)]
pub struct Method {
    /// Its name.
    pub name: *const c_char,
    /// The function; its first argument is a pointer to the value.
    pub code: Option<Code>,
    /// Calls it by reflection; may be null.
    pub call: Option<CallFn>,
    /// `POINTER_RECEIVER` or nought.
    pub flags: usize,
}

/// Where a descriptor keeps what is worked out of it: one word, null at first. `go_type_cache` in C.
#[repr(C)]
pub struct Cache {
    pub(crate) info: AtomicPtr<Info>,
}

impl Cache {
    gort_sync::const_unless_loom! {
        /// An empty one.
        pub fn new() -> Self {
            Self { info: AtomicPtr::new(core::ptr::null_mut()) }
        }
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: immutable, but for the cache, which is atomic.
unsafe impl Sync for Type {}
// SAFETY: as above; descriptors live for ever.
unsafe impl Send for Type {}
// SAFETY: immutable.
unsafe impl Sync for Field {}
// SAFETY: immutable.
unsafe impl Send for Field {}
// SAFETY: immutable.
unsafe impl Sync for Method {}
// SAFETY: immutable.
unsafe impl Send for Method {}

#[cfg(target_pointer_width = "64")]
mod layout {
    //! The layout is part of the C interface; header/types.first.h asserts the same figures.
    use super::{Cache, Field, Method, Type};
    use core::mem::offset_of;
    use static_assertions::const_assert_eq;
    const_assert_eq!(size_of::<Type>(), 128);
    const_assert_eq!(size_of::<Field>(), 24);
    const_assert_eq!(size_of::<Method>(), 32);
    const_assert_eq!(offset_of!(Type, size), 8);
    const_assert_eq!(offset_of!(Type, kind), 20);
    const_assert_eq!(offset_of!(Type, flags), 21);
    const_assert_eq!(offset_of!(Type, elem), 24);
    const_assert_eq!(offset_of!(Type, len), 32);
    const_assert_eq!(offset_of!(Type, fields), 40);
    const_assert_eq!(offset_of!(Type, methods), 56);
    const_assert_eq!(offset_of!(Type, wants), 72);
    const_assert_eq!(offset_of!(Type, equal), 80);
    const_assert_eq!(offset_of!(Type, hash), 88);
    const_assert_eq!(offset_of!(Type, pointers), 96);
    const_assert_eq!(offset_of!(Type, parts), 104);
    const_assert_eq!(offset_of!(Type, cache), 112);
    const_assert_eq!(offset_of!(Field, offset), 16);
    const_assert_eq!(offset_of!(Method, code), 8);
    const_assert_eq!(offset_of!(Method, call), 16);
    const_assert_eq!(offset_of!(Method, flags), 24);
    #[cfg(not(loom))]
    const_assert_eq!(size_of::<Cache>(), 8);
    #[cfg(loom)]
    const _: fn() -> Cache = Cache::new;
}

impl Type {
    /// A descriptor that says nothing; the start of every other.
    pub const EMPTY: Type = Type {
        name: core::ptr::null(),
        size: 0,
        align: 1,
        kind: Kind::Invalid,
        flags: 0,
        reserved: 0,
        elem: core::ptr::null(),
        len: 0,
        fields: core::ptr::null(),
        num_field: 0,
        methods: core::ptr::null(),
        num_method: 0,
        wants: core::ptr::null(),
        equal: None,
        hash: None,
        pointers: core::ptr::null(),
        parts: core::ptr::null(),
        cache: core::ptr::null(),
        spare: core::ptr::null(),
    };
}
