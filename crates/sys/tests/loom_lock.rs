//! Rules out two holders, a lost wake-up, and unseen writes in `Lock`.
#![cfg(loom)]

use gort_sync::cell::UnsafeCell;
use gort_sync::model::{Arc, model, thread};
use gort_sys::lock::Lock;

struct Shared {
    lock: Lock,
    count: UnsafeCell<u32>,
}

// SAFETY: the model is what shows that the lock protects the cell; loom reports a race otherwise.
unsafe impl Sync for Shared {}
// SAFETY: as above.
unsafe impl Send for Shared {}

fn increment(shared: &Shared) {
    shared.lock.acquire();
    // SAFETY: the lock is held.
    shared.count.with_mut(|c| unsafe { *c += 1 });
    // SAFETY: acquired above.
    unsafe { shared.lock.release() };
}

/// Three threads, one increment each: every count survives, and nobody sleeps for ever (loom reports a deadlock).
#[test]
fn three_holders_in_turn() {
    model(|| {
        let shared = Arc::new(Shared { lock: Lock::new(), count: UnsafeCell::new(0) });
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let shared = shared.clone();
                thread::spawn(move || increment(&shared))
            })
            .collect();
        increment(&shared);
        threads.into_iter().for_each(|t| t.join().unwrap());
        // SAFETY: the other threads are done.
        shared.count.with(|c| assert_eq!(unsafe { *c }, 3));
    });
}
