//! Rules out that a timer's function runs after `stop` came back, and that a timer both fires and is stopped.
#![cfg(loom)]

use gort_gmp::timer::{Timer, Timers, stop};
use gort_sync::cell::UnsafeCell;
use gort_sync::model::{Arc, model, thread};

/// What the function touches: the owner frees it after `stop`, so loom fails when the function runs later.
struct Owned(UnsafeCell<u32>);

// SAFETY: the point of the model.
unsafe impl Sync for Owned {}

fn fire(owned: usize, _: u64) {
    // SAFETY: the owner keeps it until the timer is stopped.
    let owned = unsafe { &*(owned as *const Owned) };
    // SAFETY: checked by loom.
    owned.0.with_mut(|n| unsafe { *n += 1 });
}

#[test]
fn stop_against_fire() {
    model(|| {
        let timers = Arc::new(Timers::new());
        let owned = Box::new(Owned(UnsafeCell::new(0)));
        let timer = Timer::new(fire, &raw const *owned as usize);
        // SAFETY: it stays until it is stopped, below.
        assert!(unsafe { timers.add(&timer, 5, 0) });
        let runner = {
            let timers = timers.clone();
            thread::spawn(move || timers.run_due(10))
        };
        // SAFETY: nobody else sets it.
        let stopped = unsafe { stop(&timer) };
        // SAFETY: the timer does not touch it any more.
        let fired = owned.0.with_mut(|n| unsafe { *n });
        drop(timer);
        drop(owned);
        assert_eq!(fired, !stopped as u32);
        assert_eq!(runner.join().unwrap(), fired);
    });
}

#[test]
fn two_runners_fire_once() {
    model(|| {
        let timers = Arc::new(Timers::new());
        let owned = Arc::new(Owned(UnsafeCell::new(0)));
        let timer = Arc::new(Timer::new(fire, Arc::as_ptr(&owned) as usize));
        // SAFETY: it stays until the end of the model.
        assert!(unsafe { timers.add(&*timer, 5, 0) });
        let runner = {
            let timers = timers.clone();
            thread::spawn(move || timers.run_due(10))
        };
        let here = timers.run_due(10);
        let there = runner.join().unwrap();
        assert_eq!(here + there, 1);
    });
}
