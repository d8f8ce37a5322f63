//! Rules out two itabs for one pair, an itab read before its methods are visible, and a recent one taken for another pair's.
#![cfg(loom)]

mod support;

use gort_sync::model::{Arc, model, thread};
use gort_types::{Itab, ItabTable};

fn address(itab: &'static Itab) -> usize {
    core::ptr::from_ref(itab).addr()
}

/// An insertion beside a look-up of the same pair: one itab, and whoever has it sees the code.
#[test]
fn insertion_against_look_up() {
    model(|| {
        let (ty, iface) = (support::with_methods(), support::interface(c"A"));
        let table = Arc::new(ItabTable::new());
        let other = table.clone();
        let look = move |table: &ItabTable| {
            let itab = table.get(iface, ty);
            assert!(itab.missing().is_none());
            assert!(itab.method(0).is_some_and(|code| core::ptr::fn_addr_eq(code, support::code_of_a(ty))));
            address(itab)
        };
        let t = thread::spawn(move || look(&other));
        let mine = look(&table);
        assert_eq!(t.join().unwrap(), mine);
        assert_eq!(look(&table), mine);
    });
}

/// Two pairs share the one entry of recent itabs.
#[test]
fn two_pairs_in_one_recent_entry() {
    model(|| {
        let ty = support::with_methods();
        let (has, lacks) = (support::interface(c"B"), support::interface(c"C"));
        let table = Arc::new(ItabTable::new());
        let other = table.clone();
        let t = thread::spawn(move || {
            assert_eq!(other.get(lacks, ty).missing(), Some(c"C"));
        });
        assert!(table.get(has, ty).missing().is_none());
        t.join().unwrap();
        assert_eq!(table.get(lacks, ty).missing(), Some(c"C"));
    });
}
