//! Fuzz cases: lists of actions on the parts of this crate against naive models. `fuzz/` feeds the same from libFuzzer.
#![cfg(not(loom))]

#[path = "replay/free_bits.rs"]
mod free_bits;
#[path = "replay/segregated_fit.rs"]
mod segregated_fit;
#[path = "replay/size_class.rs"]
mod size_class;
#[path = "replay/span.rs"]
mod span;

/// Runs a replay with noise from `cases` seeds.
fn run(replay: fn(&[u8]), cases: u64, len: usize) {
    let mut bytes = vec![0; len];
    for seed in 0..cases {
        gort_sys::rand::fill(&mut bytes, seed);
        replay(&bytes);
    }
}

#[test]
fn free_bits_agree_with_flags() {
    run(free_bits::replay, 30, 2000);
}

#[test]
fn spans_agree_with_flags() {
    run(span::replay, 200, 1500);
}

#[test]
fn size_classes_agree_with_a_search() {
    run(size_class::replay, 50, 4000);
}

#[test]
fn segregated_fit_agrees_with_a_map_of_bytes() {
    run(segregated_fit::replay, 30, 3000);
}
