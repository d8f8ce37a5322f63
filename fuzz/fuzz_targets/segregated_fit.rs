//! Feeds the replay of `crates/mspan/tests/replay/segregated_fit.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/mspan/tests/replay/segregated_fit.rs"]
mod replay;

fuzz_target!(|actions: &[u8]| replay::replay(actions));
