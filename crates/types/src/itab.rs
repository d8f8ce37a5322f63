//! Itabs: for a pair of an interface and a type, the functions that a call through the interface reaches.
//!
//! Follows Go's `iface.go`: an itab is made at the first conversion, also for a pair that does not match, and kept. Go's hash
//! table is copied when it fills; here a [`Trie`] keeps all itabs, and a small array of recently used ones stands before it, so that
//! an assertion costs a hash and two comparisons.
//!
//! ```text
//!  go_iface                 go_itab (read by calls, 32 bytes and 8 for each method)
//!  ┌──────┐                 ┌───────┬──────┬────────────┬─────────┬──────────┬──────────┐
//!  │ tab  ├────────────────▶│ iface │ type │ num_method │ missing │ code [0] │ code [1] │ ...
//!  ├──────┤                 └───────┴──────┴────────────┴─────────┴────┬─────┴──────────┘
//!  │ data ├──▶ value                                                   ▼
//!  └──────┘                                     double circle_area(const struct circle *)
//! ```
//!
//! A call loads the code's address from the itab and jumps: one load and an indirect call.
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | F1 | store of an itab to the array of recent ones | Release | F2 | the itab |
//! | F2 | load of a recent itab | Acquire | F1 | the same |
//!
//! Model: `tests/loom_itab.rs`; the trie has its own.

#[cfg(not(loom))]
use crate::descriptor::Kind;
use crate::descriptor::{Code, Method, Type};
use crate::nil_method;
use crate::records::{self, Witness};
use crate::trie::{Trie, mix};
use core::ffi::{CStr, c_char};
use gort_sync::atomic::AtomicPtr;
use gort_sync::atomic::Ordering::{Acquire, Release};
use gort_sys::io::throw;

/// `go_itab`; the addresses of the methods follow it in memory.
#[repr(C)]
pub struct Itab {
    /// The interface.
    pub iface: &'static Type,
    /// The dynamic type.
    pub ty: &'static Type,
    /// How many methods follow: the interface's, sorted by name.
    pub num_method: usize,
    /// The first method of the interface, in the order of names, that the type lacks; null when it implements it.
    pub missing: *const c_char,
    witness: Witness,
}

#[cfg(not(loom))]
static_assertions::const_assert_eq!(size_of::<Itab>(), 32);

// SAFETY: immutable.
unsafe impl Sync for Itab {}
// SAFETY: as above.
unsafe impl Send for Itab {}

impl Itab {
    /// The address of method `index` of the interface's sorted list; `None` beyond its end and where the type lacks methods.
    #[inline]
    pub fn method(&self, index: usize) -> Option<Code> {
        if index >= self.num_method || !self.missing.is_null() {
            return None;
        }
        let codes = core::ptr::from_ref(self).wrapping_add(1).cast::<Option<Code>>();
        // SAFETY: `make` placed `num_method` addresses behind the itab.
        unsafe { codes.add(index).read() }
    }

    /// The name of the first missing method; `None` when the type implements the interface.
    pub fn missing(&self) -> Option<&'static CStr> {
        // SAFETY: null, or a name from the interface's descriptor.
        (!self.missing.is_null()).then(|| unsafe { CStr::from_ptr(self.missing) })
    }
}

/// Recent itabs: entries of the array. A model needs no more than one.
const RECENT: usize = if cfg!(loom) { 1 } else { 1024 };

/// What distinguishes the itab for a nil `*T` from the other one: its value methods panic (IF-5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Receiver {
    Any,
    NilPointer,
}

/// The itabs of a process.
pub struct ItabTable {
    recent: [AtomicPtr<Itab>; RECENT],
    all: Trie<(Receiver, &'static Itab)>,
}

impl Default for ItabTable {
    fn default() -> Self {
        Self::new()
    }
}

impl ItabTable {
    gort_sync::const_unless_loom! {
        /// A table without itabs.
        pub fn new() -> Self {
            Self { recent: records::nulls(), all: Trie::new() }
        }
    }

    /// The itab of a pair; it tells whether the type implements the interface. `ty` is canonical and no interface.
    #[inline]
    pub fn get(&self, iface: &'static Type, ty: &'static Type) -> &'static Itab {
        let hash = hash(iface, ty);
        let recent = &self.recent[(hash >> 32) as usize % RECENT];
        // ORD[F2] Acquire: we read the itab.
        // SAFETY: null or an itab, which is never given back.
        if let Some(itab) = unsafe { recent.load(Acquire).as_ref::<'static>() }
            && core::ptr::eq(itab.iface, iface)
            && core::ptr::eq(itab.ty, ty)
        {
            itab.witness.see();
            return itab;
        }
        let itab = self.intern(hash, iface, ty, Receiver::Any);
        // ORD[F1] Release: the itab's contents, for a thread that meets it here first.
        recent.store(core::ptr::from_ref(itab).cast_mut(), Release);
        itab
    }

    /// The itab for a nil pointer in an interface. Its value methods panic with Go's message; the others are the same.
    #[cold]
    pub fn get_nil(&self, iface: &'static Type, ty: &'static Type) -> &'static Itab {
        self.intern(!hash(iface, ty), iface, ty, Receiver::NilPointer)
    }

    fn intern(
        &self,
        hash: u64,
        iface: &'static Type,
        ty: &'static Type,
        receiver: Receiver,
    ) -> &'static Itab {
        let same = |(r, itab): &(Receiver, &Itab)| {
            *r == receiver && core::ptr::eq(itab.iface, iface) && core::ptr::eq(itab.ty, ty)
        };
        let make = || Some((receiver, make(iface, ty, receiver)?));
        self.all.intern(hash, same, make).unwrap_or_else(|| throw("types: no memory for an itab")).1
    }
}

#[inline]
fn hash(iface: &Type, ty: &Type) -> u64 {
    mix(core::ptr::from_ref(iface).addr() as u64, core::ptr::from_ref(ty).addr() as u64)
}

/// Makes the itab: both lists are sorted, so one walk through both finds every method.
fn make(iface: &'static Type, ty: &'static Type, receiver: Receiver) -> Option<&'static Itab> {
    let wants = iface.wants();
    let at = records::bytes(size_of::<Itab>() + size_of_val(wants), align_of::<Itab>())?;
    // SAFETY: inside the block, which is ours.
    let codes = unsafe { at.add(size_of::<Itab>()) }.cast::<Option<Code>>();
    let (mut have, mut missing) = (ty.methods().iter(), core::ptr::null());
    for (i, want) in wants.iter().enumerate() {
        let Some(method) =
            have.by_ref().find(|m| m.name() >= want.to_bytes()).filter(|m| m.name() == want.to_bytes())
        else {
            missing = want.as_ptr();
            break;
        };
        // SAFETY: there is room for one for each method of the interface.
        unsafe { codes.add(i).write(code(ty, method, receiver)) };
    }
    let itab = at.cast::<Itab>();
    // SAFETY: ours, and large enough; never given back.
    unsafe {
        itab.write(Itab { iface, ty, num_method: wants.len(), missing, witness: Witness::new() });
        itab.as_ref()
    }
}

fn code(ty: &'static Type, method: &'static Method, receiver: Receiver) -> Option<Code> {
    match ty.pointee() {
        Some(elem) if receiver == Receiver::NilPointer && !method.has_pointer_receiver() => {
            Some(nil_method::stub(elem, method))
        }
        _ => method.code,
    }
}

impl Type {
    /// The first method of interface `iface`, in the order of names, that values of this type lack.
    #[cfg(not(loom))]
    pub fn missing_method(&'static self, iface: &'static Type) -> Option<&'static CStr> {
        if self.kind() == Kind::Interface {
            let has = |name: &&CStr| self.wants().contains(name);
            return iface.wants().iter().copied().find(|name| !has(name));
        }
        crate::ITABS.get(iface, self.canonical()).missing()
    }

    /// Whether values of this type implement interface `iface`; false when that is none.
    #[cfg(not(loom))]
    pub fn implements(&'static self, iface: &'static Type) -> bool {
        iface.kind() == Kind::Interface && self.missing_method(iface).is_none()
    }
}
