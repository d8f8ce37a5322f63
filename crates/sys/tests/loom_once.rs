//! Rules out a set-up that runs twice, and a caller that goes on before it is done or without seeing what it wrote.
#![cfg(loom)]

use gort_sync::cell::UnsafeCell;
use gort_sync::model::{Arc, model, thread};
use gort_sys::once::Once;

struct Shared {
    once: Once,
    value: UnsafeCell<u32>,
}

// SAFETY: the model is what shows that `Once` orders the accesses; loom reports a race otherwise.
unsafe impl Sync for Shared {}
// SAFETY: as above.
unsafe impl Send for Shared {}

/// As an allocation does: asks, sets up if need be, and uses what was set up. Whether this call set it up.
fn first_use(shared: &Shared) -> bool {
    let first = !shared.once.is_done()
        // SAFETY: only the first caller's closure runs, and the others wait.
        && shared.once.run(|| shared.value.with_mut(|value| unsafe { *value += 1 }));
    // SAFETY: done, so nobody writes any more.
    shared.value.with(|value| assert_eq!(unsafe { *value }, 1));
    first
}

#[test]
fn three_first_users() {
    model(|| {
        let shared = Arc::new(Shared { once: Once::new(), value: UnsafeCell::new(0) });
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let shared = shared.clone();
                thread::spawn(move || first_use(&shared) as usize)
            })
            .collect();
        let mine = first_use(&shared) as usize;
        let firsts: usize = threads.into_iter().map(|t| t.join().unwrap()).sum();
        assert_eq!(mine + firsts, 1);
    });
}
