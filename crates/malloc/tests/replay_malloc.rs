//! Fuzz cases: lists of calls against a model of live blocks, on one thread and on several. `fuzz/` feeds the same from
//! libFuzzer.

#[path = "replay/malloc.rs"]
mod malloc;

fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    gort_sys::rand::fill(&mut bytes, seed);
    bytes
}

#[test]
fn blocks_keep_apart_and_keep_their_contents() {
    (0..40).for_each(|seed| malloc::replay(&noise(seed, 4000)));
}

#[test]
fn so_they_do_on_several_threads_that_come_and_go() {
    for round in 0..5 {
        std::thread::scope(|scope| {
            (0..4).for_each(|thread| {
                _ = scope.spawn(move || malloc::replay(&noise(1000 + round * 4 + thread, 4000)))
            });
        });
    }
}

/// All that was freed is accounted for: nothing is live, and a trim gives everything back but records.
#[test]
fn after_a_replay_nothing_is_live() {
    // The other tests run in this process, too; a process of its own for this one.
    let child = gort_sys::env::var(b"GORT_REPLAY_ALONE").is_some();
    if !child {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "after_a_replay_nothing_is_live"])
            .env("GORT_REPLAY_ALONE", "1")
            .status()
            .unwrap();
        return assert!(status.success());
    }
    malloc::replay(&noise(7, 20_000));
    let stats = gort_malloc::MALLOC.stats();
    assert_eq!((stats.live_blocks(), stats.live_bytes()), (0, 0));
    gort_malloc::MALLOC.trim();
    let stats = gort_malloc::MALLOC.stats();
    assert_eq!(stats.heap.free_bytes, stats.heap.released_bytes);
    assert_eq!(stats.cached_bytes(), 0);
}
