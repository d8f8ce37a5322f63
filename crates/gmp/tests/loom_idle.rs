//! Rules out lost wake-ups: after a maker has put work and a spinner has gone to rest, either somebody was woken or the work
//! was found, in every interleaving.
#![cfg(loom)]

use core::ptr::NonNull;
use gort_gmp::idle::Idle;
use gort_gmp::runq::RunQueue;
use gort_sync::atomic::{AtomicBool, Ordering::SeqCst};
use gort_sync::model::{Arc, model, thread};

struct World {
    idle: Idle,
    queue: RunQueue<usize, 2>,
    woken: AtomicBool,
    found: AtomicBool,
}

fn record() -> NonNull<usize> {
    NonNull::new(core::ptr::without_provenance_mut(8)).unwrap()
}

impl World {
    fn new() -> Self {
        Self {
            idle: Idle::new(),
            queue: RunQueue::new(),
            woken: AtomicBool::new(false),
            found: AtomicBool::new(false),
        }
    }

    /// The way of a spinner that finds nothing: gives its P up, stops spinning, and looks once more.
    fn rest(&self) {
        if self.look() {
            self.idle.stop_spinning();
            return;
        }
        self.idle.add_idle_p();
        self.idle.stop_spinning();
        self.look();
    }

    fn look(&self) -> bool {
        let found = !self.queue.is_empty();
        if found {
            self.found.store(true, SeqCst);
        }
        found
    }

    fn make(&self) {
        self.queue.put_next(record(), |_| panic!("overflow"));
        if self.idle.should_wake() {
            self.woken.store(true, SeqCst);
        }
    }
}

#[test]
fn work_is_found_or_somebody_is_woken() {
    model(|| {
        let world = Arc::new(World::new());
        assert!(world.idle.start_spinning(2));
        let spinner = world.clone();
        let t = thread::spawn(move || spinner.rest());
        world.make();
        t.join().unwrap();
        assert!(world.found.load(SeqCst) || world.woken.load(SeqCst));
    });
}

/// With two spinners the last one to stop answers for the work.
#[test]
fn the_last_of_two_spinners_answers() {
    model(|| {
        let world = Arc::new(World::new());
        assert!(world.idle.start_spinning(4));
        assert!(world.idle.start_spinning(4));
        let spinners: Vec<_> = (0..2)
            .map(|_| {
                let world = world.clone();
                thread::spawn(move || world.rest())
            })
            .collect();
        world.make();
        spinners.into_iter().for_each(|t| t.join().unwrap());
        assert!(world.found.load(SeqCst) || world.woken.load(SeqCst));
    });
}
