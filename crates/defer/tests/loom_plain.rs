//! Rules out two records of one key, and a record that is found before it is written.
#![cfg(loom)]

use core::mem::MaybeUninit;
use core::ptr::NonNull;
use gort_defer::plain::{Node, Table, place};
use gort_sync::atomic::{AtomicUsize, Ordering::Relaxed};
use gort_sync::model::{Arc, model, thread};

/// A node whose value says its key, written relaxed: visible only by the table's orderings.
fn node(key: usize) -> Option<NonNull<Node<AtomicUsize>>> {
    let memory = Box::leak(Box::new(MaybeUninit::<Node<AtomicUsize>>::uninit()));
    let value = AtomicUsize::new(0);
    value.store(key, Relaxed);
    // SAFETY: memory for a node, for ever.
    Some(unsafe { place(NonNull::from(memory).cast(), key, value) })
}

/// Two threads ask for keys, one of them the same.
#[test]
fn a_key_has_one_record() {
    model(|| {
        let table = Arc::new(Table::new());
        let find = |table: &Table<AtomicUsize>, key| {
            let found = table.find_or_insert(key, || node(key)).unwrap();
            assert_eq!(found.load(Relaxed), key);
            core::ptr::from_ref(found).addr()
        };
        let other = table.clone();
        let t = thread::spawn(move || {
            find(&other, 8);
            find(&other, 16)
        });
        let mine = find(&table, 16);
        assert_eq!(t.join().unwrap(), mine);
        assert_eq!(find(&table, 16), mine);
    });
}
