//! Feeds the replay of `crates/defer/tests/replay/machine.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/defer/tests/common/mod.rs"]
mod common;
#[path = "../../crates/defer/tests/replay/machine.rs"]
mod replay;

fuzz_target!(|bytes: &[u8]| replay::machine(bytes));
