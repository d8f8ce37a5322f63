//! Descriptors for the models, which cannot be constants under loom.
#![cfg(loom)]
#![allow(dead_code, reason = "each model takes what it needs")]

use core::ffi::{CStr, c_char};
use gort_types::{Cache, Code, Kind, Method, Type};

unsafe extern "C" fn code_a() {}
unsafe extern "C" fn code_b() {}

/// The code of the method A, as the type has it: a function has no one address in optimised builds.
pub(crate) fn code_of_a(ty: &Type) -> Code {
    // SAFETY: a type of `with_methods`, whose second method is A.
    unsafe { (*ty.methods.add(1)).code.unwrap() }
}

pub(crate) fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

pub(crate) fn basic(name: &'static CStr) -> &'static Type {
    leak(Type { name: name.as_ptr(), size: 8, kind: Kind::Int64, cache: leak(Cache::new()), ..Type::EMPTY })
}

/// A type with the methods A and B.
pub(crate) fn with_methods() -> &'static Type {
    let method = |name: &'static CStr, code: Code| Method {
        name: name.as_ptr(),
        code: Some(code),
        call: None,
        flags: 0,
    };
    let methods = leak([method(c"B", code_b), method(c"A", code_a)]);
    let ty = basic(c"main.T");
    leak(Type {
        name: ty.name,
        size: 8,
        kind: Kind::Int64,
        methods: methods.as_ptr(),
        num_method: 2,
        cache: leak(Cache::new()),
        ..Type::EMPTY
    })
}

/// An interface that demands a method.
pub(crate) fn interface(want: &'static CStr) -> &'static Type {
    let wants: &'static [*const c_char; 1] = Box::leak(Box::new([want.as_ptr()]));
    leak(Type {
        name: c"main.I".as_ptr(),
        size: 16,
        kind: Kind::Interface,
        wants: wants.as_ptr(),
        num_method: 1,
        cache: leak(Cache::new()),
        ..Type::EMPTY
    })
}
