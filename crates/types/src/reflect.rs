//! Fields and methods by name, while the program runs.
//!
//! Go's package `reflect`, as far as C can use it: a field is read as an [`Any`] and set from one; a method is called through the
//! adapter that its author wrote, since C keeps no signatures.

use crate::any::{Any, NIL};
use crate::descriptor::{Kind, Type};
use crate::error::TypeError;
use crate::iface::{Iface, NIL_IFACE, Place};
use core::ffi::c_void;

/// Why a field was not set, or a method not called.
#[derive(Debug)]
pub enum ReflectError {
    /// There is no field or method of that name.
    NotFound,
    /// The value is of another type than the field, and does not implement it.
    WrongType,
    /// The method has no adapter.
    NoAdapter,
    /// There is no memory for a scalar in an interface.
    NoMemory,
    /// Go would panic.
    Panic(TypeError),
}

/// The value of a field; nil when there is none of that name. A struct, an array or a slice is not copied.
///
/// # Safety
/// A value of type `ty` lies at `object`.
pub unsafe fn get(ty: &'static Type, object: *const c_void, name: &[u8]) -> Any {
    let Some(field) = ty.field(name) else { return NIL };
    // SAFETY: the field lies that far inside the value, and is of that type.
    unsafe { Any::load(field.ty(), object.byte_add(field.offset)) }
}

/// Sets a field. A field of an interface type takes every value that implements it; a scalar is then given a place.
///
/// # Errors
/// No such field, or a value that it cannot hold; nothing is changed then.
///
/// # Safety
/// A value of type `ty` lies at `object`, and what `value` points to lies there.
pub unsafe fn set(
    ty: &'static Type,
    object: *mut c_void,
    name: &[u8],
    value: Any,
    scalars: &impl Place,
) -> Result<(), ReflectError> {
    let field = ty.field(name).ok_or(ReflectError::NotFound)?;
    // SAFETY: the field lies that far inside the value.
    let at = unsafe { object.byte_add(field.offset) };
    let target = field.ty();
    if target.kind() != Kind::Interface {
        value.ty.filter(|ty| ty.same(target)).ok_or(ReflectError::WrongType)?;
        // SAFETY: a field of the value's own type.
        unsafe { value.store(at) };
        return Ok(());
    }
    if target.is_empty_interface() {
        // SAFETY: a field of the empty interface is an `Any`.
        unsafe { at.cast::<Any>().write_unaligned(value) };
        return Ok(());
    }
    let iface = match value.ty {
        None => NIL_IFACE,
        Some(_) => Iface::new(target, value, scalars).map_err(|error| match error {
            TypeError::NoMemory => ReflectError::NoMemory,
            _ => ReflectError::WrongType,
        })?,
    };
    // SAFETY: a field of an interface with methods is an `Iface`.
    unsafe { at.cast::<Iface>().write_unaligned(iface) };
    Ok(())
}

/// Calls a method with the arguments' record that its adapter expects.
///
/// # Errors
/// No such method, or none with an adapter, or a value method of a nil pointer.
///
/// # Safety
/// What `receiver` points to lies there, and `args` is what the adapter expects.
pub unsafe fn call(receiver: Any, name: &[u8], args: *mut c_void) -> Result<(), ReflectError> {
    let ty = receiver.ty.ok_or(ReflectError::NotFound)?;
    let method = ty.method(name).ok_or(ReflectError::NotFound)?;
    let adapter = method.call.ok_or(ReflectError::NoAdapter)?;
    if let Some(elem) = nil_receiver(receiver).filter(|_| !method.has_pointer_receiver()) {
        return Err(ReflectError::Panic(TypeError::NilReceiver { ty: elem, method: method.name() }));
    }
    // SAFETY: the adapter of a method of the receiver's type, with what it expects.
    with_receiver(receiver, |at| unsafe { adapter(at, args) });
    Ok(())
}

/// The type that a nil `*T` would point to; `None` of all other values.
pub fn nil_receiver(value: Any) -> Option<&'static Type> {
    value.ty.filter(|_| value.bits == 0)?.pointee()
}

/// Gives a method's receiver: a pointer to the value. A scalar lies on the stack for the time of the call.
pub(crate) fn with_receiver<R>(value: Any, f: impl FnOnce(*mut c_void) -> R) -> R {
    if value.is_indirect() || value.ty.is_some_and(|ty| ty.kind() == Kind::Pointer) {
        return f(value.ptr());
    }
    let mut place = [0u64; 2];
    let at: *mut c_void = place.as_mut_ptr().cast();
    // SAFETY: scalars take at most 8 bytes.
    unsafe { value.store(at) };
    f(at)
}
