//! Feeds the replay of `crates/mspan/tests/replay/span.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/mspan/tests/replay/span.rs"]
mod replay;

fuzz_target!(|actions: &[u8]| replay::replay(actions));
