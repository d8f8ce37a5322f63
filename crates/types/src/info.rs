//! What is worked out of a descriptor: sorted methods, an interface's sorted demands, the name of a composite, the pointer
//! bitmap. Made at the first question, then kept for ever on the descriptor's [`Cache`].
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | I1 | exchange of a cache's null `info` | Release | I2 | the `Info` |
//! | I2 | load of `info` | Acquire | I1 | the same |
//! | I3 | exchange of a null `bitmap` | Release | I4 | the bitmap's words |
//! | I4 | load of `bitmap` | Acquire | I3 | the same |
//!
//! Model: `tests/loom_info.rs`. Two threads may work out the same; the later one's result is left lying.

use crate::descriptor::{Cache, Field, Kind, Method, Type};
use crate::records::Witness;
use crate::shape::name_bytes;
use crate::text::write_type;
use crate::{bitmap, records};
use core::ffi::CStr;
use gort_sync::atomic::AtomicPtr;
use gort_sync::atomic::Ordering::{Acquire, Release};
use gort_sys::io::throw;

/// What was worked out of one descriptor.
pub struct Info {
    /// The one descriptor of the type; the same but for a `WRITTEN` one.
    canonical: &'static Type,
    /// As Go writes it.
    string: &'static CStr,
    /// Methods of `*T`, sorted by name.
    methods: &'static [&'static Method],
    /// Methods of `T`: those without a pointer receiver.
    value_methods: &'static [&'static Method],
    /// What an interface demands, sorted.
    wants: &'static [&'static CStr],
    /// Whether a value may hold pointers.
    has_pointers: bool,
    /// Whether values can be compared.
    comparable: bool,
    /// The words of the pointer bitmap, once someone asked.
    bitmap: AtomicPtr<u64>,
    witness: Witness,
}

impl Type {
    /// What was worked out of the descriptor, or is now.
    #[inline]
    pub(crate) fn info(&'static self) -> &'static Info {
        // SAFETY: null, or a cache, which lives as long as the descriptor.
        let Some(cache) = (unsafe { self.cache.as_ref() }) else {
            return of_canonical(self);
        };
        // ORD[I2] Acquire: we read the `Info`.
        // SAFETY: null or an `Info`, which is never given back.
        match unsafe { cache.info.load(Acquire).as_ref() } {
            Some(info) => {
                info.witness.see();
                info
            }
            None => work_out(self, cache).unwrap_or_else(|| throw("types: no memory for what a type is")),
        }
    }

    /// The one descriptor of this type: itself, but for a composite written down as constant data.
    #[inline]
    pub fn canonical(&'static self) -> &'static Type {
        if self.is_written() { self.info().canonical } else { self }
    }

    /// The type as Go's messages write it.
    pub fn string(&'static self) -> &'static CStr {
        self.info().string
    }

    /// The name it was given, `main.Point`; for composites as [`Type::string`].
    pub fn name(&'static self) -> &'static CStr {
        if self.is_named() {
            // SAFETY: names in descriptors are constant C strings.
            return unsafe { CStr::from_ptr(self.name) };
        }
        self.info().string
    }

    /// The methods that a value of this type has, sorted by name: of `T` those with a value receiver, of `*T` all.
    pub fn methods(&'static self) -> &'static [&'static Method] {
        match self.pointee() {
            Some(elem) => elem.info().methods,
            None => self.info().value_methods,
        }
    }

    /// The method of that name, among [`Type::methods`].
    pub fn method(&'static self, name: &[u8]) -> Option<&'static Method> {
        let methods = self.methods();
        methods.binary_search_by(|m| m.name().cmp(name)).ok().map(|i| methods[i])
    }

    /// What a pointer type without a name points to, unless that is an interface: whose methods the pointer has.
    pub(crate) fn pointee(&self) -> Option<&'static Type> {
        if self.kind != Kind::Pointer || self.is_named() {
            return None;
        }
        self.elem_raw().filter(|elem| elem.kind() != Kind::Interface)
    }

    /// The names of the methods that an interface demands, sorted; none for other types.
    pub fn wants(&'static self) -> &'static [&'static CStr] {
        self.info().wants
    }

    /// The field of that name.
    pub fn field(&self, name: &[u8]) -> Option<&'static Field> {
        self.fields().iter().find(|field| field.name() == name)
    }

    /// Whether values of this type can be compared with each other.
    pub fn is_comparable(&'static self) -> bool {
        self.info().comparable
    }

    /// Whether a value may hold pointers.
    pub fn has_pointers(&'static self) -> bool {
        self.info().has_pointers
    }

    /// Bit i of word i/64 says that the i-th 8 bytes of a value may hold a pointer. Empty when none may; else
    /// `size / 512` words, rounded up. `None` when there is no memory for it.
    pub fn pointer_bitmap(&'static self) -> Option<&'static [u64]> {
        if !self.has_pointers() {
            return Some(&[]);
        }
        let (info, words) = (self.info(), bitmap::words(self));
        // ORD[I4] Acquire: we read the bitmap.
        let mut at = info.bitmap.load(Acquire);
        if at.is_null() {
            let new = bitmap::build(self)?.as_mut_ptr();
            // ORD[I3] Release: the bitmap. ORD[I4] Acquire on failure: we read the other one.
            at = match info.bitmap.compare_exchange(core::ptr::null_mut(), new, Release, Acquire) {
                Ok(_) => new,
                Err(theirs) => theirs,
            };
        }
        // SAFETY: `bitmap::build` made that many words, which are never given back.
        Some(unsafe { core::slice::from_raw_parts(at, words) })
    }
}

/// A composite in a Rust constant has no cache; the descriptor that it stands for has one.
#[cold]
fn of_canonical(ty: &'static Type) -> &'static Info {
    match canonical(ty) {
        Some(other) if !core::ptr::eq(other, ty) => other.info(),
        _ => throw("types: a descriptor without a cache"),
    }
}

#[cold]
fn work_out(ty: &'static Type, cache: &Cache) -> Option<&'static Info> {
    let mine = records::place(make(ty)?)?;
    let new = core::ptr::from_ref(mine).cast_mut();
    // ORD[I1] Release: the `Info`. ORD[I2] Acquire on failure: we read the other one.
    match cache.info.compare_exchange(core::ptr::null_mut(), new, Release, Acquire) {
        Ok(_) => Some(mine),
        // SAFETY: not null, and never given back.
        Err(theirs) => unsafe { theirs.as_ref() }.inspect(|info| info.witness.see()),
    }
}

fn make(ty: &'static Type) -> Option<Info> {
    let methods = sorted_methods(ty)?;
    let values = methods.iter().copied().filter(|m| !m.has_pointer_receiver());
    let value_count = values.clone().count();
    let value_methods: &[&Method] =
        if value_count == methods.len() { methods } else { records::collect(values, value_count)? };
    Some(Info {
        canonical: canonical(ty)?,
        string: records::text(|out| write_type(out, ty))?,
        methods,
        value_methods,
        wants: sorted_wants(ty)?,
        has_pointers: bitmap::has_pointers(ty),
        comparable: comparable(ty),
        bitmap: AtomicPtr::new(core::ptr::null_mut()),
        witness: Witness::new(),
    })
}

#[cfg(not(loom))]
fn canonical(ty: &'static Type) -> Option<&'static Type> {
    if ty.is_written() { crate::TYPES.of_written(ty) } else { Some(ty) }
}

#[cfg(loom)]
fn canonical(ty: &'static Type) -> Option<&'static Type> {
    Some(ty)
}

fn sorted_methods(ty: &'static Type) -> Option<&'static [&'static Method]> {
    let methods = records::slice(ty.methods_written().iter())?;
    methods.sort_unstable_by(|a, b| a.name().cmp(b.name()));
    Some(methods)
}

fn sorted_wants(ty: &'static Type) -> Option<&'static [&'static CStr]> {
    if ty.kind() != Kind::Interface {
        return Some(&[]);
    }
    // SAFETY: names in descriptors are constant C strings.
    let names = ty.wants_written().iter().map(|name| unsafe { CStr::from_ptr(*name) });
    let wants = records::slice(names)?;
    wants.sort_unstable_by(|a, b| name_bytes(a.as_ptr()).cmp(name_bytes(b.as_ptr())));
    Some(wants)
}

fn comparable(ty: &Type) -> bool {
    match ty.kind() {
        _ if ty.base().equal.is_some() => true,
        Kind::Slice | Kind::Func | Kind::Map | Kind::Invalid => false,
        Kind::Struct => !ty.is_opaque() && ty.fields().iter().all(|field| comparable(field.ty())),
        Kind::Array => ty.elem().is_none_or(comparable),
        _ => true,
    }
}
