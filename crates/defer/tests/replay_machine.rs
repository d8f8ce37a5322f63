//! The replay of `replay/machine.rs` with a fixed number of seeded cases; `fuzz/` feeds it from libFuzzer.
#![cfg(not(loom))]

mod common;
#[path = "replay/machine.rs"]
mod replay;

/// Bytes from a seed (xorshift).
fn bytes(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..128).map(|_| next()).collect()
}

/// PA-1 to PA-8, GO-3 to GO-5, in random combinations.
#[test]
fn random_programs_do_as_the_interpreter_says() {
    (0..20_000).for_each(|seed| replay::machine(&bytes(seed)));
}
