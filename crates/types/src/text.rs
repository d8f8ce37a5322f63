//! How Go writes a type in its messages.

use crate::descriptor::{Kind, Type};
use crate::records::write_lossy;
use core::fmt::{self, Write};

/// Writes a type as Go's messages do: `main.Point`, `*main.Point`, `[]int32`, `map[string]int64`, `func(int32) bool`.
pub fn write_type(out: &mut dyn Write, ty: &Type) -> fmt::Result {
    if ty.is_named() {
        return write_lossy(out, ty.short_name());
    }
    match ty.kind {
        Kind::Pointer => out.write_str("*")?,
        Kind::Slice => out.write_str("[]")?,
        Kind::Chan => out.write_str("chan ")?,
        Kind::Array => write!(out, "[{}]", ty.len)?,
        Kind::Map => {
            out.write_str("map[")?;
            write_list(out, ty.parts())?;
            out.write_str("]")?;
        }
        Kind::Func => return write_func(out, ty),
        _ => return out.write_str("interface {}"),
    }
    ty.elem_raw().map_or(Ok(()), |elem| write_type(out, elem))
}

fn write_func(out: &mut dyn Write, ty: &Type) -> fmt::Result {
    let (params, results) = ty.parts().split_at(ty.len.min(ty.parts().len()));
    out.write_str("func(")?;
    write_list(out, params)?;
    out.write_str(")")?;
    match results {
        [] => Ok(()),
        [one] => {
            out.write_str(" ")?;
            write_type(out, one)
        }
        many => {
            out.write_str(" (")?;
            write_list(out, many)?;
            out.write_str(")")
        }
    }
}

fn write_list(out: &mut dyn Write, types: &[&Type]) -> fmt::Result {
    for (i, ty) in types.iter().enumerate() {
        if i > 0 {
            out.write_str(", ")?;
        }
        write_type(out, ty)?;
    }
    Ok(())
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_type(f, self)
    }
}

impl fmt::Debug for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_type(f, self)
    }
}
