//! Rules out an object that is taken apart twice, never, or before another holder's last use is visible.
#![cfg(loom)]

use gort_defer::slots::Count;
use gort_sync::cell::UnsafeCell;
use gort_sync::model::{Arc, model, thread};

struct Object {
    count: Count,
    value: UnsafeCell<u32>,
    other: UnsafeCell<u32>,
}

// SAFETY: each holder writes a cell of its own; the last one reads both, which loom checks.
unsafe impl Sync for Object {}

#[test]
fn the_last_holder_sees_everything() {
    model(|| {
        let object =
            Arc::new(Object { count: Count::new(), value: UnsafeCell::new(0), other: UnsafeCell::new(0) });
        object.count.up();
        let release = |object: &Object| {
            let last = object.count.down();
            if last {
                let read = |cell: &UnsafeCell<u32>| {
                    cell.with(|at| {
                        // SAFETY: nobody else has a reference any more.
                        unsafe { *at }
                    })
                };
                assert_eq!(read(&object.value) + read(&object.other), 3);
            }
            last
        };
        let theirs = object.clone();
        let t = thread::spawn(move || {
            // SAFETY: this holder's own cell.
            theirs.value.with_mut(|at| unsafe { *at = 1 });
            release(&theirs)
        });
        // SAFETY: this holder's own cell.
        object.other.with_mut(|at| unsafe { *at = 2 });
        let mine = release(&object);
        assert_ne!(t.join().unwrap(), mine, "exactly one is the last");
    });
}
