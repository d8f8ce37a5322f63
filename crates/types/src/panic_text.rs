//! A panic value as the runtime prints it when nobody recovers (PA-9).

use crate::any::Any;
use crate::descriptor::{Kind, Type, flags};
use crate::float::write_float;
use crate::records::write_lossy;
use core::fmt::{self, Write};

/// Writes a panic value that has neither `Error` nor `String`, which would speak for it: basic kinds by value, named ones as
/// `T(v)`, all others as `(T) address`. Newlines in strings are followed by a tab.
///
/// # Safety
/// A string lies where the value says.
pub unsafe fn write_panic(out: &mut dyn Write, value: Any) -> fmt::Result {
    let Some(ty) = value.ty else { return out.write_str("nil") };
    if !is_basic(ty.kind()) {
        return write!(out, "({ty}) {:#x}", value.bits);
    }
    if ty.flags & flags::NAMED == 0 {
        return write_basic(out, ty, value);
    }
    let quote = if ty.kind() == Kind::String { "\"" } else { "" };
    write!(out, "{ty}({quote}")?;
    write_basic(out, ty, value)?;
    write!(out, "{quote})")
}

fn is_basic(kind: Kind) -> bool {
    (Kind::Bool as u8..=Kind::String as u8).contains(&(kind as u8))
}

fn write_basic(out: &mut dyn Write, ty: &'static Type, value: Any) -> fmt::Result {
    match ty.kind() {
        Kind::Bool => write!(out, "{}", value.bits != 0),
        Kind::Float32 | Kind::Float64 => write_float(out, value.float(), ty.kind() == Kind::Float32),
        Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => write!(out, "{}", value.int()),
        // SAFETY: `write_panic` asks for it.
        Kind::String => write_indented(out, unsafe { value.text() }),
        _ => write!(out, "{}", value.bits),
    }
}

/// Writes text with a tab behind each newline.
fn write_indented(out: &mut dyn Write, text: &[u8]) -> fmt::Result {
    for (i, line) in text.split(|b| *b == b'\n').enumerate() {
        if i > 0 {
            out.write_str("\n\t")?;
        }
        write_lossy(out, line)?;
    }
    Ok(())
}
