//! Where in a value pointers may lie, for the collector: bit i of word i/64 stands for the i-th 8 bytes.
//!
//! Worked out from the fields, so that it cannot disagree with them. An opaque part (a union) has every word marked: what lies
//! there may be a pointer or not, and a collector that keeps what it points to is on the safe side.

use crate::descriptor::{Kind, Type};
use crate::records;

const WORD: usize = 8;

/// Words of the bitmap of a type.
pub(crate) fn words(ty: &Type) -> usize {
    ty.size().div_ceil(WORD * 64)
}

/// The bitmap; `None` when there is no memory.
pub(crate) fn build(ty: &Type) -> Option<&'static mut [u64]> {
    let map = records::slice(core::iter::repeat_n(0u64, words(ty)))?;
    fill(map, ty, 0);
    Some(map)
}

/// Whether any bit of the bitmap would be set.
pub(crate) fn has_pointers(ty: &Type) -> bool {
    match ty.kind() {
        Kind::Pointer
        | Kind::String
        | Kind::Chan
        | Kind::Func
        | Kind::Map
        | Kind::Slice
        | Kind::Interface => true,
        Kind::Array => ty.array_len() > 0 && ty.elem().is_some_and(has_pointers),
        Kind::Struct if ty.is_opaque() => (0..ty.size() / WORD).any(|i| given(ty, i)),
        Kind::Struct => ty.fields().iter().any(|field| has_pointers(field.ty())),
        _ => false,
    }
}

/// Marks the pointers of a value of type `ty` that starts at byte `at`.
fn fill(map: &mut [u64], ty: &Type, at: usize) {
    match ty.kind() {
        Kind::Pointer | Kind::String | Kind::Chan | Kind::Func | Kind::Map | Kind::Slice => {
            mark(map, at, WORD);
        }
        Kind::Interface => mark(map, at, 2 * WORD),
        Kind::Struct if ty.is_opaque() => {
            (0..ty.size() / WORD).filter(|i| given(ty, *i)).for_each(|i| mark(map, at + i * WORD, WORD));
        }
        Kind::Struct => ty.fields().iter().for_each(|field| fill(map, field.ty(), at + field.offset)),
        Kind::Array => {
            if let Some(elem) = ty.elem().filter(|elem| has_pointers(elem)) {
                (0..ty.array_len()).for_each(|i| fill(map, elem, at + i * elem.size()));
            }
        }
        _ => {}
    }
}

/// Whether word `i` of an opaque type may be a pointer: as its descriptor's bitmap says, else yes.
fn given(ty: &Type, i: usize) -> bool {
    let map = ty.base().pointers;
    // SAFETY: null, or the bitmap that belongs to the type and covers its size.
    map.is_null() || unsafe { map.add(i / 64).read() } >> (i % 64) & 1 != 0
}

/// Marks every 8 bytes that `len` bytes from `at` on touch; a field of a packed struct may lie across two.
fn mark(map: &mut [u64], at: usize, len: usize) {
    for word in at / WORD..(at + len).div_ceil(WORD) {
        if let Some(bits) = map.get_mut(word / 64) {
            *bits |= 1 << (word % 64);
        }
    }
}
