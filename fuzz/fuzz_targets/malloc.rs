//! Feeds the replay of `crates/malloc/tests/replay/malloc.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/malloc/tests/replay/malloc.rs"]
mod replay;

fuzz_target!(|actions: &[u8]| replay::replay(actions));
