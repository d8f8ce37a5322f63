//! Feeds the replay of `crates/mheap/tests/replay/strategy.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code, reason = "the file has two replays")]
#[path = "../../crates/mheap/tests/replay/strategy.rs"]
mod replay;

fuzz_target!(|actions: &[u8]| replay::bump(actions));
