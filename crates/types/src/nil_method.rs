//! What a value method called through a nil `*T` in an interface reaches (IF-5).
//!
//! Go's compiler writes a wrapper for each such method, which panics before the receiver is read. Here the itab of a nil pointer
//! has the address of a small function out of a bank; each has a number, and a table says which method it stands for. When the
//! bank is used up, the functions that follow share one that does not name the method.
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | N1 | exchange of a null entry of the table | Release | N2 | the method's descriptor |
//! | N2 | load of an entry | Acquire | N1 | the same |
//!
//! Model: `tests/loom_nil_method.rs`.

use crate::descriptor::{Code, Method, Type};
use crate::error::TypeError;
use crate::records::{self, Witness};
use gort_sync::atomic::AtomicPtr;
use gort_sync::atomic::Ordering::{Acquire, Release};

/// Methods that have a function of their own.
pub const BANK: usize = if cfg!(loom) { 2 } else { 128 };

/// A value method and the type that it belongs to.
pub struct ValueMethod {
    ty: &'static Type,
    method: &'static Method,
    witness: Witness,
}

/// Which method each function of the bank stands for.
pub struct Bank {
    entries: [AtomicPtr<ValueMethod>; BANK],
}

impl Default for Bank {
    fn default() -> Self {
        Self::new()
    }
}

impl Bank {
    gort_sync::const_unless_loom! {
        /// A bank whose functions all are free.
        pub fn new() -> Self {
            Self { entries: records::nulls() }
        }
    }

    /// The number of the function that stands for a method, now if not before; `None` when all are taken.
    pub fn claim(&self, ty: &'static Type, method: &'static Method) -> Option<usize> {
        let mut mine: *mut ValueMethod = core::ptr::null_mut();
        for (i, entry) in self.entries.iter().enumerate() {
            // ORD[N2] Acquire: we read the method.
            let mut at = entry.load(Acquire);
            if at.is_null() {
                if mine.is_null() {
                    mine = core::ptr::from_ref(records::place(ValueMethod {
                        ty,
                        method,
                        witness: Witness::new(),
                    })?)
                    .cast_mut();
                }
                // ORD[N1] Release: the method. ORD[N2] Acquire on failure: we read the other one.
                match entry.compare_exchange(core::ptr::null_mut(), mine, Release, Acquire) {
                    Ok(_) => return Some(i),
                    Err(theirs) => at = theirs,
                }
            }
            // SAFETY: not null, and never given back.
            let known = unsafe { &*at };
            known.witness.see();
            if core::ptr::eq(known.ty, ty) && core::ptr::eq(known.method, method) {
                return Some(i);
            }
        }
        None
    }

    /// The error that calling function `i` of the bank is.
    pub fn error(&self, i: usize) -> TypeError {
        // ORD[N2] Acquire: we read the method.
        let at = self.entries.get(i).map_or(core::ptr::null_mut(), |entry| entry.load(Acquire));
        // SAFETY: null or a record that is never given back.
        match unsafe { at.as_ref() } {
            Some(known) => {
                known.witness.see();
                TypeError::NilReceiver { ty: known.ty, method: known.method.name() }
            }
            None => TypeError::NilDereference,
        }
    }
}

/// The function for a method of type `ty`.
#[cfg(not(loom))]
pub(crate) fn stub(ty: &'static Type, method: &'static Method) -> Code {
    bank::STUBS[bank::METHODS.claim(ty, method).unwrap_or(BANK)]
}

/// A model never calls it.
#[cfg(loom)]
pub(crate) fn stub(_: &'static Type, method: &'static Method) -> Code {
    unsafe extern "C" fn nothing() {}
    method.code.unwrap_or(nothing)
}

#[cfg(not(loom))]
mod bank {
    use super::{BANK, Bank};
    use crate::descriptor::Code;

    pub(super) static METHODS: Bank = Bank::new();

    /// Function `N` of the bank; the last one stands for all that found no place.
    unsafe extern "C" fn stub<const N: usize>() {
        crate::raise(METHODS.error(N))
    }

    /// Sixteen functions from number `$n` on.
    macro_rules! sixteen {
        ($($n:literal)*) => { [$(
            stub::<{ $n * 16 }>, stub::<{ $n * 16 + 1 }>, stub::<{ $n * 16 + 2 }>, stub::<{ $n * 16 + 3 }>,
            stub::<{ $n * 16 + 4 }>, stub::<{ $n * 16 + 5 }>, stub::<{ $n * 16 + 6 }>, stub::<{ $n * 16 + 7 }>,
            stub::<{ $n * 16 + 8 }>, stub::<{ $n * 16 + 9 }>, stub::<{ $n * 16 + 10 }>, stub::<{ $n * 16 + 11 }>,
            stub::<{ $n * 16 + 12 }>, stub::<{ $n * 16 + 13 }>, stub::<{ $n * 16 + 14 }>, stub::<{ $n * 16 + 15 }>,
        )* stub::<BANK>] };
    }

    pub(super) static STUBS: [Code; BANK + 1] = sixteen!(0 1 2 3 4 5 6 7);
}
