//! What runs when the library is loaded and when the program ends.
//!
//! At the end: a last look at the quarantine of the checking mode, the heap report (`GORT_STATS`), the heap profile
//! (`GORT_PROFILE`). A program that does not want any of it pays one look at the environment, and nothing of the heap is
//! touched for it.

use alloc::string::ToString;
use alloc::vec::Vec;
use gort_malloc::MALLOC;
use gort_sync::atomic::{AtomicBool, Ordering};
use gort_sync::cell::UnsafeCell;
use gort_sys::io::Kept;
use gort_sys::{env, io, stack};

#[used]
#[unsafe(link_section = ".init_array")]
static AT_LOAD: extern "C" fn() = at_load;

#[used]
#[unsafe(link_section = ".fini_array")]
static AT_END: extern "C" fn() = at_end;

/// Standard error as it was when the program started, if the report is wanted.
struct Stderr(UnsafeCell<Option<Kept>>);

// SAFETY: written while the library is loaded, read when the program ends.
unsafe impl Sync for Stderr {}

static STDERR: Stderr = Stderr(UnsafeCell::new(None));

/// Whether there is anything to do at the end.
static ENDS: AtomicBool = AtomicBool::new(false);

extern "C" fn at_load() {
    let [stats, rate, check] = env::vars([b"GORT_STATS", b"GORT_PROFILE_RATE", b"GORT_CHECK"]);
    let reports = stats.is_some_and(|value| value != b"0" && !value.is_empty());
    let profiles = rate.is_some();
    if !reports && !profiles && check.is_none() {
        return;
    }
    // Relaxed: for this thread's eyes, or for those of threads that it makes.
    ENDS.store(true, Ordering::Relaxed);
    if reports {
        // Many programs close their standard error before they end.
        // SAFETY: nobody else looks yet.
        STDERR.0.with_mut(|kept| unsafe { *kept = Kept::new(2) });
    }
    if profiles {
        // The first walk loads the unwinder, which allocates: better now than inside of a malloc.
        stack::walk(&mut [0; 64]);
        MALLOC.set_stack_walker(stack::walk);
    }
}

extern "C" fn at_end() {
    // Relaxed: see `at_load`.
    if !ENDS.load(Ordering::Relaxed) {
        return;
    }
    MALLOC.check_quarantine();
    // SAFETY: written at load only.
    if let Some(fd) = STDERR.0.with(|kept| unsafe { *kept }).and_then(|kept| kept.get()) {
        let _ = crate::memory::go_malloc_stats_print(fd);
    }
    if MALLOC.profile_rate() != 0
        && let Some(path) = env::var(b"GORT_PROFILE").filter(|path| !path.is_empty())
        && let Err(e) = io::write_file(&profile_path(path), &crate::profile::encode())
    {
        io::note(format_args!("cannot write the heap profile: {e:?}"));
    }
}

/// The path with the process's number in the place of `%p`.
fn profile_path(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len() + 16);
    let mut rest = path;
    while let Some(at) = rest.windows(2).position(|pair| pair == b"%p") {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(env::process_id().to_string().as_bytes());
        rest = &rest[at + 2..];
    }
    out.extend_from_slice(rest);
    out
}
