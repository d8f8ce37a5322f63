//! Rules out two descriptors for one composite type, also through a chain of composites made at a time.
#![cfg(loom)]

mod support;

use gort_sync::model::{Arc, model, thread};
use gort_types::TypeTable;

#[test]
fn two_threads_make_one_pointer_type() {
    model(|| {
        let elem = support::basic(c"int64");
        let table = Arc::new(TypeTable::new());
        let other = table.clone();
        let t = thread::spawn(move || core::ptr::from_ref(other.pointer_to(elem).unwrap()).addr());
        let mine = table.pointer_to(elem).unwrap();
        assert!(core::ptr::eq(mine.elem().unwrap(), elem));
        assert_eq!(t.join().unwrap(), core::ptr::from_ref(mine).addr());
    });
}

#[test]
fn chains_of_composites_meet() {
    model(|| {
        let elem = support::basic(c"int64");
        let table = Arc::new(TypeTable::new());
        let other = table.clone();
        let make = move |table: &TypeTable| {
            let slice = table.slice_of(elem).unwrap();
            core::ptr::from_ref(table.array_of(slice, 2).unwrap()).addr()
        };
        let t = thread::spawn(move || make(&other));
        let mine = make(&table);
        assert_eq!(t.join().unwrap(), mine);
    });
}
