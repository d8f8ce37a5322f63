//! Feeds the replay of `crates/mheap/tests/replay/page_alloc.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/mheap/tests/replay/page_alloc.rs"]
mod replay;

fuzz_target!(|actions: &[u8]| replay::replay(actions));
