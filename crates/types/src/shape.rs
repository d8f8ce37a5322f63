//! What a descriptor says, seen through named types: kind, size, elements, fields, names, and identity.

use crate::descriptor::{Field, Kind, Method, Type, flags};
use core::ffi::{CStr, c_char};

impl Type {
    /// The element of a pointer, slice, array, channel or map; of a `NAMED` type the one below.
    #[inline]
    pub(crate) fn elem_raw(&self) -> Option<&'static Type> {
        // SAFETY: null or a descriptor, which lives for ever.
        unsafe { self.elem.as_ref() }
    }

    /// Whether the type has a name of its own, so is no composite.
    #[inline]
    pub fn is_named(&self) -> bool {
        !self.name.is_null()
    }

    #[inline]
    pub(crate) fn is_written(&self) -> bool {
        self.flags & flags::WRITTEN != 0
    }

    #[inline]
    pub(crate) fn is_opaque(&self) -> bool {
        self.base().flags & flags::OPAQUE != 0
    }

    /// The type at the bottom of a chain of `NAMED` ones; itself for all others.
    #[inline]
    pub fn base(&self) -> &Type {
        let mut at = self;
        while at.flags & flags::NAMED != 0 {
            match at.elem_raw() {
                Some(below) => at = below,
                None => break,
            }
        }
        at
    }

    /// What the type is.
    #[inline]
    pub fn kind(&self) -> Kind {
        self.base().kind
    }

    /// Size of a value, in bytes.
    pub fn size(&self) -> usize {
        let base = self.base();
        match (base.kind, base.elem_raw()) {
            (Kind::Array, Some(elem)) => elem.size() * base.len,
            _ => base.size,
        }
    }

    /// Alignment of a value, in bytes.
    pub fn align(&self) -> usize {
        let base = self.base();
        match (base.kind, base.elem_raw()) {
            (Kind::Array, Some(elem)) => elem.align(),
            _ => base.align as usize,
        }
    }

    /// The element of a pointer, slice, array, channel or map type.
    pub fn elem(&self) -> Option<&'static Type> {
        self.base().elem_raw()
    }

    /// Elements of an array type; nought for all others.
    pub fn array_len(&self) -> usize {
        let base = self.base();
        if base.kind == Kind::Array { base.len } else { 0 }
    }

    /// The fields of a struct type.
    pub fn fields(&self) -> &'static [Field] {
        let base = self.base();
        if base.kind != Kind::Struct || base.fields.is_null() {
            return &[];
        }
        // SAFETY: a descriptor's fields are constant data of that number.
        unsafe { core::slice::from_raw_parts(base.fields, base.num_field) }
    }

    /// A function's parameters and results, or a map's key.
    pub(crate) fn parts(&self) -> &'static [&'static Type] {
        let base = self.base();
        if !matches!(base.kind, Kind::Func | Kind::Map) || base.parts.is_null() {
            return &[];
        }
        // SAFETY: the table made it of that number of references.
        unsafe { core::slice::from_raw_parts(base.parts.cast(), base.num_field) }
    }

    /// Methods as they were written, of a type with a name.
    pub(crate) fn methods_written(&self) -> &'static [Method] {
        if self.methods.is_null() || self.kind() == Kind::Interface {
            return &[];
        }
        // SAFETY: a descriptor's methods are constant data of that number.
        unsafe { core::slice::from_raw_parts(self.methods, self.num_method) }
    }

    /// The names of the methods that an interface demands, as they were written.
    pub(crate) fn wants_written(&self) -> &'static [*const c_char] {
        let base = self.base();
        if base.wants.is_null() {
            return &[];
        }
        // SAFETY: an interface's descriptor has that number of names.
        unsafe { core::slice::from_raw_parts(base.wants, base.num_method) }
    }

    /// Whether it is an interface that demands nothing, whose values are `go_any`.
    pub fn is_empty_interface(&self) -> bool {
        self.kind() == Kind::Interface && self.base().num_method == 0
    }

    /// The name that it was given, whole; empty for composites.
    pub(crate) fn full_name(&self) -> &'static [u8] {
        name_bytes(self.name)
    }

    /// What stands before the last dot of the name.
    pub fn package(&self) -> &'static [u8] {
        let name = self.full_name();
        name.iter().rposition(|b| *b == b'.').map_or(&[], |dot| &name[..dot])
    }

    /// The name as Go's messages write it: without the path before the package's last element.
    pub(crate) fn short_name(&self) -> &'static [u8] {
        let name = self.full_name();
        name.iter().rposition(|b| *b == b'/').map_or(name, |slash| &name[slash + 1..])
    }

    /// Whether two descriptors stand for one type. By address, and for `WRITTEN` ones by what they are made of.
    #[inline]
    pub fn same(&self, other: &Type) -> bool {
        core::ptr::eq(self, other)
            || ((self.flags | other.flags) & flags::WRITTEN != 0 && self.same_written(other))
    }

    #[cold]
    fn same_written(&self, other: &Type) -> bool {
        if self.is_named() || other.is_named() || self.kind != other.kind || self.len != other.len {
            return false;
        }
        match (self.elem_raw(), other.elem_raw()) {
            (Some(a), Some(b)) => a.same(b),
            (None, None) => true,
            _ => false,
        }
    }
}

impl Field {
    /// The field's name.
    pub fn name(&self) -> &'static [u8] {
        name_bytes(self.name)
    }

    /// The field's type.
    pub fn ty(&self) -> &'static Type {
        // SAFETY: a field has a type; null would be a descriptor made by hand, and is taken as a type without contents.
        unsafe { self.ty.as_ref() }.unwrap_or(&Type::EMPTY)
    }
}

impl Method {
    /// The method's name.
    pub fn name(&self) -> &'static [u8] {
        name_bytes(self.name)
    }

    /// Whether it belongs to `*T` alone.
    pub fn has_pointer_receiver(&self) -> bool {
        self.flags & flags::POINTER_RECEIVER != 0
    }
}

/// The bytes of a constant C string; none for null.
pub(crate) fn name_bytes(name: *const c_char) -> &'static [u8] {
    if name.is_null() {
        return &[];
    }
    // SAFETY: names in descriptors are constant C strings.
    unsafe { CStr::from_ptr(name) }.to_bytes()
}
