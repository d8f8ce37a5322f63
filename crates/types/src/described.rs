//! Descriptors of Rust types, and values of any type for Rust.
//!
//! [`describe!`](crate::describe) writes the descriptor of a `repr(C)` struct from its fields; [`Value`] borrows what it describes,
//! so that following its pointer is safe.

use crate::any::{Any, NIL};
use crate::basic::*;
use crate::descriptor::{Kind, Type, flags};
use crate::error::TypeError;
use crate::format::{Direct, Verb, write_value};
use crate::iface::{self, Iface, Place};
use crate::records::write_lossy;
use crate::sink::Sink;
use crate::{equal, reflect};
use core::ffi::{CStr, c_char, c_void};
use core::fmt::{self, Display, Formatter};
use core::marker::PhantomData;
use core::ptr::NonNull;

/// A Rust type that has a descriptor.
///
/// # Safety
/// The descriptor tells the truth about the layout of `Self`, and every pointer that it shows may be followed while the value
/// lives.
pub unsafe trait Described: 'static {
    /// The descriptor.
    const TYPE: &'static Type;
}

macro_rules! describe_basic {
    ($($t:ty: $id:ident,)*) => { $(
        // SAFETY: the basic type of the same layout.
        unsafe impl Described for $t {
            const TYPE: &'static Type = &$id;
        }
    )* };
}

describe_basic! {
    bool: BOOL, i8: INT8, i16: INT16, i32: INT32, i64: INT64, u8: UINT8, u16: UINT16, u32: UINT32, u64: UINT64,
    f32: FLOAT32, f64: FLOAT64, Str: STRING,
}

/// A string as C has it, which lives for ever.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Str(*const c_char);

impl From<&'static CStr> for Str {
    fn from(text: &'static CStr) -> Self {
        Self(text.as_ptr())
    }
}

// SAFETY: constant text.
unsafe impl Send for Str {}
// SAFETY: constant text.
unsafe impl Sync for Str {}

// SAFETY: an array is its elements, one after the other.
unsafe impl<T: Described, const N: usize> Described for [T; N] {
    const TYPE: &'static Type =
        &Type { kind: Kind::Array, flags: flags::WRITTEN, elem: T::TYPE, len: N, ..Type::EMPTY };
}

/// Describes a `repr(C)` struct, as `GO_TYPE_STRUCT` does in C, or a new type over another one, as `GO_TYPE_NAMED` does.
///
/// Methods are `extern "C"` functions whose first argument is a reference or pointer to the value. Nobody checks that what calls
/// them by name knows their signature, hence the word `unsafe`.
///
/// ```
/// use gort_types::{Described, Value, describe};
///
/// #[repr(C)]
/// struct Point {
///     x: i32,
///     y: i32,
/// }
///
/// extern "C" fn area(point: &Point) -> i64 {
///     i64::from(point.x) * i64::from(point.y)
/// }
///
/// describe! {
///     Point as c"main.Point" { x: i32, y: i32 } unsafe methods { c"Area" => area }
/// }
///
/// let point = Point { x: 2, y: 3 };
/// let value = Value::of(&point);
/// assert_eq!(format!("{value} {value:+}"), "{2 3} {x:2 y:3}");
/// assert_eq!(value.field("y").unwrap().get::<i32>().unwrap(), 3);
/// assert_eq!(value.get::<i32>().unwrap_err().to_string(), "interface conversion: interface {} is main.Point, not int32");
/// assert!(Point::TYPE.method(b"Area").is_some());
/// ```
#[macro_export]
macro_rules! describe {
    ($t:ty as $name:literal { $($field:ident: $of:ty),* $(,)? }
     $(unsafe methods { $($method:literal => $code:path),* $(,)? })?) => {
        $( const _: fn(&$t) -> &$of = |value| &value.$field; )*
        $crate::describe!(@impl $t, {
            static FIELDS: &[$crate::Field] = &[$( $crate::Field {
                name: match ::core::ffi::CStr::from_bytes_with_nul(concat!(stringify!($field), "\0").as_bytes()) {
                    Ok(name) => name.as_ptr(),
                    Err(_) => ::core::ptr::null(),
                },
                ty: <$of as $crate::Described>::TYPE,
                offset: ::core::mem::offset_of!($t, $field),
            } ),*];
            $crate::Type {
                name: $name.as_ptr(),
                size: size_of::<$t>(),
                align: align_of::<$t>() as u32,
                kind: $crate::Kind::Struct,
                fields: FIELDS.as_ptr(),
                num_field: FIELDS.len(),
                ..$crate::Type::EMPTY
            }
        }, $($($method => $code),*)?);
    };
    ($t:ty as $name:literal over $below:ty
     $(; unsafe methods { $($method:literal => $code:path),* $(,)? })?) => {
        const _: () = assert!(size_of::<$t>() == size_of::<$below>() && align_of::<$t>() == align_of::<$below>());
        $crate::describe!(@impl $t, $crate::Type {
            name: $name.as_ptr(),
            flags: $crate::flags::NAMED,
            elem: <$below as $crate::Described>::TYPE,
            ..$crate::Type::EMPTY
        }, $($($method => $code),*)?);
    };
    (@impl $t:ty, $start:expr, $($method:literal => $code:path),*) => {
        // SAFETY: the fields' types were checked above, and their offsets are the compiler's.
        unsafe impl $crate::Described for $t {
            const TYPE: &'static $crate::Type = {
                static CACHE: $crate::Cache = $crate::Cache::new();
                static METHODS: &[$crate::Method] = &[$( $crate::Method {
                    name: $method.as_ptr(),
                    // SAFETY: code of unknown signature; who calls it casts it back.
                    code: Some(unsafe { ::core::mem::transmute::<*const (), $crate::Code>($code as *const ()) }),
                    call: None,
                    flags: 0,
                } ),*];
                static TYPE: $crate::Type = $crate::Type {
                    methods: METHODS.as_ptr(),
                    num_method: METHODS.len(),
                    cache: &CACHE,
                    ..$start
                };
                &TYPE
            };
        }
    };
}

/// A value of any type, borrowed: Go's `any` for Rust. `Display` is `%v`, and `{:+}` is `%+v`.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    any: Any,
    at: *const c_void,
    borrowed: PhantomData<&'a ()>,
}

impl<'a> Value<'a> {
    /// The value of a variable.
    pub fn of<T: Described>(variable: &'a T) -> Self {
        let at = core::ptr::from_ref(variable).cast();
        // SAFETY: a `T`, as its descriptor says, borrowed for as long as the result.
        Self { any: unsafe { Any::load(T::TYPE, at) }, at, borrowed: PhantomData }
    }

    /// No value.
    pub const fn nil() -> Self {
        Self { any: NIL, at: core::ptr::null(), borrowed: PhantomData }
    }

    /// The dynamic type; `None` of nil.
    pub const fn ty(&self) -> Option<&'static Type> {
        self.any.ty
    }

    /// The plain pair of words.
    pub const fn any(&self) -> Any {
        self.any
    }

    /// `v.(T)`: a copy of the value.
    ///
    /// # Errors
    /// It has another type.
    pub fn get<T: Described + Copy>(&self) -> Result<T, TypeError> {
        iface::assert(self.any, T::TYPE)?;
        // SAFETY: a value of that type lies there, borrowed.
        Ok(unsafe { self.at.cast::<T>().read() })
    }

    /// `v.(I)`: whether the value has all methods of an interface.
    ///
    /// # Errors
    /// It lacks one, or is nil.
    pub fn assert(&self, interface: &'static Type) -> Result<Self, TypeError> {
        iface::assert(self.any, interface)?;
        Ok(*self)
    }

    /// The value behind an interface, to call its methods through the itab; not to be used when the borrow is over.
    ///
    /// # Errors
    /// As [`Value::assert`].
    pub fn behind(&self, interface: &'static Type) -> Result<Iface, TypeError> {
        Iface::new(interface, self.any, self)
    }

    /// A field, by name.
    pub fn field(&self, name: &str) -> Option<Value<'a>> {
        let field = self.any.ty?.field(name.as_bytes())?;
        // SAFETY: a field of the borrowed value.
        unsafe {
            let at = self.at.byte_add(field.offset);
            Some(Self {
                any: reflect::get(self.any.ty?, self.at, name.as_bytes()),
                at,
                borrowed: PhantomData,
            })
        }
    }

    /// `a == b`.
    ///
    /// # Errors
    /// Both have one type, and its values cannot be compared.
    pub fn equals(&self, other: &Value<'_>) -> Result<bool, TypeError> {
        // SAFETY: both are borrowed.
        unsafe { equal::equal(self.any, other.any) }
    }

    /// A hash: equal values have equal ones, in one process.
    ///
    /// # Errors
    /// Values of the type cannot be compared.
    pub fn hash(&self, seed: u64) -> Result<u64, TypeError> {
        // SAFETY: borrowed.
        unsafe { equal::hash(self.any, seed) }
    }
}

/// A scalar lies where it was borrowed from.
impl Place for Value<'_> {
    fn place(&self, _: Any) -> Option<NonNull<c_void>> {
        NonNull::new(self.at.cast_mut())
    }
}

impl Display for Value<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        struct To<'a, 'b>(&'a mut Formatter<'b>, fmt::Result);
        impl Sink for To<'_, '_> {
            fn put(&mut self, bytes: &[u8]) {
                self.1 = self.1.and_then(|()| write_lossy(self.0, bytes));
            }
        }
        let verb = if f.sign_plus() { Verb::Plus } else { Verb::Plain };
        let mut out = To(f, Ok(()));
        // SAFETY: borrowed; `Error` and `String` have their signature, which `describe!` asks for with the word unsafe.
        unsafe { write_value(&mut out, self.any, verb, &Direct) };
        out.1
    }
}
