//! Rules out a span lost, doubled or seen before its pusher's writes, across the border of two blocks.
#![cfg(loom)]

use gort_mspan::{Kind, Span, SpanRef, SpanSet};
use gort_sync::model::{Arc, model, thread};
use gort_sys::offheap::Persistent;

struct Shared {
    set: SpanSet,
    source: Persistent,
    spans: [Span; 3],
}

/// Marks a span, so that the popper can tell whether it sees the pusher's writes, and pushes it.
fn push(shared: &Shared, i: usize) {
    // SAFETY: the pusher owns the span until it is in the set.
    unsafe { shared.spans[i].with_body(|body| body.free = 7) };
    shared.set.push(SpanRef::from(&shared.spans[i]), &shared.source).unwrap();
}

fn pop(shared: &Shared) -> Option<usize> {
    let span = shared.set.pop()?;
    // SAFETY: the popper owns the span from here on.
    unsafe { span.as_ref().with_body(|body| assert_eq!(body.free, 7)) };
    (0..3).find(|i| SpanRef::from(&shared.spans[*i]) == span)
}

/// Two threads push and pop while a third span is in the set: the three come out once each.
#[test]
fn push_and_pop_from_two_threads() {
    model(|| {
        let _ = Kind::Malloc;
        let shared = Arc::new(Shared {
            set: SpanSet::new(),
            source: Persistent::new(),
            spans: core::array::from_fn(|_| Span::dead()),
        });
        push(&shared, 0);
        let other = shared.clone();
        let t = thread::spawn(move || {
            push(&other, 1);
            pop(&other)
        });
        push(&shared, 2);
        let mine = pop(&shared);
        let theirs = t.join().unwrap();
        let mut seen: Vec<usize> = mine.into_iter().chain(theirs).collect();
        while let Some(i) = pop(&shared) {
            seen.push(i);
        }
        seen.sort();
        assert_eq!(seen, [0, 1, 2]);
    });
}

/// A steal: two poppers and one span; one gets it.
#[test]
fn two_poppers_of_one_span() {
    model(|| {
        let shared = Arc::new(Shared {
            set: SpanSet::new(),
            source: Persistent::new(),
            spans: core::array::from_fn(|_| Span::dead()),
        });
        push(&shared, 0);
        let other = shared.clone();
        let t = thread::spawn(move || pop(&other));
        let mine = pop(&shared);
        let theirs = t.join().unwrap();
        assert_eq!(mine.into_iter().chain(theirs).collect::<Vec<_>>(), [0]);
    });
}
