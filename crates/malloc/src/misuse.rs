//! What is wrong with a pointer, in words.
//!
//! By default, at the call: a pointer that is no block at all (foreign, on a stack, code, wild, misaligned, inside a large
//! or medium block), a large block freed twice, the same small block twice in a row. Later, when the block goes back to
//! its span: everything else. With `GORT_CHECK=2` everything at the call ([`crate::check`]).

use core::fmt;
use gort_mcache::cache::Fault as Late;
use gort_mcentral::Misuse;
use gort_mspan::Misplaced;
use gort_sys::io;

/// A caller's mistake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The block is free already.
    DoubleFree,
    /// The address was never handed out.
    Foreign,
    /// No multiple of 16, so no block.
    Misaligned,
    /// Inside the block that starts at this address.
    Interior(usize),
    /// In the rest of a span behind its last block.
    Outside,
    /// Freed with this size, but the block has that many bytes.
    WrongSize(usize, usize),
    /// Bytes behind the block were overwritten.
    Overflow,
    /// A free block was written to, at this offset.
    WrittenAfterFree(usize),
    /// The block was resized or asked for its size after it had been freed.
    UsedAfterFree,
}

impl From<Misplaced> for Fault {
    fn from(misplaced: Misplaced) -> Self {
        match misplaced {
            Misplaced::Interior(start) => Self::Interior(start),
            Misplaced::Outside => Self::Outside,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DoubleFree => f.write_str("double free"),
            Self::Foreign => f.write_str("invalid pointer, never allocated here"),
            Self::Misaligned => {
                f.write_str("invalid pointer, no block starts at an address that is no multiple of 16")
            }
            Self::Interior(start) => write!(f, "invalid pointer, inside the block at {start:#x}"),
            Self::Outside => f.write_str("invalid pointer, behind the last block of its span"),
            Self::WrongSize(given, real) => {
                write!(f, "size mismatch, freed as {given} bytes, allocated as {real}")
            }
            Self::Overflow => f.write_str("buffer overflow, bytes behind the block were overwritten"),
            Self::WrittenAfterFree(offset) => write!(f, "written after free, at offset {offset}"),
            Self::UsedAfterFree => f.write_str("use after free, the block is not allocated"),
        }
    }
}

/// Stops the program because of a pointer given to `call`.
#[cold]
#[inline(never)]
pub fn stop(call: &str, block: *const u8, fault: Fault) -> ! {
    io::fatal(call, block.addr(), format_args!("{fault}"))
}

/// Stops the program because of a block that was freed earlier and now turns out to be none.
#[cold]
#[inline(never)]
pub(crate) fn stop_late(call: &str, (block, misuse): Late) -> ! {
    let fault = match misuse {
        Misuse::DoubleFree => Fault::DoubleFree,
        Misuse::NotABlock => Fault::Foreign,
    };
    io::fatal(call, block.addr(), format_args!("{fault} (found when the block went back to its span)"))
}
