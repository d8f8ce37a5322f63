//! Go's types at run time: static descriptors, interfaces and itabs, assertion, reflection, `%v`.
//!
//! Floor 2. A *descriptor* ([`Type`]) says what a type is, as constant data. A value of any type is an [`Any`]: a descriptor and a
//! word. An [`Iface`] is a value behind an [`Itab`], the table of the functions that an interface demands of it.
//!
//! * [`descriptor`], [`shape`], [`text`], [`basic`]: what a type is; [`info`], [`bitmap`]: what is worked out of it;
//! * [`table`]: one descriptor for each composite type; [`itab`]: one itab for each pair; both are [`trie`]s, which never shrink;
//! * [`iface`]: conversion, assertion, type switch; [`equal`]: comparison and hashing;
//! * [`reflect`]: fields and methods by name; [`format`](mod@format): `%v` and `%+v`; [`float`], [`sink`]: its parts;
//!   [`panic_text`]: a panic value, printed;
//! * [`described`]: Rust types and values;
//! * [`error`]: what Go would panic with. The functions here return it; whoever can panic raises it ([`on_nil_method`]).
//!
//! Types have one identity in a process, so the two tables are the crate's own ([`TYPES`], [`ITABS`]); each can be built alone.
#![cfg_attr(not(any(loom, test)), no_std)]

/// The examples of README.md.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

#[cfg(not(loom))]
pub mod any;
#[cfg(not(loom))]
pub mod basic;
pub mod bitmap;
#[cfg(not(loom))]
pub mod described;
pub mod descriptor;
#[cfg(not(loom))]
pub mod equal;
pub mod error;
#[cfg(not(loom))]
pub mod float;
#[cfg(not(loom))]
pub mod format;
#[cfg(not(loom))]
pub mod iface;
pub mod info;
pub mod itab;
pub mod nil_method;
#[cfg(not(loom))]
pub mod panic_text;
pub mod records;
#[cfg(not(loom))]
pub mod reflect;
pub mod shape;
#[cfg(not(loom))]
pub mod sink;
pub mod table;
pub mod text;
pub mod trie;

#[cfg(not(loom))]
pub use any::{Any, NIL, SliceWords};
#[cfg(not(loom))]
pub use basic::*;
#[cfg(not(loom))]
pub use described::{Described, Str, Value};
pub use descriptor::{Cache, CallFn, Code, EqualFn, Field, HashFn, Kind, Method, Type, flags};
pub use error::TypeError;
#[cfg(not(loom))]
pub use iface::{Iface, NIL_IFACE, Place};
pub use itab::{Itab, ItabTable};
pub use table::TypeTable;

/// The composite types of the process.
#[cfg(not(loom))]
pub static TYPES: TypeTable = TypeTable::new();

/// The itabs of the process.
#[cfg(not(loom))]
pub static ITABS: ItabTable = ItabTable::new();

#[cfg(not(loom))]
mod raise {
    use crate::TypeError;
    use gort_sync::atomic::AtomicPtr;
    use gort_sync::atomic::Ordering::Relaxed;

    /// A `fn(TypeError) -> !`; null is [`by_default`].
    static RAISE: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());

    /// Says what a value method called through a nil pointer in an interface does with its error. A Rust panic if not set.
    pub fn on_nil_method(raise: fn(TypeError) -> !) {
        RAISE.store(raise as *mut (), Relaxed); // Relaxed: a function's address; nothing else is published with it.
    }

    pub(crate) fn raise(error: TypeError) -> ! {
        let at = RAISE.load(Relaxed); // Relaxed: as above.
        if at.is_null() {
            by_default(error);
        }
        // SAFETY: only `on_nil_method` stores here, and only functions of that type.
        unsafe { core::mem::transmute::<*mut (), fn(TypeError) -> !>(at)(error) }
    }

    fn by_default(error: TypeError) -> ! {
        panic!("{error}")
    }
}
#[cfg(not(loom))]
pub use raise::on_nil_method;
#[cfg(not(loom))]
pub(crate) use raise::raise;
