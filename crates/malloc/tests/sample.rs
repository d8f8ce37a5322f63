//! What the profile's stack walker allocates is not sampled, or it would be called from inside of itself.

use gort_malloc::MALLOC;
use gort_malloc::sample::FRAMES_MAX;
use std::cell::Cell;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    static WALKS: Cell<usize> = const { Cell::new(0) };
}

/// Allocates, as an unwinder may.
fn walker(stack: &mut [usize; FRAMES_MAX]) -> usize {
    assert_eq!(DEPTH.replace(1), 0, "the walker is called from inside of itself");
    WALKS.set(WALKS.get() + 1);
    // SAFETY: allocated here.
    unsafe { MALLOC.free(MALLOC.malloc(100)) };
    DEPTH.set(0);
    stack[0] = 7;
    1
}

fn sample_everything() {
    MALLOC.set_stack_walker(walker);
    let block = MALLOC.malloc(50);
    // SAFETY: allocated above.
    unsafe { MALLOC.free(block) };
    let (mut allocs, mut frees) = (0, 0);
    MALLOC.each_bucket(|bucket| {
        assert_eq!((bucket.size, &bucket.stack[..bucket.depth]), (50, &[7][..]));
        (allocs, frees) = (allocs + bucket.allocs, frees + bucket.frees);
    });
    assert_eq!((WALKS.get(), allocs, frees), (1, 1, 1));
}

/// In a process of its own, since the rate is read from the environment at the start.
#[test]
fn a_walker_that_allocates_is_not_sampled() {
    const RATE: &str = "GORT_PROFILE_RATE";
    if gort_sys::env::var(RATE.as_bytes()).is_some() {
        return sample_everything();
    }
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_walker_that_allocates_is_not_sampled"])
        .env(RATE, "1")
        .status()
        .unwrap();
    assert!(status.success());
}
