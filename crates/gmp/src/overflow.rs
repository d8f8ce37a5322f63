//! A goroutine that runs into the guard of its stack: said in Go's words, not by a bare SIGSEGV (GO-18).

use crate::m::M;
use core::fmt::Write;
use gort_sync::atomic::{AtomicU32, Ordering};
use gort_sys::io::{Line, write_all};
use gort_sys::segv;

/// Looks at memory faults from now on. Once in a process.
pub(crate) fn watch() {
    static WATCHING: AtomicU32 = AtomicU32::new(0);
    // Relaxed: it only decides who does it.
    if WATCHING.swap(1, Ordering::Relaxed) == 0 {
        // SAFETY: once; `look` calls nothing but `write` and `exit_group`.
        let _ = unsafe { segv::watch(look) };
    }
}

/// In the signal handler, on its own stack.
fn look(addr: usize) {
    let Some(g) = M::current().and_then(M::running) else { return };
    if !(g.low..g.low + g.guard as usize).contains(&addr) {
        return;
    }
    let mut text = Line::new();
    let stack = g.stack();
    let _ = write!(
        text,
        "runtime: goroutine stack exceeds {}-byte limit\nfatal error: stack overflow\n\ngoroutine {} [running]:\n",
        stack.end - stack.start,
        g.id(),
    );
    let _ = write_all(2, text.as_bytes());
    gort_sys::native::exit_now(2)
}
