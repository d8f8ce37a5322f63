//! Rules out, for what stands on the table of waiters: a reader beside a writer, a wait group that is passed early or never, a
//! once that runs twice or is passed early, a signal that is lost.
#![cfg(loom)]

use gort_chan::cond::Cond;
use gort_chan::mutex::Mutex;
use gort_chan::once::Once;
use gort_chan::rwmutex::RwMutex;
use gort_chan::sema::{Semaphore, Table};
use gort_chan::waitgroup::WaitGroup;
use gort_gmp::timer::NEVER;
use gort_sync::cell::UnsafeCell;
use gort_sync::model::{Arc, model, thread};

struct World<T> {
    table: Table,
    what: T,
    mutex: Mutex,
    value: UnsafeCell<u32>,
}

// SAFETY: the point of the models.
unsafe impl<T> Sync for World<T> {}
// SAFETY: as above.
unsafe impl<T> Send for World<T> {}

impl<T> World<T> {
    fn new(what: T) -> Arc<Self> {
        Arc::new(Self { table: Table::new(), what, mutex: Mutex::new(), value: UnsafeCell::new(0) })
    }
    fn add(&self) {
        // SAFETY: loom checks it.
        self.value.with_mut(|value| unsafe { *value += 1 });
    }
    fn get(&self) -> u32 {
        // SAFETY: loom checks it.
        self.value.with(|value| unsafe { *value })
    }
}

#[test]
fn readers_and_a_writer() {
    model(|| {
        let world = World::new(RwMutex::new());
        let writer = {
            let world = world.clone();
            thread::spawn(move || {
                world.what.lock_in(&world.table);
                world.add();
                world.what.unlock_in(&world.table);
            })
        };
        world.what.rlock_in(&world.table);
        assert!(world.get() <= 1);
        world.what.runlock_in(&world.table);
        writer.join().unwrap();
        assert_eq!(world.get(), 1);
    });
}

#[test]
fn a_wait_group_waits_for_both() {
    model(|| {
        let world = World::new(WaitGroup::new());
        world.what.add_in(&world.table, 2).unwrap();
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let world = world.clone();
                thread::spawn(move || {
                    world.mutex.lock_in(&world.table, NEVER);
                    world.add();
                    world.mutex.unlock_in(&world.table);
                    world.what.add_in(&world.table, -1).unwrap();
                })
            })
            .collect();
        assert!(world.what.wait_in(&world.table, NEVER));
        assert_eq!(world.get(), 2);
        threads.into_iter().for_each(|t| t.join().unwrap());
    });
}

#[test]
fn once_is_once_and_seen_by_all() {
    model(|| {
        let world = World::new(Once::new());
        let call = |world: &World<Once>| {
            if world.what.begin_in(&world.table) {
                world.add();
                world.what.end_in(&world.table);
            }
            assert_eq!(world.get(), 1);
        };
        let other = world.clone();
        let t = thread::spawn(move || call(&other));
        call(&world);
        t.join().unwrap();
    });
}

#[test]
fn a_signal_under_the_mutex_is_not_lost() {
    model(|| {
        let world = World::new(Cond::new());
        let waiter = {
            let world = world.clone();
            thread::spawn(move || {
                world.mutex.lock_in(&world.table, NEVER);
                while world.get() == 0 {
                    world.what.wait_in(&world.table, &world.mutex);
                }
                world.mutex.unlock_in(&world.table);
            })
        };
        world.mutex.lock_in(&world.table, NEVER);
        world.add();
        world.mutex.unlock_in(&world.table);
        world.what.signal_in(&world.table);
        waiter.join().unwrap();
    });
}

#[test]
fn a_semaphore_counts() {
    model(|| {
        let world = World::new(Semaphore::new(1));
        let t = {
            let world = world.clone();
            thread::spawn(move || {
                assert!(world.what.acquire_in(&world.table, 1, NEVER));
                world.add();
                world.what.release_in(&world.table, 1);
            })
        };
        assert!(world.what.acquire_in(&world.table, 1, NEVER));
        world.add();
        world.what.release_in(&world.table, 1);
        t.join().unwrap();
        assert_eq!(world.get(), 2);
    });
}
