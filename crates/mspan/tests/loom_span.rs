//! Rules out a scan of the records that finds a span in use and reads less than its whole identity.
#![cfg(loom)]

use gort_mspan::span::SpanState;
use gort_mspan::{Kind, PAGE_SIZE, SizeClass, Span, SpanClass};
use gort_sync::model::{Arc, model, thread};

/// One opens the record, one scans it, as `each_span` does.
#[test]
fn a_span_in_use_has_its_identity() {
    model(|| {
        let class = SpanClass::new(Kind::Scan, SizeClass::of(128).unwrap());
        let span = Arc::new(Span::dead());
        let scanned = span.clone();
        let scan = thread::spawn(move || {
            if scanned.state() == SpanState::Dead {
                return;
            }
            assert_eq!((scanned.base(), scanned.pages()), (5 * PAGE_SIZE, 2));
            assert_eq!((scanned.class(), scanned.blocks()), (class, 128));
        });
        // SAFETY: a dead record, which only the scanner knows, and it waits for the state.
        unsafe { span.open_blocks(5 * PAGE_SIZE, 2, class, false) };
        scan.join().unwrap();
    });
}
