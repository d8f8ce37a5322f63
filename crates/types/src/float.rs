//! Floats as Go prints them: `%g` with the fewest digits that read back as the same number.

use crate::records::Cursor;
use core::fmt::{self, Write};

/// Writes a float; `single` when it came from a float32, which needs fewer digits.
///
/// Exponents from -4 to 5 are written out; others as `1.5e+06`, with two digits at least.
pub fn write_float(out: &mut dyn Write, value: f64, single: bool) -> fmt::Result {
    if value.is_nan() {
        return out.write_str("NaN");
    }
    if value.is_infinite() {
        return out.write_str(if value < 0.0 { "-Inf" } else { "+Inf" });
    }
    let mut buffer = [0u8; 40];
    let mut text = Cursor::new(&mut buffer);
    if single {
        write!(text, "{:e}", value as f32)?;
    } else {
        write!(text, "{value:e}")?;
    }
    let len = text.len.min(buffer.len());
    let text = core::str::from_utf8(&buffer[..len]).map_err(|_| fmt::Error)?;
    let (mantissa, exponent) = text.split_once('e').ok_or(fmt::Error)?;
    let exponent: i32 = exponent.parse().map_err(|_| fmt::Error)?;
    if (-4..6).contains(&exponent) {
        return write_plain(out, mantissa, exponent);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    write!(out, "{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

/// Writes `d.ddd` times ten to the `exponent` without an exponent.
fn write_plain(out: &mut dyn Write, mantissa: &str, exponent: i32) -> fmt::Result {
    let mantissa = match mantissa.strip_prefix('-') {
        Some(rest) => {
            out.write_str("-")?;
            rest
        }
        None => mantissa,
    };
    let digits = mantissa.bytes().filter(|b| *b != b'.');
    let count = digits.clone().count() as i32;
    if exponent < 0 {
        out.write_str("0.")?;
        (1..-exponent).try_for_each(|_| out.write_char('0'))?;
    }
    for (i, digit) in (0..).zip(digits) {
        out.write_char(digit as char)?;
        if i == exponent && i + 1 < count {
            out.write_char('.')?;
        }
    }
    (count..=exponent).try_for_each(|_| out.write_char('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_read_as_go_prints_them() {
        let rows: [(f64, bool, &str); 24] = [
            (0.0, false, "0"),
            (-0.0, false, "-0"),
            (1.0, false, "1"),
            (1.5, false, "1.5"),
            (-2.25, false, "-2.25"),
            (0.1, false, "0.1"),
            (f64::from(0.1f32), true, "0.1"),
            (f64::from(0.1f32), false, "0.10000000149011612"),
            (100_000.0, false, "100000"),
            (999_999.0, false, "999999"),
            (1e6, false, "1e+06"),
            (123_456_789.0, false, "1.23456789e+08"),
            (12_345.678, false, "12345.678"),
            (0.0001, false, "0.0001"),
            (0.00012345, false, "0.00012345"),
            (0.00001, false, "1e-05"),
            (1e20, false, "1e+20"),
            (1e21, false, "1e+21"),
            (1e100, false, "1e+100"),
            (5e-324, false, "5e-324"),
            (16_777_216.0, true, "1.6777216e+07"),
            (f64::INFINITY, false, "+Inf"),
            (f64::NEG_INFINITY, true, "-Inf"),
            (f64::NAN, false, "NaN"),
        ];
        for (value, single, want) in rows {
            let mut got = String::new();
            write_float(&mut got, value, single).unwrap();
            assert_eq!(got, want);
        }
    }
}
