//! Feeds the replay of `crates/mspan/tests/replay/free_bits.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/mspan/tests/replay/free_bits.rs"]
mod replay;

fuzz_target!(|actions: &[u8]| replay::replay(actions));
