//! Rules out records lost or seen twice: the owner's pops against a thief, against overflow, and the slot in front.
#![cfg(loom)]

use core::ptr::NonNull;
use gort_gmp::runq::RunQueue;
use gort_sync::model::{Arc, model, thread};

type Queue<const N: usize> = RunQueue<usize, N>;

/// Records are numbers here: nobody dereferences them.
fn record(n: usize) -> NonNull<usize> {
    NonNull::new(core::ptr::without_provenance_mut(8 * n)).unwrap()
}

fn number(record: NonNull<usize>) -> usize {
    record.as_ptr().addr() / 8
}

fn drain<const N: usize>(queue: &Queue<N>, seen: &mut Vec<usize>) {
    seen.extend(std::iter::from_fn(|| queue.take_next().or_else(|| queue.take())).map(number));
}

fn all_once(mut seen: Vec<usize>, n: usize) {
    seen.sort();
    assert_eq!(seen, (1..=n).collect::<Vec<_>>());
}

#[test]
fn pop_against_steal_on_the_last_records() {
    model(|| {
        let queue = Arc::new(Queue::<4>::new());
        (1..=3).for_each(|n| queue.put(record(n), |_| panic!("overflow")));
        let victim = queue.clone();
        let thief = thread::spawn(move || {
            let own = Queue::<4>::new();
            let mut seen: Vec<_> = own.steal_from(&victim, false).map(number).into_iter().collect();
            drain(&own, &mut seen);
            seen
        });
        let mut seen: Vec<_> = [queue.take(), queue.take()].into_iter().flatten().map(number).collect();
        seen.extend(thief.join().unwrap());
        drain(&queue, &mut seen);
        all_once(seen, 3);
    });
}

#[test]
fn overflow_and_reuse_of_slots_against_steal() {
    model(|| {
        let queue = Arc::new(Queue::<2>::new());
        (1..=2).for_each(|n| queue.put(record(n), |_| panic!("overflow")));
        let victim = queue.clone();
        let thief = thread::spawn(move || {
            let own = Queue::<2>::new();
            own.steal_from(&victim, false).map(number)
        });
        let mut seen = Vec::new();
        (3..=4).for_each(|n| queue.put(record(n), |r| seen.push(number(r))));
        drain(&queue, &mut seen);
        seen.extend(thief.join().unwrap());
        all_once(seen, 4);
    });
}

#[test]
fn the_front_goes_to_the_owner_or_to_the_thief() {
    model(|| {
        let queue = Arc::new(Queue::<2>::new());
        queue.put_next(record(1), |_| panic!("overflow"));
        let victim = queue.clone();
        let thief = thread::spawn(move || Queue::<2>::new().steal_from(&victim, true).map(number));
        queue.put_next(record(2), |_| panic!("overflow"));
        let mut seen = Vec::new();
        drain(&queue, &mut seen);
        seen.extend(thief.join().unwrap());
        all_once(seen, 2);
    });
}

/// A queue that somebody sees empty had a moment without records: kicking the front to the ring does not hide one.
#[test]
fn kicking_the_front_never_looks_empty() {
    model(|| {
        let queue = Arc::new(Queue::<2>::new());
        queue.put_next(record(1), |_| panic!("overflow"));
        let seen = queue.clone();
        let looker = thread::spawn(move || assert!(!seen.is_empty()));
        queue.put_next(record(2), |_| panic!("overflow"));
        looker.join().unwrap();
    });
}
