//! Interfaces: values behind itabs, assertion in both forms, type switches (IF-1 to IF-3, IF-5).
//!
//! Follows Go's `iface.go` and `error.go`. An [`Iface`] is Go's `iface`: an itab, and a pointer to the value. What a scalar's
//! pointer points to is the caller's choice ([`Place`]), since an [`Any`] holds a scalar itself.

use crate::any::{Any, NIL};
use crate::descriptor::{Kind, Type};
use crate::error::{Assertion, HeldIn, TypeError};
use crate::itab::Itab;
use core::ffi::c_void;
use core::ptr::NonNull;

/// `go_iface`: passed in two registers.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Iface {
    /// Interface and dynamic type with its methods; `None` is the nil interface.
    pub tab: Option<&'static Itab>,
    /// The value, or for a pointer type the pointer itself.
    pub data: *mut c_void,
}

static_assertions::const_assert_eq!(size_of::<Iface>(), 16);

/// The nil interface.
pub const NIL_IFACE: Iface = Iface { tab: None, data: core::ptr::null_mut() };

/// Finds a place for the scalar in an interface, which lives as long as the interface.
pub trait Place {
    /// A pointer to the value as it lies in memory; `None` when there is no memory.
    fn place(&self, value: Any) -> Option<NonNull<c_void>>;
}

/// The itab of a pair, from the table of the process.
#[inline]
fn itab(iface: &'static Type, ty: &'static Type) -> &'static Itab {
    crate::ITABS.get(iface, ty.canonical())
}

impl Iface {
    /// A value in an interface. A scalar is given a place; all others stay where they are.
    ///
    /// # Errors
    /// The value is nil, or its type lacks methods of the interface, or `iface` is no interface; or there is no memory.
    pub fn new(iface: &'static Type, value: Any, scalars: &impl Place) -> Result<Iface, TypeError> {
        let Some(ty) = value.ty else {
            return Err(nil_to_interface(iface));
        };
        let tab = itab(iface, ty);
        if iface.kind() != Kind::Interface || tab.missing().is_some() {
            return Err(not_of_type(HeldIn::Empty, ty, iface));
        }
        let is_pointer = ty.kind() == Kind::Pointer;
        if is_pointer && value.bits == 0 && ty.pointee().is_some() {
            let tab = crate::ITABS.get_nil(iface, ty.canonical());
            return Ok(Iface { tab: Some(tab), data: core::ptr::null_mut() });
        }
        let data = match is_pointer || value.is_indirect() {
            true => value.ptr(),
            false => scalars.place(value).ok_or(TypeError::NoMemory)?.as_ptr(),
        };
        Ok(Iface { tab: Some(tab), data })
    }

    /// The dynamic value: with an empty interface's type first, as Go's conversion from `iface` to `eface` does.
    ///
    /// # Safety
    /// The interface was made from a value that still lies where it did.
    pub unsafe fn value(&self) -> Any {
        let Some(tab) = self.tab else { return NIL };
        match tab.ty.kind() {
            Kind::Pointer | Kind::Struct | Kind::Array | Kind::Slice => Any::pointing(tab.ty, self.data),
            // SAFETY: a scalar's data points to it, as the caller says.
            _ => unsafe { Any::load(tab.ty, self.data) },
        }
    }
}

/// `v.(T)`: the value, if its type is `ty`, or implements it when `ty` is an interface.
///
/// # Errors
/// It is not, or does not, or the value is nil.
#[inline]
pub fn assert(value: Any, ty: &'static Type) -> Result<Any, TypeError> {
    if is(value, ty) { Ok(value) } else { Err(failed(HeldIn::Empty, value, ty)) }
}

/// The error of an assertion that did not hold.
#[cold]
pub fn failed(held_in: HeldIn, value: Any, ty: &'static Type) -> TypeError {
    match (value.ty, ty.kind()) {
        (Some(concrete), _) => not_of_type(held_in, concrete, ty),
        (None, Kind::Interface) => nil_to_interface(ty),
        (None, _) => TypeError::Assertion(Assertion { held_in, concrete: None, asserted: ty, missing: None }),
    }
}

/// `_, ok := v.(T)`: whether the assertion holds. Never an error (IF-3).
#[inline]
pub fn is(value: Any, ty: &'static Type) -> bool {
    match value.ty {
        None => false,
        Some(dynamic) if core::ptr::eq(dynamic, ty) => true,
        Some(dynamic) if ty.kind() == Kind::Interface => itab(ty, dynamic).missing.is_null(),
        Some(dynamic) => dynamic.same(ty),
    }
}

/// `switch v.(type)`: the first case that matches; `None` among the cases is `case nil` (IF-3).
pub fn type_switch(value: Any, cases: &[Option<&'static Type>]) -> Option<usize> {
    cases.iter().position(|case| match case {
        Some(ty) => is(value, ty),
        None => value.is_nil(),
    })
}

fn nil_to_interface(iface: &'static Type) -> TypeError {
    TypeError::Assertion(Assertion {
        held_in: HeldIn::Unknown,
        concrete: None,
        asserted: iface,
        missing: None,
    })
}

fn not_of_type(held_in: HeldIn, concrete: &'static Type, asserted: &'static Type) -> TypeError {
    let missing = (asserted.kind() == Kind::Interface).then(|| concrete.missing_method(asserted)).flatten();
    TypeError::Assertion(Assertion { held_in, concrete: Some(concrete), asserted, missing })
}
