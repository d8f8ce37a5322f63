//! Eight threads that ask for the same new types and itabs get the same ones, and asking again takes no memory.
#![cfg(not(loom))]

use gort_types::{Cache, ITABS, Kind, Type, UINT8, records};
use std::sync::Barrier;
use std::thread;

const THREADS: usize = 8;
const TYPES: usize = 300;

/// Each new type is made of the last one; the kinds take turns.
fn chain(barrier: &Barrier, iface: &'static Type) -> Vec<(usize, usize)> {
    barrier.wait();
    let mut ty: &'static Type = &UINT8;
    let made = (0..TYPES).map(|i| {
        ty = match i % 4 {
            0 => ty.pointer_to(),
            1 => ty.slice_of(),
            2 => ty.array_of(i % 2),
            _ => ty.chan_of(),
        }
        .unwrap();
        let itab = ITABS.get(iface, ty);
        assert_eq!(itab.missing(), Some(c"Nothing"));
        (core::ptr::from_ref(ty).addr(), core::ptr::from_ref(itab).addr())
    });
    made.collect()
}

fn all(iface: &'static Type) -> Vec<Vec<(usize, usize)>> {
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| chain(&barrier, iface))).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    })
}

#[test]
fn eight_threads_make_the_same_types() {
    let wants: &'static [*const core::ffi::c_char; 1] = Box::leak(Box::new([c"Nothing".as_ptr()]));
    let iface: &'static Type = Box::leak(Box::new(Type {
        name: c"main.I".as_ptr(),
        size: 16,
        align: 8,
        kind: Kind::Interface,
        num_method: 1,
        wants: wants.as_ptr(),
        cache: Box::leak(Box::new(Cache::new())),
        ..Type::EMPTY
    }));
    let first = all(iface);
    assert!(first.iter().all(|made| *made == first[0]));
    let mut types: Vec<usize> = first[0].iter().map(|(ty, _)| *ty).collect();
    types.sort();
    types.dedup();
    assert_eq!(types.len(), TYPES, "no two of them are one");

    let mapped = records::mapped_bytes();
    assert!(mapped < 2 << 20, "{mapped} bytes for {TYPES} types");
    for _ in 0..20 {
        assert!(all(iface).iter().all(|made| *made == first[0]));
    }
    assert_eq!(records::mapped_bytes(), mapped);
}
