//! Rules out that a page's memory goes back to the OS while a span uses it, and that a page is lost on the way there.
#![cfg(loom)]

use gort_mheap::Heap;
use gort_mspan::{Kind, PAGE_SIZE, Span};
use gort_sync::cell::UnsafeCell;
use gort_sync::model::{Arc, model, thread};
use gort_sys::mem;

/// Pages that are free and have memory when the threads start.
const DIRTY: usize = 2;

/// The contents of the first pages of the heap.
struct Contents {
    base: usize,
    pages: [UnsafeCell<usize>; DIRTY],
}

// SAFETY: the model is what shows that a page has one user; loom reports a race otherwise.
unsafe impl Sync for Contents {}

impl Contents {
    fn write(&self, addr: usize, len: usize) {
        let first = (addr - self.base) / PAGE_SIZE;
        for page in self.pages.iter().take(first + len / PAGE_SIZE).skip(first) {
            // SAFETY: the page is the caller's, which loom checks.
            page.with_mut(|contents| unsafe { *contents += 1 });
        }
    }
}

/// A heap whose first pages are dirty, and all others never used; every discard writes to the pages it takes.
fn dirty_heap() -> (Heap, &'static Contents) {
    let heap = Heap::new();
    let span = heap.alloc_whole(Kind::Malloc, DIRTY, 1).unwrap();
    // SAFETY: records live as long as the heap.
    let base = unsafe { span.as_ref() }.base();
    // SAFETY: allocated above.
    unsafe { heap.free_span(span) };
    let contents: &'static Contents =
        Box::leak(Box::new(Contents { base, pages: core::array::from_fn(|_| UnsafeCell::new(0)) }));
    mem::watch_discards(|addr, len| contents.write(addr, len));
    (heap, contents)
}

fn use_pages(heap: &Heap, contents: &Contents, count: usize) {
    let span = heap.alloc_whole(Kind::Malloc, count, 1).unwrap();
    // SAFETY: records live as long as the heap.
    let record: &Span = unsafe { span.as_ref() };
    contents.write(record.base(), record.bytes());
    // SAFETY: allocated above.
    unsafe { heap.free_span(span) };
}

/// One trims while another takes pages, writes to them and gives them back.
#[test]
fn trim_against_a_span() {
    model(|| {
        let (heap, contents) = dirty_heap();
        let (heap, before) = (Arc::new(heap), DIRTY * PAGE_SIZE);
        let other = heap.clone();
        let trim = thread::spawn(move || other.trim());
        use_pages(&heap, contents, 1);
        assert!(trim.join().unwrap() <= 2 * before);
        heap.trim();
        let stats = heap.stats();
        assert_eq!((stats.in_spans(), stats.free_bytes), (0, stats.released_bytes));
    });
}

/// Two trim, and nothing is given back twice.
#[test]
fn trim_against_trim() {
    model(|| {
        let (heap, _) = dirty_heap();
        let heap = Arc::new(heap);
        let other = heap.clone();
        let trim = thread::spawn(move || other.trim());
        let mine = heap.trim();
        assert_eq!(mine + trim.join().unwrap(), DIRTY * PAGE_SIZE);
    });
}

/// One trims while another frees a large block, which is parked, and asks for one like it.
#[test]
fn trim_against_a_parked_block() {
    model(|| {
        let (heap, contents) = dirty_heap();
        let heap = Arc::new(heap);
        let other = heap.clone();
        let first = heap.alloc_large(DIRTY).unwrap();
        let trim = thread::spawn(move || other.trim());
        // SAFETY: allocated above; the second time it has no user.
        unsafe {
            contents.write(first.as_ref().base(), first.as_ref().bytes());
            assert!(heap.free_large(first));
        }
        let second = heap.alloc_large(DIRTY).unwrap();
        // SAFETY: allocated above, and given up once.
        unsafe {
            contents.write(second.as_ref().base(), second.as_ref().bytes());
            assert!(heap.free_large(second));
            assert!(!heap.free_large(second), "a double free is seen");
        }
        trim.join().unwrap();
        heap.trim();
        let stats = heap.stats();
        assert_eq!((stats.in_spans(), stats.free_bytes), (0, stats.released_bytes));
    });
}
