//! Rules out values lost, doubled or seen too early, waiters left behind, and a channel freed while it is used: sends, receives,
//! close, and select against two wakers, a sender and a closer.
#![cfg(loom)]

use gort_chan::Chan;
use gort_chan::select::{Case, Selected, select};
use gort_gmp::timer::NEVER;
use gort_sync::model::{model, thread};

#[test]
fn unbuffered_exchange_and_close() {
    model(|| {
        let chan = Chan::<usize>::new(0);
        let sender = {
            let chan = chan.clone();
            thread::spawn(move || {
                chan.send(1).unwrap();
                assert!(chan.close());
            })
        };
        assert_eq!(chan.recv(), Some(1));
        assert_eq!(chan.recv(), None);
        sender.join().unwrap();
    });
}

#[test]
fn a_full_channel_keeps_the_order() {
    model(|| {
        let chan = Chan::<usize>::new(1);
        let sender = {
            let chan = chan.clone();
            thread::spawn(move || (1..=3).for_each(|n| chan.send(n).unwrap()))
        };
        assert_eq!([chan.recv(), chan.recv(), chan.recv()], [Some(1), Some(2), Some(3)]);
        sender.join().unwrap();
    });
}

#[test]
fn a_parked_sender_is_told_of_the_close() {
    model(|| {
        let chan = Chan::<usize>::new(0);
        let sender = {
            let chan = chan.clone();
            thread::spawn(move || chan.send(1))
        };
        assert!(chan.close());
        assert_eq!(sender.join().unwrap(), Err(1));
    });
}

fn recv_case<'a>(chan: &'a Chan<usize>, value: &mut usize) -> Case<'a> {
    Case::recv(chan.raw(), (&raw mut *value).cast())
}

#[test]
fn select_against_a_sender_and_close() {
    model(|| {
        let (a, b) = (Chan::<usize>::new(0), Chan::<usize>::new(0));
        let (sender, closer) = (a.clone(), b.clone());
        let sends = thread::spawn(move || sender.send(1));
        let closes = thread::spawn(move || closer.close());
        let (mut x, mut y) = (7, 7);
        let cases = [recv_case(&a, &mut x), recv_case(&b, &mut y)];
        // SAFETY: two elements of eight bytes.
        match unsafe { select(&cases, NEVER) } {
            Selected::Case(0, true) => assert_eq!(x, 1),
            Selected::Case(1, false) => {
                assert_eq!(y, 0);
                assert_eq!(a.recv(), Some(1));
            }
            other => panic!("{other:?}"),
        }
        sends.join().unwrap().unwrap();
        assert!(closes.join().unwrap());
    });
}
