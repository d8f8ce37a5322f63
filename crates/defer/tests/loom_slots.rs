//! Rules out a number that two users have, one that is lost, and a cell whose number is seen before what belongs to it.
#![cfg(loom)]

use gort_defer::slots::{Slots, Store};
use gort_sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use gort_sync::model::{Arc, model, thread};

struct Table {
    slots: Slots,
    links: [AtomicU32; 3],
    /// What `fill` writes.
    contents: [AtomicUsize; 3],
}

impl Store for Table {
    fn link(&self, number: u32) -> &AtomicU32 {
        &self.links[number as usize]
    }
    fn grow(&self, number: u32) -> bool {
        number < 3
    }
}

impl Table {
    fn new() -> Self {
        Self {
            slots: Slots::new(),
            links: core::array::from_fn(|_| AtomicU32::new(0)),
            contents: core::array::from_fn(|_| AtomicUsize::new(0)),
        }
    }
    fn take(&self) -> Option<u32> {
        self.slots.take(self)
    }
}

/// Two threads take, one gives back: three numbers, each with one user.
#[test]
fn a_number_has_one_user() {
    model(|| {
        let table = Arc::new(Table::new());
        let first = table.take().unwrap();
        let other = table.clone();
        let t = thread::spawn(move || {
            other.slots.give(&*other, first);
            other.take()
        });
        let mine = table.take();
        let theirs = t.join().unwrap();
        assert_ne!(mine, theirs);
        assert!(mine.is_some() && theirs.is_some());
    });
}

/// Two threads ask for the number of one cell: both get the same, and see what was written for it; the loser's number is
/// free again.
#[test]
fn a_cell_is_given_a_number_once() {
    model(|| {
        let table = Arc::new((Table::new(), AtomicU32::new(0)));
        let ask = |table: &(Table, AtomicU32)| {
            let number =
                table.0.slots.publish(&table.0, &table.1, |n| table.0.contents[n as usize].store(7, Relaxed));
            let number = number.unwrap();
            assert_eq!(table.0.contents[number as usize].load(Relaxed), 7);
            number
        };
        let other = table.clone();
        let t = thread::spawn(move || ask(&other));
        let mine = ask(&table);
        assert_eq!(t.join().unwrap(), mine);
        let rest: Vec<u32> = core::iter::from_fn(|| table.0.take()).collect();
        assert_eq!(rest.len(), 2, "only one number is in use");
        assert!(!rest.contains(&mine));
    });
}
