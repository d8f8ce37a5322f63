//! Fuzz cases: lists of actions on the parts of this crate against naive models. `fuzz/` feeds the same from libFuzzer.
#![cfg(not(loom))]

#[path = "replay/page_alloc.rs"]
mod page_alloc;
#[path = "replay/scav_index.rs"]
mod scav_index;
#[path = "replay/strategy.rs"]
mod strategy;

/// Runs a replay with noise from `cases` seeds.
fn run(replay: fn(&[u8]), cases: u64, len: usize) {
    let mut bytes = vec![0; len];
    for seed in 0..cases {
        gort_sys::rand::fill(&mut bytes, seed);
        replay(&bytes);
    }
}

#[test]
fn the_page_allocator_agrees_with_flags() {
    run(page_alloc::replay, 16, 2500);
}

#[test]
fn the_scavengers_index_agrees_with_counts() {
    run(scav_index::replay, 100, 3000);
}

#[test]
fn each_fit_chooses_as_it_says() {
    run(strategy::free_list, 60, 2000);
}

#[test]
fn the_bump_allocator_agrees_with_an_offset() {
    run(strategy::bump, 50, 1000);
}
