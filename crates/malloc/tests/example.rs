//! Runs the example, so that it stays true; the whole test binary is on gort's allocator.

#[path = "../examples/global_allocator.rs"]
mod global_allocator;

#[test]
fn the_example_runs() {
    global_allocator::main();
}
