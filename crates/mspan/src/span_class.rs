//! What a span is for: the kind of its memory, together with the size class.
//!
//! Follows Go's `spanClass` (a size class and a noscan bit), with kinds of its own for memory that is freed by hand.

use crate::size_class::{CLASSES, SizeClass};

/// The kinds of span memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// Freed by hand: malloc's.
    Malloc = 0,
    /// Collected, may hold pointers.
    Scan = 1,
    /// Collected, holds no pointers.
    NoScan = 2,
    /// Managed by hand in whole spans: stacks and tables.
    Manual = 3,
}

impl Kind {
    /// Number of kinds.
    pub const COUNT: usize = 4;

    /// The kind with this number.
    pub(crate) const fn from_u8(n: u8) -> Self {
        match n {
            0 => Self::Malloc,
            1 => Self::Scan,
            2 => Self::NoScan,
            _ => Self::Manual,
        }
    }

    /// Whether the collector frees it.
    pub const fn is_collected(self) -> bool {
        matches!(self, Self::Scan | Self::NoScan)
    }
}

/// A kind and a size class in one number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SpanClass(u8);

impl SpanClass {
    /// Number of span classes.
    pub const COUNT: usize = Kind::COUNT * CLASSES;

    /// Blocks of `class` of memory of `kind`.
    pub const fn new(kind: Kind, class: SizeClass) -> Self {
        Self((kind as u8) << 6 | class.number())
    }

    /// The kind.
    pub const fn kind(self) -> Kind {
        Kind::from_u8(self.0 >> 6)
    }

    /// The size class; [`SizeClass::NONE`] for large blocks.
    pub const fn size_class(self) -> SizeClass {
        SizeClass::new(self.0 & (CLASSES - 1) as u8)
    }

    /// The number, to index with or to store.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The span class with this number.
    pub const fn from_number(number: u8) -> Self {
        Self(number)
    }
}

static_assertions::const_assert_eq!(SpanClass::COUNT, 256);

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn kind_and_class_come_apart_again() {
        for kind in [Kind::Malloc, Kind::Scan, Kind::NoScan, Kind::Manual] {
            for class in core::iter::once(SizeClass::NONE).chain(SizeClass::all()) {
                let both = SpanClass::new(kind, class);
                assert_eq!((both.kind(), both.size_class()), (kind, class));
                assert_eq!(SpanClass::from_number(both.number()), both);
            }
        }
    }
}
