//! What runs when the library is loaded and when the program ends.
//!
//! At the end: a last look at the quarantine of the checking mode, the heap report (`GORT_STATS`), the heap profile
//! (`GORT_PROFILE`). A program that does not want any of it pays one look at the environment.

use gort_malloc::MALLOC;
use gort_sys::{env, io, stack};

#[used]
#[unsafe(link_section = ".init_array")]
static AT_LOAD: extern "C" fn() = at_load;

#[used]
#[unsafe(link_section = ".fini_array")]
static AT_END: extern "C" fn() = at_end;

extern "C" fn at_load() {
    if env::var(b"GORT_PROFILE_RATE").is_some() {
        // The first walk loads the unwinder, which allocates: better now than inside of a malloc.
        stack::walk(&mut [0; 64]);
        MALLOC.set_stack_walker(stack::walk);
    }
}

extern "C" fn at_end() {
    MALLOC.check_quarantine();
    if env::var(b"GORT_STATS").is_some_and(|value| value != b"0") {
        let _ = crate::memory::go_malloc_stats_print(2);
    }
    if let Some(path) = env::var(b"GORT_PROFILE").filter(|path| !path.is_empty())
        && let Err(e) = io::write_file(path, &crate::profile::encode())
    {
        io::note(format_args!("cannot write the heap profile: {e:?}"));
    }
}
