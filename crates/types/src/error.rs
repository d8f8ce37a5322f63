//! What Go would panic with: runtime errors of assertion, comparison and hashing, with Go's texts (IF-2, IF-4, IF-5).
//!
//! The functions of this crate return them; the facade panics with them.

use crate::descriptor::Type;
use crate::records::write_lossy;
use crate::text::write_type;
use core::ffi::CStr;
use core::fmt::{self, Display, Formatter};

/// A runtime error. Its `Display` is Go's text.
#[derive(Clone, Copy)]
pub enum TypeError {
    /// A value that is not of the type, or lacks methods, or is nil.
    Assertion(Assertion),
    /// Two values of a type that cannot be compared.
    Uncomparable(&'static Type),
    /// A value of a type that cannot be hashed.
    Unhashable(&'static Type),
    /// A value method called through a nil pointer to the type.
    NilReceiver {
        /// The type that the method belongs to.
        ty: &'static Type,
        /// The method.
        method: &'static [u8],
    },
    /// A nil pointer was followed.
    NilDereference,
    /// No memory for a scalar in an interface.
    NoMemory,
}

/// Go's `TypeAssertionError`.
#[derive(Clone, Copy)]
pub struct Assertion {
    /// What the value was held in.
    pub held_in: HeldIn,
    /// The value's type; `None` of nil.
    pub concrete: Option<&'static Type>,
    /// The type that it should have had.
    pub asserted: &'static Type,
    /// The method that it lacks.
    pub missing: Option<&'static CStr>,
}

/// The interface of the expression whose type was asserted.
#[derive(Clone, Copy)]
pub enum HeldIn {
    /// Go's runtime does not know it: an assertion of nil to an interface.
    Unknown,
    /// `interface {}`, which `go_any` is.
    Empty,
    /// An interface with methods.
    Iface(&'static Type),
}

impl Display for HeldIn {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            HeldIn::Unknown => f.write_str("interface"),
            HeldIn::Empty => f.write_str("interface {}"),
            HeldIn::Iface(ty) => write_type(f, ty),
        }
    }
}

impl Display for Assertion {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("interface conversion: ")?;
        let Some(concrete) = self.concrete else {
            return write!(f, "{} is nil, not {}", self.held_in, self.asserted);
        };
        if let Some(missing) = self.missing {
            write!(f, "{concrete} is not {}: missing method ", self.asserted)?;
            return write_lossy(f, missing.to_bytes());
        }
        write!(f, "{} is {concrete}, not {}", self.held_in, self.asserted)?;
        match self.same_text(concrete) {
            false => Ok(()),
            true if concrete.package() == self.asserted.package() => {
                f.write_str(" (types from different scopes)")
            }
            true => f.write_str(" (types from different packages)"),
        }
    }
}

impl Assertion {
    /// Whether two different types are written alike, so that the message must say how they differ.
    fn same_text(&self, concrete: &'static Type) -> bool {
        concrete.string() == self.asserted.string()
    }
}

impl Display for TypeError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            TypeError::Assertion(assertion) => assertion.fmt(f),
            TypeError::Uncomparable(ty) => write!(f, "runtime error: comparing uncomparable type {ty}"),
            TypeError::Unhashable(ty) => write!(f, "runtime error: hash of unhashable type {ty}"),
            TypeError::NilReceiver { ty, method } => {
                write!(f, "value method {ty}.")?;
                write_lossy(f, method)?;
                let name = ty.full_name();
                let bare = name.iter().rposition(|b| *b == b'.').map_or(name, |dot| &name[dot + 1..]);
                f.write_str(" called using nil *")?;
                write_lossy(f, bare)?;
                f.write_str(" pointer")
            }
            TypeError::NoMemory => f.write_str("runtime error: out of memory"),
            TypeError::NilDereference => {
                f.write_str("runtime error: invalid memory address or nil pointer dereference")
            }
        }
    }
}

impl fmt::Debug for TypeError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

impl core::error::Error for TypeError {}
