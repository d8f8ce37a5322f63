//! Types: descriptors and what they say; interfaces ([`iface`]), reflection ([`reflect`]), runtime errors ([`error`]).

pub(crate) mod error;
pub mod iface;
pub mod reflect;

use crate::ctypes::{go_field, go_type};
use core::ffi::{CStr, c_char, c_int};

/// `*t`, the same pointer for the same type; NULL when there is no memory.
#[unsafe(no_mangle)]
pub extern "C" fn go_type_pointer_to(t: Option<&'static go_type>) -> Option<&'static go_type> {
    t?.pointer_to()
}

/// `[]t`.
#[unsafe(no_mangle)]
pub extern "C" fn go_type_slice_of(t: Option<&'static go_type>) -> Option<&'static go_type> {
    t?.slice_of()
}

/// `[len]t`; NULL also when it would be larger than memory.
#[unsafe(no_mangle)]
pub extern "C" fn go_type_array_of(t: Option<&'static go_type>, len: usize) -> Option<&'static go_type> {
    t?.array_of(len)
}

/// `chan t`.
#[unsafe(no_mangle)]
pub extern "C" fn go_type_chan_of(t: Option<&'static go_type>) -> Option<&'static go_type> {
    t?.chan_of()
}

/// `map[key]elem`.
#[unsafe(no_mangle)]
pub extern "C" fn go_type_map_of(
    key: Option<&'static go_type>,
    elem: Option<&'static go_type>,
) -> Option<&'static go_type> {
    gort_types::TYPES.map_of(key?, elem?)
}

/// `func(params) results`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_type_func_of(
    params: *const *const go_type,
    num_params: usize,
    results: *const *const go_type,
    num_results: usize,
) -> Option<&'static go_type> {
    // SAFETY: the caller's arrays of descriptors.
    let (params, results) = unsafe { (list(params, num_params)?, list(results, num_results)?) };
    gort_types::TYPES.func_of(params, results)
}

/// The caller's array of descriptors; `None` when one is null.
unsafe fn list<'a>(types: *const *const go_type, n: usize) -> Option<&'a [&'static go_type]> {
    if n == 0 {
        return Some(&[]);
    }
    // SAFETY: `n` pointers, as the caller says.
    let all = unsafe { core::slice::from_raw_parts(types, n) };
    if all.iter().any(|t| t.is_null()) {
        return None;
    }
    // SAFETY: none is null, so each is a descriptor.
    Some(unsafe { core::slice::from_raw_parts(types.cast(), n) })
}

/// Whether two descriptors stand for the same type.
#[unsafe(no_mangle)]
pub extern "C" fn go_type_identical(a: Option<&'static go_type>, b: Option<&'static go_type>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.same(b),
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// The name: "main.Point", or "*main.Point" and the like for a composite. NULL of NULL.
#[unsafe(no_mangle)]
pub extern "C" fn go_type_name(t: Option<&'static go_type>) -> *const c_char {
    t.map_or(core::ptr::null(), |t| t.name().as_ptr())
}

/// GO_KIND_...: what the type is, under all names.
#[unsafe(no_mangle)]
pub extern "C" fn go_type_kind(t: Option<&'static go_type>) -> c_int {
    t.map_or(0, |t| t.kind() as c_int)
}

/// Bytes of a value.
#[unsafe(no_mangle)]
pub extern "C" fn go_type_size(t: Option<&'static go_type>) -> usize {
    t.map_or(0, go_type::size)
}

/// Alignment of a value.
#[unsafe(no_mangle)]
pub extern "C" fn go_type_align(t: Option<&'static go_type>) -> usize {
    t.map_or(0, go_type::align)
}

/// Elements of an array type.
#[unsafe(no_mangle)]
pub extern "C" fn go_type_len(t: Option<&'static go_type>) -> usize {
    t.map_or(0, go_type::array_len)
}

/// The element of a pointer, slice, array, channel or map type; NULL of all others, and of a pointer to anything.
#[unsafe(no_mangle)]
pub extern "C" fn go_type_elem(t: Option<&'static go_type>) -> Option<&'static go_type> {
    Some(t?.elem()?.canonical())
}

/// Whether values can be compared with each other.
#[unsafe(no_mangle)]
pub extern "C" fn go_type_comparable(t: Option<&'static go_type>) -> bool {
    t.is_some_and(go_type::is_comparable)
}

/// Bit i of word i/64 says whether the i-th 8 bytes of a value may hold a pointer. NULL when none may, and when there is no
/// memory for the answer.
#[unsafe(no_mangle)]
pub extern "C" fn go_type_pointers(t: Option<&'static go_type>) -> *const u64 {
    let map = t.and_then(go_type::pointer_bitmap).unwrap_or(&[]);
    if map.is_empty() { core::ptr::null() } else { map.as_ptr() }
}

/// Fields of a struct type.
#[unsafe(no_mangle)]
pub extern "C" fn go_type_num_field(t: Option<&'static go_type>) -> usize {
    t.map_or(0, |t| t.fields().len())
}

/// Field `i`; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn go_type_field(t: Option<&'static go_type>, i: usize) -> Option<&'static go_field> {
    t?.fields().get(i)
}

/// The field of that name, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_type_field_by_name(
    t: Option<&'static go_type>,
    name: *const c_char,
) -> Option<&'static go_field> {
    // SAFETY: the caller's string.
    t?.field(unsafe { text(name) })
}

/// Methods that a value of the type has; of an interface, the methods that it demands.
#[unsafe(no_mangle)]
pub extern "C" fn go_type_num_method(t: Option<&'static go_type>) -> usize {
    t.map_or(0, |t| t.wants().len().max(t.methods().len()))
}

/// The name of method `i` in their order, or NULL.
#[unsafe(no_mangle)]
pub extern "C" fn go_type_method_name(t: Option<&'static go_type>, i: usize) -> *const c_char {
    let name = |t: &'static go_type| {
        let wanted = t.wants().get(i).map(|name| name.as_ptr());
        wanted.or_else(|| Some(t.methods().get(i)?.name))
    };
    t.and_then(name).unwrap_or(core::ptr::null())
}

/// Whether values of type `t` have all methods that interface `iface` demands.
#[unsafe(no_mangle)]
pub extern "C" fn go_type_implements(t: Option<&'static go_type>, iface: Option<&'static go_type>) -> bool {
    matches!((t, iface), (Some(t), Some(iface)) if t.implements(iface))
}

/// The caller's string; null is empty.
pub(crate) unsafe fn text<'a>(s: *const c_char) -> &'a [u8] {
    // SAFETY: null or a C string, as the caller says.
    if s.is_null() { &[] } else { unsafe { CStr::from_ptr(s) }.to_bytes() }
}
