//! Rules out lost, doubled and ABA-corrupted records in `IndexStack`.
#![cfg(loom)]

use gort_sync::atomic::AtomicU32;
use gort_sync::index_stack::{IndexStack, NONE};
use gort_sync::model::{Arc, model, thread};

struct Pool {
    stack: IndexStack,
    links: [AtomicU32; 3],
}

impl Pool {
    fn new() -> Self {
        Self { stack: IndexStack::new(), links: core::array::from_fn(|_| AtomicU32::new(NONE)) }
    }
    fn push(&self, i: u32) {
        self.stack.push(i, &self.links[i as usize]);
    }
    fn pop(&self) -> Option<u32> {
        self.stack.pop(|i| &self.links[i as usize])
    }
}

/// One thread pops and pushes back (the A-B-A pattern) while another pops: nothing is seen twice or lost.
#[test]
fn pop_push_against_pop_keeps_every_record_once() {
    model(|| {
        let pool = Arc::new(Pool::new());
        (0..3).for_each(|i| pool.push(i));
        let other = pool.clone();
        let t = thread::spawn(move || {
            let a = other.pop().unwrap();
            let b = other.pop();
            other.push(a);
            b
        });
        let mine = pool.pop();
        let theirs = t.join().unwrap();
        let mut seen: Vec<u32> = mine.into_iter().chain(theirs).collect();
        while let Some(i) = pool.pop() {
            seen.push(i);
        }
        seen.sort();
        assert_eq!(seen, [0, 1, 2]);
    });
}

/// One pushes while another pops everything: a record's link is seen as its pusher wrote it, so none below is lost.
#[test]
fn a_pop_finds_the_link_that_the_push_wrote() {
    model(|| {
        let pool = Arc::new(Pool::new());
        pool.push(0);
        let other = pool.clone();
        let t = thread::spawn(move || other.push(1));
        let mine = [pool.pop(), pool.pop()];
        t.join().unwrap();
        let mut seen: Vec<u32> = mine.into_iter().chain([pool.pop(), pool.pop()]).flatten().collect();
        seen.sort();
        assert_eq!(seen, [0, 1]);
    });
}
