//! glibc's ways to ask and tell: `mallinfo`, `mallinfo2`, `malloc_stats`, `malloc_info`, `mallopt` (MA-15).
//!
//! glibc speaks of arenas and bins; the fields get the figure here that comes nearest, so that sums hold:
//! `arena + hblkhd` is what is held, `uordblks` what the program has of it, `fordblks` the rest.

#![cfg(feature = "interpose")]

use core::ffi::{c_int, c_void};
use core::fmt::Write;
use gort_malloc::{MALLOC, Stats};
use gort_sys::{Errno, io};

/// glibc's `struct mallinfo2`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Mallinfo2 {
    arena: usize,
    ordblks: usize,
    smblks: usize,
    hblks: usize,
    hblkhd: usize,
    usmblks: usize,
    fsmblks: usize,
    uordblks: usize,
    fordblks: usize,
    keepcost: usize,
}

/// glibc's `struct mallinfo`: the same in 32 bits.
#[repr(C)]
pub struct Mallinfo([c_int; 10]);

impl From<&Stats> for Mallinfo2 {
    fn from(stats: &Stats) -> Self {
        let arena = stats.held_bytes() - stats.huge_bytes;
        let live = stats.live_bytes() - stats.huge_bytes;
        let free_blocks: usize = stats.classes.iter().map(|class| class.cached).sum();
        Self {
            arena,
            ordblks: free_blocks,
            smblks: free_blocks,
            hblks: stats.huge_blocks,
            hblkhd: stats.huge_bytes,
            usmblks: 0,
            fsmblks: stats.cached_bytes(),
            uordblks: live,
            fordblks: arena.saturating_sub(live),
            keepcost: stats.heap.free_bytes - stats.heap.released_bytes,
        }
    }
}

/// As in glibc.
#[unsafe(no_mangle)]
pub extern "C" fn mallinfo2() -> Mallinfo2 {
    Mallinfo2::from(&MALLOC.stats())
}

/// As in glibc; figures beyond 2 GiB are cut off at the largest `int`.
#[unsafe(no_mangle)]
pub extern "C" fn mallinfo() -> Mallinfo {
    let i = mallinfo2();
    let all = [
        i.arena, i.ordblks, i.smblks, i.hblks, i.hblkhd, i.usmblks, i.fsmblks, i.uordblks, i.fordblks,
        i.keepcost,
    ];
    Mallinfo(all.map(|n| c_int::try_from(n).unwrap_or(c_int::MAX)))
}

/// The heap report on standard error.
#[unsafe(no_mangle)]
pub extern "C" fn malloc_stats() {
    let _ = crate::memory::go_malloc_stats_print(2);
}

/// Accepts every parameter, as glibc does, and changes nothing: 1.
#[unsafe(no_mangle)]
pub extern "C" fn mallopt(_parameter: c_int, _value: c_int) -> c_int {
    1
}

/// The heap as XML on a stream. 0; EINVAL when `options` is not nought; -1 when the stream does not take it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn malloc_info(options: c_int, stream: *mut c_void) -> c_int {
    if options != 0 {
        return Errno::EINVAL.0;
    }
    // SAFETY: the caller's stream.
    let mut out = unsafe { io::Stream::new(stream) };
    if write_xml(&mut out, &MALLOC.stats()).is_err() { -1 } else { 0 }
}

fn write_xml(out: &mut impl Write, stats: &Stats) -> core::fmt::Result {
    let info = Mallinfo2::from(stats);
    writeln!(out, "<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>")?;
    for class in stats.classes.iter().filter(|class| class.spans > 0) {
        let (size, count) = (class.size, class.cached);
        writeln!(
            out,
            "  <size from=\"{size}\" to=\"{size}\" total=\"{}\" count=\"{count}\"/>",
            size * count
        )?;
    }
    writeln!(out, "</sizes>")?;
    writeln!(out, "<total type=\"fast\" count=\"{}\" size=\"{}\"/>", info.smblks, info.fsmblks)?;
    writeln!(
        out,
        "<total type=\"rest\" count=\"0\" size=\"{}\"/>",
        info.fordblks - info.fsmblks.min(info.fordblks)
    )?;
    writeln!(out, "<system type=\"current\" size=\"{}\"/>", info.arena)?;
    writeln!(out, "<system type=\"max\" size=\"{}\"/>\n</heap>", stats.heap.peak_held_bytes)?;
    writeln!(out, "<total type=\"mmap\" count=\"{}\" size=\"{}\"/>", info.hblks, info.hblkhd)?;
    writeln!(out, "<system type=\"current\" size=\"{}\"/>", stats.held_bytes())?;
    writeln!(out, "<system type=\"max\" size=\"{}\"/>\n</malloc>", stats.peak_held_bytes())
}
