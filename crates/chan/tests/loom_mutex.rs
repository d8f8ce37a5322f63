//! Rules out two holders, lost wake-ups, and a starving waiter that is passed over: in models every wait is a long one, so who
//! loses once turns the mutex to starvation mode.
#![cfg(loom)]

use gort_chan::mutex::Mutex;
use gort_chan::sema::Table;
use gort_gmp::timer::NEVER;
use gort_sync::cell::UnsafeCell;
use gort_sync::model::{Arc, model, thread};

struct World {
    table: Table,
    mutex: Mutex,
    value: UnsafeCell<u32>,
}

// SAFETY: the point of the model.
unsafe impl Sync for World {}
// SAFETY: as above.
unsafe impl Send for World {}

fn count(world: &World, times: u32) {
    for _ in 0..times {
        assert!(world.mutex.lock_in(&world.table, NEVER));
        // SAFETY: loom checks it.
        world.value.with_mut(|value| unsafe { *value += 1 });
        world.mutex.unlock_in(&world.table);
    }
}

fn run(counts: [u32; 2], own: u32) {
    model(move || {
        let world = Arc::new(World { table: Table::new(), mutex: Mutex::new(), value: UnsafeCell::new(0) });
        let threads: Vec<_> = counts
            .into_iter()
            .filter(|n| *n > 0)
            .map(|n| {
                let world = world.clone();
                thread::spawn(move || count(&world, n))
            })
            .collect();
        count(&world, own);
        threads.into_iter().for_each(|t| t.join().unwrap());
        count(&world, 1);
        // SAFETY: everybody else is done.
        assert_eq!(world.value.with(|value| unsafe { *value }), counts[0] + counts[1] + own + 1);
    });
}

#[test]
fn two_threads_take_turns() {
    run([2, 0], 2);
}

#[test]
fn three_threads_starve_nobody() {
    run([1, 1], 1);
}
