//! Comparing and hashing values of any type (IF-4).
//!
//! Go's compiler writes an equality and a hash function for each type; here the descriptor is walked. A type may bring its own
//! ([`Type::equal`](crate::Type), `hash`), as Rust types with an `Eq` do.

use crate::any::Any;
use crate::descriptor::{Kind, Type};
use crate::error::TypeError;
use crate::trie::mix;
use core::ffi::c_void;

/// `a == b` of two interface values. Different types are different, whatever they are.
///
/// # Errors
/// Both have one type, and its values cannot be compared.
///
/// # Safety
/// What the two point to lies there.
pub unsafe fn equal(a: Any, b: Any) -> Result<bool, TypeError> {
    let (Some(ty), Some(other)) = (a.ty, b.ty) else {
        return Ok(a.ty.is_none() && b.ty.is_none());
    };
    if !ty.same(other) {
        return Ok(false);
    }
    match ty.kind() {
        Kind::Slice | Kind::Func | Kind::Map | Kind::Struct | Kind::Array if !ty.is_comparable() => {
            Err(TypeError::Uncomparable(ty.canonical()))
        }
        Kind::Float32 | Kind::Float64 => Ok(a.float() == b.float()),
        Kind::Bool => Ok((a.bits != 0) == (b.bits != 0)),
        // SAFETY: as the caller says.
        Kind::String => Ok(unsafe { a.text() == b.text() }),
        // SAFETY: as the caller says; the second word points to the value.
        Kind::Struct | Kind::Array => unsafe { equal_at(ty, a.ptr(), b.ptr()) },
        _ => Ok(a.bits == b.bits),
    }
}

/// Compares two values of one type where they lie.
///
/// # Safety
/// Values of the type lie at both places.
unsafe fn equal_at(ty: &'static Type, a: *const c_void, b: *const c_void) -> Result<bool, TypeError> {
    if let Some(equal) = ty.base().equal {
        // SAFETY: the type's own function, on values of the type.
        return Ok(unsafe { equal(a, b) });
    }
    for (part, offset) in parts(ty) {
        // SAFETY: the part lies that far inside the value.
        let (a, b) = unsafe { (a.byte_add(offset), b.byte_add(offset)) };
        // SAFETY: values of the part's type lie there.
        let same = unsafe {
            match part.kind() {
                Kind::Struct | Kind::Array => equal_at(part, a, b)?,
                _ => equal(Any::load(part, a), Any::load(part, b))?,
            }
        };
        if !same {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The fields of a struct or the elements of an array, with their offsets.
pub(crate) fn parts(ty: &'static Type) -> impl Iterator<Item = (&'static Type, usize)> {
    let fields = ty.fields().iter().map(|field| (field.ty(), field.offset));
    let elem = ty.elem().filter(|_| ty.kind() == Kind::Array);
    fields.chain(elem.into_iter().flat_map(|elem| (0..ty.array_len()).map(move |i| (elem, i * elem.size()))))
}

/// A hash of an interface value with a seed: equal values have equal hashes.
///
/// # Errors
/// Values of the type cannot be compared, so cannot be hashed.
///
/// # Safety
/// What the value points to lies there.
pub unsafe fn hash(value: Any, seed: u64) -> Result<u64, TypeError> {
    let Some(ty) = value.ty else { return Ok(mix(seed, 0)) };
    if !ty.is_comparable() {
        return Err(TypeError::Unhashable(ty.canonical()));
    }
    let seed = mix(seed, core::ptr::from_ref(ty.canonical()).addr() as u64);
    match ty.kind() {
        // Nought has two signs and is one value.
        Kind::Float32 | Kind::Float64 if value.float() == 0.0 => Ok(mix(seed, 0)),
        Kind::Bool => Ok(mix(seed, u64::from(value.bits != 0))),
        // SAFETY: as the caller says.
        Kind::String => Ok(hash_bytes(seed, unsafe { value.text() })),
        // SAFETY: as the caller says; the second word points to the value.
        Kind::Struct | Kind::Array => unsafe { hash_at(ty, value.ptr(), seed) },
        _ => Ok(mix(seed, value.bits)),
    }
}

/// Hashes a value where it lies.
///
/// # Safety
/// A value of the type lies there.
unsafe fn hash_at(ty: &'static Type, at: *const c_void, seed: u64) -> Result<u64, TypeError> {
    if let Some(hash) = ty.base().hash {
        // SAFETY: the type's own function, on a value of the type.
        return Ok(unsafe { hash(at, seed) });
    }
    if ty.base().equal.is_some() {
        return Err(TypeError::Unhashable(ty.canonical()));
    }
    let mut sum = seed;
    for (part, offset) in parts(ty) {
        // SAFETY: the part lies that far inside the value, and is of that type.
        sum = unsafe {
            let at = at.byte_add(offset);
            match part.kind() {
                Kind::Struct | Kind::Array => hash_at(part, at, sum)?,
                _ => hash(Any::load(part, at), sum)?,
            }
        };
    }
    Ok(sum)
}

fn hash_bytes(seed: u64, bytes: &[u8]) -> u64 {
    let words = bytes.chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    });
    words.fold(mix(seed, bytes.len() as u64), mix)
}
