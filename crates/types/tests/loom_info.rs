//! Rules out what was worked out of a descriptor being seen in part, and two threads holding different results.
#![cfg(loom)]

mod support;

use gort_sync::model::{model, thread};

#[test]
fn two_threads_ask_what_a_type_is() {
    model(|| {
        let ty = support::with_methods();
        let ask = move || {
            let names: Vec<&[u8]> = ty.methods().iter().map(|m| m.name()).collect();
            assert_eq!(names, [b"A", b"B"]);
            assert_eq!(ty.string(), c"main.T");
            ty.methods().as_ptr().addr()
        };
        let t = thread::spawn(ask);
        let mine = ask();
        assert_eq!(t.join().unwrap(), mine);
    });
}

/// The second slot: the bitmap of pointers.
#[test]
fn two_threads_ask_for_the_bitmap() {
    model(|| {
        let ty = support::interface(c"A");
        let ask = move || {
            let map = ty.pointer_bitmap().unwrap();
            assert_eq!(map, [0b11]);
            map.as_ptr().addr()
        };
        let t = thread::spawn(ask);
        let mine = ask();
        assert_eq!(t.join().unwrap(), mine);
    });
}
