//! Feeds the replay of `crates/mspan/tests/replay/size_class.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/mspan/tests/replay/size_class.rs"]
mod replay;

fuzz_target!(|actions: &[u8]| replay::replay(actions));
