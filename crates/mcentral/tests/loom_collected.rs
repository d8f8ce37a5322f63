//! Rules out that a collected span has two owners, is swept twice or not at all, or is lost between caches and sweepers.
#![cfg(loom)]

use gort_mcentral::collected::{Collected, Sweep, SweepResult};
use gort_mheap::Heap;
use gort_mspan::sweep_gen::HeapGen;
use gort_mspan::{Kind, SizeClass, SpanClass, SpanRef};
use gort_sync::atomic::{AtomicUsize, Ordering};
use gort_sync::model::{Arc, model, thread};

const BEFORE: HeapGen = HeapGen(0);
const NOW: HeapGen = HeapGen(2);

/// A collector in a generation that finds block 0 of every span unmarked.
struct Collector {
    generation: HeapGen,
    sweeps: AtomicUsize,
}

impl Sweep for Collector {
    fn generation(&self) -> HeapGen {
        self.generation
    }
    fn sweep(&self, span: SpanRef, _: bool) -> SweepResult {
        self.sweeps.fetch_add(1, Ordering::Relaxed); // Relaxed: read when all threads are done.
        // SAFETY: records live as long as the heap, and the claim made us the owner.
        unsafe {
            span.as_ref().with_body(|body| assert!(body.put(0), "swept twice"));
            span.as_ref().sweep_gen().finish(self.generation);
        }
        SweepResult::Free
    }
}

struct Shared {
    heap: Heap,
    home: Collected,
    gc: Collector,
    /// Address of the first span.
    base: usize,
}

/// Uses up a span that the caller owns.
fn use_up(span: SpanRef) {
    // SAFETY: a cached span is its cache's alone, which loom checks.
    unsafe { span.as_ref().with_body(|body| assert!(body.take_up_to(512, |_| {}) > 0)) };
}

/// A home with one full span, given up before the cycle that is now being swept. And the span.
fn unswept() -> (Arc<Shared>, SpanRef) {
    let class = SpanClass::new(Kind::NoScan, SizeClass::of(128).unwrap());
    let gc = |generation| Collector { generation, sweeps: AtomicUsize::new(0) };
    let (heap, home, before) = (Heap::new(), Collected::new(class), gc(BEFORE));
    let span = home.cache_span(&heap, &before).unwrap();
    use_up(span);
    // SAFETY: cached above.
    unsafe { home.uncache_span(span, &heap, &before).unwrap() };
    // SAFETY: records live as long as the heap.
    let base = unsafe { span.as_ref() }.base();
    (Arc::new(Shared { heap, home, gc: gc(NOW), base }), span)
}

/// A cache takes a span, uses it up and gives it up. Its address.
fn one_round(shared: &Shared) -> usize {
    let span = shared.home.cache_span(&shared.heap, &shared.gc).unwrap();
    use_up(span);
    // SAFETY: cached above.
    unsafe { shared.home.uncache_span(span, &shared.heap, &shared.gc).unwrap() };
    span.as_ptr().addr()
}

/// Two caches want the one unswept span: one gets it, the other a fresh one.
#[test]
fn two_caches_and_one_unswept_span() {
    model(|| {
        let (shared, span) = unswept();
        let other = shared.clone();
        let cache = thread::spawn(move || one_round(&other));
        let (mine, theirs) = (one_round(&shared), cache.join().unwrap());
        assert!(mine != theirs && [mine, theirs].contains(&span.as_ptr().addr()));
        // Relaxed: all threads are done.
        assert_eq!(shared.gc.sweeps.load(Ordering::Relaxed), 1);
    });
}

/// A background sweeper claims the span in the set while a cache looks for one: one of them sweeps it.
#[test]
fn a_background_sweeper_against_a_cache() {
    model(|| {
        let (shared, span) = unswept();
        let at = span.as_ptr().addr();
        let other = shared.clone();
        let sweeper = thread::spawn(move || {
            let span = other.heap.span_of(other.base).unwrap();
            let won = span.sweep_gen().try_claim(NOW);
            if won {
                other.gc.sweep(span.into(), false);
            }
            won
        });
        let mine = one_round(&shared);
        assert!((mine == at) != sweeper.join().unwrap());
        // Relaxed: all threads are done.
        assert_eq!(shared.gc.sweeps.load(Ordering::Relaxed), 1);
    });
}
