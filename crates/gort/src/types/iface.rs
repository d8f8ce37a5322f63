//! Interfaces and assertion: the C side.

use super::error::raise;
use crate::ctypes::{go_any, go_iface, go_itab, go_type};
use crate::memory::{go_free, go_malloc};
use core::ffi::{c_int, c_void};
use core::ptr::NonNull;
use gort_types::error::HeldIn;
use gort_types::{Any, Kind, NIL, NIL_IFACE, Place, TypeError, iface};

/// Places for scalars in interfaces: a constant for small integers, as in Go, else a block that `go_iface_free` gives back.
pub(super) struct Boxes;

/// The integers below 256, each as it lies in memory.
static SMALL: [u64; 256] = {
    let mut all = [0; 256];
    let mut i = 0;
    while i < 256 {
        all[i] = i as u64;
        i += 1;
    }
    all
};

impl Place for Boxes {
    fn place(&self, value: Any) -> Option<NonNull<c_void>> {
        let is_float = value.ty.is_some_and(|ty| matches!(ty.kind(), Kind::Float32 | Kind::Float64));
        if let Some(small) = usize::try_from(value.bits).ok().and_then(|i| SMALL.get(i)).filter(|_| !is_float)
        {
            return Some(NonNull::from(small).cast());
        }
        let at: NonNull<c_void> = NonNull::new(go_malloc(8))?.cast();
        // SAFETY: a scalar takes at most eight bytes.
        unsafe { value.store(at.as_ptr()) };
        Some(at)
    }
}

/// Makes the interface. The value methods of a nil pointer panic from here on.
fn make(iface: &'static go_type, v: go_any) -> Result<go_iface, TypeError> {
    if v.bits == 0 {
        gort_types::on_nil_method(raise);
    }
    go_iface::new(iface, v, &Boxes)
}

/// The value behind interface `iface`; panics with Go's message when it is nil or its type lacks a method.
///
/// A struct, an array or a slice is not copied: the interface points to where `v` does. A scalar is copied, if it is no small
/// integer to a block that go_iface_free gives back.
#[unsafe(no_mangle)]
pub extern "C" fn go_iface_make(iface: &'static go_type, v: go_any) -> go_iface {
    make(iface, v).unwrap_or_else(|error| raise(error))
}

/// As go_iface_make; false, and `*out` is nil, where that would panic. `out` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_iface_ok(iface: &'static go_type, v: go_any, out: *mut go_iface) -> bool {
    if out.is_null() {
        return iface.kind() == Kind::Interface && iface::is(v, iface);
    }
    let made = make(iface, v);
    // SAFETY: the caller's place.
    unsafe { out.write(made.as_ref().copied().unwrap_or(NIL_IFACE)) };
    made.is_ok()
}

/// Gives back the block that go_iface_make may have taken for a scalar. Does nothing to all others.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_iface_free(i: go_iface) {
    let Some(tab) = i.tab else { return };
    let points = matches!(tab.ty.kind(), Kind::Pointer | Kind::Struct | Kind::Array | Kind::Slice);
    if !points && !SMALL.as_ptr_range().contains(&i.data.cast_const().cast()) {
        // SAFETY: `Boxes` made it, and the caller is done with it.
        unsafe { go_free(i.data.cast()) };
    }
}

/// Method `index` of the interface's list, which is sorted by name; NULL beyond its end. go_iface_func is the same in one load.
#[unsafe(no_mangle)]
pub extern "C" fn go_iface_method(i: go_iface, index: usize) -> *mut c_void {
    i.tab.and_then(|tab| tab.method(index)).map_or(core::ptr::null_mut(), |code| code as *mut c_void)
}

/// The value in an interface.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_iface_any(i: go_iface) -> go_any {
    // SAFETY: the caller's interface.
    unsafe { i.value() }
}

/// `v.(t)`: `v` if it has type `t`, or has all methods of `t` when that is an interface. Else panics: interface conversion.
#[unsafe(no_mangle)]
pub extern "C" fn go_assert(v: go_any, t: &'static go_type) -> go_any {
    iface::assert(v, t).unwrap_or_else(|error| raise(error))
}

/// As go_assert; false, and `*out` is nil, where that would panic. `out` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_assert_ok(v: go_any, t: &'static go_type, out: *mut go_any) -> bool {
    let ok = iface::is(v, t);
    if !out.is_null() {
        // SAFETY: the caller's place.
        unsafe { out.write(if ok { v } else { NIL }) };
    }
    ok
}

/// As go_assert, of a value behind an interface with methods.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_iface_assert(i: go_iface, t: &'static go_type) -> go_any {
    // SAFETY: the caller's interface.
    let v = unsafe { i.value() };
    if iface::is(v, t) {
        return v;
    }
    raise(iface::failed(i.tab.map_or(HeldIn::Empty, |tab| HeldIn::Iface(tab.iface)), v, t))
}

/// The first of `n` types that `v` has or implements; a NULL type is the case nil. -1 when there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_type_switch(v: go_any, types: *const *const go_type, n: usize) -> c_int {
    if n == 0 {
        return -1;
    }
    // SAFETY: the caller's array of pointers, each null or a descriptor.
    let cases: &[Option<&'static go_type>] = unsafe { core::slice::from_raw_parts(types.cast(), n) };
    iface::type_switch(v, cases).map_or(-1, |i| i as c_int)
}

/// `a == b`. Values of different types are different; panics when both have one type that cannot be compared.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_any_equal(a: go_any, b: go_any) -> bool {
    // SAFETY: the caller's values.
    unsafe { gort_types::equal::equal(a, b) }.unwrap_or_else(|error| raise(error))
}

/// A hash of `v`: equal values have equal ones, in one process. Panics when values of the type cannot be compared.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_any_hash(v: go_any) -> u64 {
    // SAFETY: the caller's value.
    unsafe { gort_types::equal::hash(v, 0) }.unwrap_or_else(|error| raise(error))
}

/// The itab of a pair, of which there is one; NULL when the type lacks a method, and when `iface` is no interface.
#[unsafe(no_mangle)]
pub extern "C" fn go_itab_find(
    iface: Option<&'static go_type>,
    t: Option<&'static go_type>,
) -> Option<&'static go_itab> {
    let (iface, t) = (iface?, t?);
    (t.kind() != Kind::Interface && t.implements(iface)).then(|| gort_types::ITABS.get(iface, t.canonical()))
}
