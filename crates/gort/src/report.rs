//! The heap in a table, for people.

use core::fmt::{self, Display, Formatter, Write};
use gort_malloc::Stats;
use gort_sys::env;

/// A number of bytes with a unit, in eight columns.
struct Bytes(usize);

impl Display for Bytes {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 5] = ["B  ", "KiB", "MiB", "GiB", "TiB"];
        let (mut tenths, mut unit) = (self.0 as u64 * 10, 0);
        while tenths >= 10_240 && unit + 1 < UNITS.len() {
            tenths /= 1024;
            unit += 1;
        }
        write!(f, "{:>6}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    }
}

/// Writes the report: what is live, what was the peak, what went back to the OS; then a line for each class in use.
pub fn write(out: &mut impl Write, stats: &Stats) -> fmt::Result {
    let program = core::str::from_utf8(env::program()).unwrap_or("");
    writeln!(out, "gort heap report: {program}, process {}", env::process_id())?;
    let free = stats.heap.free_bytes - stats.heap.released_bytes;
    for (name, bytes, note) in [
        ("live", stats.live_bytes(), "blocks that the program holds"),
        ("peak", stats.peak_bytes(), "most that spans and mappings took"),
        ("held", stats.held_bytes(), "from the OS and not given back"),
        ("cached", stats.cached_bytes(), "free blocks in caches"),
        ("free", free, "free pages that still have memory"),
        ("returned", stats.heap.released_total_bytes, "given back to the OS so far"),
        ("records", stats.heap.metadata_bytes, "address space of the allocator's records"),
    ] {
        writeln!(out, "  {name:<9}{}   {note}", Bytes(bytes))?;
    }
    writeln!(out, "  blocks {:>10}     in {} caches", stats.live_blocks(), stats.caches)?;
    writeln!(
        out,
        "{:>10} {:>12} {:>12} {:>8} {:>12} {:>6}",
        "class", "live", "cached", "spans", "bytes", "used"
    )?;
    for class in stats.classes.iter().filter(|class| class.spans > 0) {
        let used = (class.live * class.size * 100).checked_div(class.span_bytes).unwrap_or(0);
        let bytes = Bytes(class.span_bytes);
        writeln!(
            out,
            "{:>10} {:>12} {:>12} {:>8} {bytes} {used:>5}%",
            class.size, class.live, class.cached, class.spans
        )?;
    }
    for (name, blocks, bytes) in
        [("large", stats.large_blocks, stats.large_bytes), ("huge", stats.huge_blocks, stats.huge_bytes)]
    {
        if blocks > 0 {
            writeln!(out, "{name:>10} {blocks:>12} {:>12} {blocks:>8} {}", "", Bytes(bytes))?;
        }
    }
    Ok(())
}
