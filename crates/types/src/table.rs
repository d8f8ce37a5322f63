//! The table of composite types: one descriptor for each, so that identity is equality of addresses.
//!
//! Follows Go's `reflect.ptrTo`, `SliceOf`, `ArrayOf`, `ChanOf`, `FuncOf` and `MapOf`, with one lock-free table
//! ([`Trie`]) in the place of their maps. A composite's parts are canonical themselves, so that comparing keys is comparing
//! addresses. Descriptors lie in memory that is never given back, beside their cache.

use crate::descriptor::{Cache, Kind, Type, flags};
use crate::records;
use crate::trie::{Trie, mix};

/// The composites of a process.
pub struct TypeTable {
    composites: Trie<&'static Type>,
}

/// What tells composites apart.
struct Key<'a> {
    kind: Kind,
    elem: Option<&'static Type>,
    len: usize,
    /// A function's parameters, then its results; a map's key.
    parts: [&'a [&'static Type]; 2],
}

impl Default for TypeTable {
    fn default() -> Self {
        Self::new()
    }
}

impl TypeTable {
    gort_sync::const_unless_loom! {
        /// A table without composites.
        pub fn new() -> Self {
            Self { composites: Trie::new() }
        }
    }

    /// `*elem`; `None` when there is no memory, here and below.
    pub fn pointer_to(&self, elem: &'static Type) -> Option<&'static Type> {
        self.intern(Key::of(Kind::Pointer, elem, 0))
    }

    /// `[]elem`.
    pub fn slice_of(&self, elem: &'static Type) -> Option<&'static Type> {
        self.intern(Key::of(Kind::Slice, elem, 0))
    }

    /// `[len]elem`; `None` also when its size would overflow.
    pub fn array_of(&self, elem: &'static Type, len: usize) -> Option<&'static Type> {
        elem.size().checked_mul(len).filter(|size| *size <= isize::MAX as usize)?;
        self.intern(Key::of(Kind::Array, elem, len))
    }

    /// `chan elem`.
    pub fn chan_of(&self, elem: &'static Type) -> Option<&'static Type> {
        self.intern(Key::of(Kind::Chan, elem, 0))
    }

    /// `map[key]elem`.
    pub fn map_of(&self, key: &'static Type, elem: &'static Type) -> Option<&'static Type> {
        self.intern(Key { parts: [&[key], &[]], ..Key::of(Kind::Map, elem, 0) })
    }

    /// `func(params) results`.
    pub fn func_of(&self, params: &[&'static Type], results: &[&'static Type]) -> Option<&'static Type> {
        self.intern(Key { kind: Kind::Func, elem: None, len: params.len(), parts: [params, results] })
    }

    /// The composite that a `WRITTEN` descriptor stands for.
    pub(crate) fn of_written(&self, written: &'static Type) -> Option<&'static Type> {
        self.intern(Key::of(written.kind, written.elem_raw()?, written.len))
    }

    fn intern(&self, key: Key<'_>) -> Option<&'static Type> {
        self.composites.intern(key.hash(), |ty| key.is(ty), || key.descriptor()).copied()
    }
}

impl Key<'_> {
    fn of(kind: Kind, elem: &'static Type, len: usize) -> Self {
        Self { kind, elem: Some(elem.canonical()), len, parts: [&[], &[]] }
    }

    fn parts(&self) -> impl Iterator<Item = &'static Type> {
        self.parts.into_iter().flatten().map(|ty| ty.canonical())
    }

    fn num_parts(&self) -> usize {
        self.parts[0].len() + self.parts[1].len()
    }

    fn hash(&self) -> u64 {
        let start = mix(self.kind as u64, self.len as u64);
        let types = self.elem.into_iter().chain(self.parts());
        types.fold(start, |hash, ty| mix(hash, core::ptr::from_ref(ty).addr() as u64))
    }

    fn is(&self, ty: &Type) -> bool {
        let one = |a: &Type, b: &Type| core::ptr::eq(a, b);
        ty.kind == self.kind
            && ty.len == self.len
            && match (ty.elem_raw(), self.elem) {
                (Some(a), Some(b)) => one(a, b),
                (a, b) => a.is_none() && b.is_none(),
            }
            && ty.parts().len() == self.num_parts()
            && ty.parts().iter().zip(self.parts()).all(|(a, b)| one(a, b))
    }

    /// The descriptor that the key asks for.
    fn descriptor(&self) -> Option<&'static Type> {
        let (size, align) = match (self.kind, self.elem) {
            (Kind::Slice, _) => (24, 8),
            (Kind::Array, Some(elem)) => (elem.size() * self.len, elem.align() as u32),
            _ => (8, 8),
        };
        let parts = records::collect(self.parts(), self.num_parts())?;
        let ty = Type {
            kind: self.kind,
            flags: flags::CANONICAL,
            size,
            align,
            elem: self.elem.map_or(core::ptr::null(), core::ptr::from_ref),
            len: self.len,
            parts: parts.as_ptr().cast(),
            num_field: parts.len(),
            cache: records::place(Cache::new())?,
            ..Type::EMPTY
        };
        records::place(ty)
    }
}

impl Type {
    /// `*T`.
    #[cfg(not(loom))]
    pub fn pointer_to(&'static self) -> Option<&'static Type> {
        crate::TYPES.pointer_to(self)
    }

    /// `[]T`.
    #[cfg(not(loom))]
    pub fn slice_of(&'static self) -> Option<&'static Type> {
        crate::TYPES.slice_of(self)
    }

    /// `[len]T`.
    #[cfg(not(loom))]
    pub fn array_of(&'static self, len: usize) -> Option<&'static Type> {
        crate::TYPES.array_of(self, len)
    }

    /// `chan T`.
    #[cfg(not(loom))]
    pub fn chan_of(&'static self) -> Option<&'static Type> {
        crate::TYPES.chan_of(self)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::{BOOL, INT32, INT64, STRING};

    #[test]
    fn one_descriptor_for_each_composite() {
        let table = TypeTable::new();
        let make: [(&str, &dyn Fn() -> Option<&'static Type>); 8] = [
            ("*int32", &|| table.pointer_to(&INT32)),
            ("*int64", &|| table.pointer_to(&INT64)),
            ("[]int32", &|| table.slice_of(&INT32)),
            ("[3]int32", &|| table.array_of(&INT32, 3)),
            ("[4]int32", &|| table.array_of(&INT32, 4)),
            ("chan int32", &|| table.chan_of(&INT32)),
            ("map[string]int32", &|| table.map_of(&STRING, &INT32)),
            ("func(int32, string) (bool, int64)", &|| table.func_of(&[&INT32, &STRING], &[&BOOL, &INT64])),
        ];
        let first: Vec<_> = make.iter().map(|(_, make)| make().unwrap()).collect();
        for (i, (name, make)) in make.iter().enumerate() {
            assert_eq!(first[i].string().to_str().unwrap(), *name);
            for (j, other) in first.iter().enumerate() {
                assert_eq!(core::ptr::eq(make().unwrap(), *other), i == j, "{name} against {other}");
            }
        }
        assert_eq!(table.func_of(&[], &[&BOOL]).unwrap().string(), c"func() bool");
        assert_ne!(
            core::ptr::from_ref(table.func_of(&[&BOOL], &[]).unwrap()),
            core::ptr::from_ref(table.func_of(&[], &[&BOOL]).unwrap())
        );
    }

    #[test]
    fn sizes_follow_from_the_element() {
        let table = TypeTable::new();
        let grid = table.array_of(table.array_of(&INT32, 3).unwrap(), 5).unwrap();
        assert_eq!((grid.size(), grid.align(), grid.array_len()), (60, 4, 5));
        assert_eq!(table.slice_of(grid).unwrap().size(), 24);
        assert!(table.array_of(&INT64, usize::MAX / 4).is_none());
    }
}
