//! Rules out lost and doubled wake-ups of a waiter that two may want to wake, and wakers that come before it sleeps.
#![cfg(loom)]

use gort_gmp::{WaitReason, Waiter};
use gort_sync::atomic::{AtomicPtr, AtomicU32, Ordering::SeqCst};
use gort_sync::cell::UnsafeCell;
use gort_sync::model::{Arc, model, thread};

struct World {
    /// The wait queue, of one place.
    queue: AtomicPtr<Waiter>,
    wakes: AtomicU32,
    /// What the waker gives: loom fails when the waiter reads it too early.
    gift: UnsafeCell<u32>,
}

// SAFETY: the point of the model.
unsafe impl Sync for World {}
// SAFETY: as above.
unsafe impl Send for World {}

fn world() -> Arc<World> {
    Arc::new(World {
        queue: AtomicPtr::new(core::ptr::null_mut()),
        wakes: AtomicU32::new(0),
        gift: UnsafeCell::new(0),
    })
}

/// The `after` of the waiter: shows it to the others.
unsafe extern "C" fn publish(pair: usize) {
    // SAFETY: the pair is on the waiter's stack, and nobody wakes it yet.
    let (world, waiter) = unsafe { *(pair as *const (*const World, *mut Waiter)) };
    // SAFETY: the world outlives the model's threads.
    unsafe { (*world).queue.store(waiter, SeqCst) };
}

fn wake(world: &World, who: u32) {
    let waiter = world.queue.load(SeqCst);
    // SAFETY: the waiter stays until it is readied, and only the winner readies it: a loser looks no further. The model
    // holds the waiter until all threads are joined, so that the loser's look is allowed as it is under a queue's lock.
    if !waiter.is_null() && unsafe { (*waiter).claim(who) } {
        // SAFETY: only the winner is here.
        world.gift.with_mut(|gift| unsafe { *gift = who });
        world.wakes.fetch_add(1, SeqCst);
        // SAFETY: claimed.
        unsafe { Waiter::ready(waiter) };
    }
}

#[test]
fn one_of_two_wakers_wins_and_its_gift_is_seen() {
    model(|| {
        let world = world();
        let waiter = Box::leak(Box::new(Waiter::new())) as *mut Waiter;
        // Shown before it parks: wakers may come at any moment.
        world.queue.store(waiter, SeqCst);
        let wakers: Vec<_> = (1..=2)
            .map(|who| {
                let world = world.clone();
                thread::spawn(move || wake(&world, who))
            })
            .collect();
        let pair = (Arc::as_ptr(&world), waiter);
        // SAFETY: ours; one of the wakers readies it.
        unsafe { (*waiter).park(WaitReason::None, publish, &raw const pair as usize) };
        // SAFETY: ours.
        let who = unsafe { (*waiter).claimed() };
        // SAFETY: the winner is done with it.
        assert_eq!(world.gift.with(|gift| unsafe { *gift }), who);
        wakers.into_iter().for_each(|t| t.join().unwrap());
        assert_eq!(world.wakes.load(SeqCst), 1);
        // SAFETY: leaked above; nobody uses it any more.
        drop(unsafe { Box::from_raw(waiter) });
    });
}
