//! Rules out two sweepers of one span, and a user that finds a span swept without seeing what the sweep freed.
#![cfg(loom)]

use gort_mspan::sweep_gen::{HeapGen, SweepState};
use gort_mspan::{FreeBits, Span};
use gort_sync::model::{Arc, model, thread};

const BEFORE: HeapGen = HeapGen(0);
const HEAP: HeapGen = HeapGen(2);

/// Sweeps if it wins the span; whether it did.
fn sweep(span: &Span) -> bool {
    if !span.sweep_gen().try_claim(HEAP) {
        return false;
    }
    // SAFETY: the winner of the claim owns the span until `finish`.
    unsafe { span.with_body(|body| body.bits = FreeBits::full(3)) };
    span.sweep_gen().finish(HEAP);
    true
}

#[test]
fn one_of_two_sweepers_wins_and_its_work_is_seen() {
    model(|| {
        let span = Arc::new(Span::dead());
        let other = span.clone();
        let t = thread::spawn(move || sweep(&other));
        let mine = sweep(&span);
        if span.sweep_gen().state(HEAP) == Some(SweepState::Swept) {
            // SAFETY: swept, so no sweeper touches the body, and the other thread has lost or is done.
            unsafe { span.with_body(|body| assert_eq!(body.bits.count(), 3)) };
        }
        assert!(t.join().unwrap() != mine);
    });
}

/// An owner gives a span up from before the cycle; the sweeper that claims it sees what the owner did to it.
#[test]
fn a_claim_sees_what_the_last_owner_left() {
    model(|| {
        let span = Arc::new(Span::dead());
        span.sweep_gen().cache(BEFORE);
        let owned = span.clone();
        let owner = thread::spawn(move || {
            // SAFETY: cached by this thread.
            unsafe { owned.with_body(|body| body.free = 7) };
            owned.sweep_gen().uncache(BEFORE);
        });
        if span.sweep_gen().try_claim(HEAP) {
            // SAFETY: the winner of the claim owns the span.
            unsafe { span.with_body(|body| assert_eq!(body.free, 7)) };
        }
        owner.join().unwrap();
    });
}
