//! Rules out that an M and the taker of its P use the P at the same time, and that a loss goes unnoticed.
#![cfg(loom)]

use gort_gmp::tenure::Tenure;
use gort_sync::atomic::{Ordering::SeqCst, fence};
use gort_sync::cell::UnsafeCell;
use gort_sync::model::{Arc, model, thread};

struct World {
    tenure: Tenure,
    /// What belongs to whoever has the P: loom fails when two use it at once.
    p: UnsafeCell<u32>,
}

// SAFETY: the point of the model.
unsafe impl Sync for World {}

fn barrier() -> bool {
    fence(SeqCst);
    true
}

fn use_p(world: &World) {
    // SAFETY: checked by loom.
    world.p.with_mut(|p| unsafe { *p += 1 });
}

#[test]
fn m_and_taker_never_use_the_p_at_once() {
    model(|| {
        let world = Arc::new(World { tenure: Tenure::new(), p: UnsafeCell::new(0) });
        world.tenure.leave();
        let other = world.clone();
        let taker = thread::spawn(move || {
            let taken = other.tenure.take(barrier, || true);
            if taken {
                use_p(&other);
            }
            taken
        });
        let mut lost = false;
        for _ in 0..2 {
            lost |= world.tenure.enter();
            if !lost {
                use_p(&world);
            }
            world.tenure.leave();
        }
        let taken = taker.join().unwrap();
        lost |= world.tenure.enter();
        assert_eq!(taken, lost);
    });
}
