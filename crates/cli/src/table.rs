//! Columns for people.

/// Which side a column's text stands at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Rows as lines of text, every column as wide as its widest cell.
pub fn align<const N: usize>(sides: [Side; N], rows: &[[String; N]]) -> String {
    let widths: [usize; N] =
        std::array::from_fn(|i| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0));
    let mut text = String::new();
    for row in rows {
        let start = text.len();
        for (i, cell) in row.iter().enumerate() {
            let blanks = " ".repeat(widths[i] - cell.chars().count());
            let gap = if i == 0 { "" } else { "  " };
            match sides[i] {
                Side::Left => text.extend([gap, cell, &blanks]),
                Side::Right => text.extend([gap, &blanks, cell]),
            }
        }
        text.truncate(start + text[start..].trim_end().len());
        text.push('\n');
    }
    text
}

/// A number of bytes with a unit.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (n as f64, 0);
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{n} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_no_line_ends_in_blanks() {
        let rows = [["a", "1", "x"], ["täg", "100", ""]].map(|row| row.map(String::from));
        assert_eq!(align([Side::Left, Side::Right, Side::Left], &rows), "a      1  x\ntäg  100\n");
        assert_eq!(align([Side::Left], &[]), "");
    }

    #[test]
    fn bytes_have_units() {
        for (n, text) in [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (3 << 30, "3.0 GiB")] {
            assert_eq!(bytes(n), text);
        }
    }
}
