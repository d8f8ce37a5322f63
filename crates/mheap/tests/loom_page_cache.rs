//! Rules out that a page is in two hands while owners fill and flush their page caches and others take pages directly.
#![cfg(loom)]

use gort_mheap::page_alloc::bits::CHUNK_PAGES;
use gort_mheap::{PageAlloc, PageCache};
use gort_sync::cell::UnsafeCell;
use gort_sync::model::{Arc, model, thread};
use gort_sys::lock::Mutex;
use gort_sys::offheap::Persistent;

struct Shared {
    pages: Mutex<PageAlloc>,
    /// The contents of the pages.
    contents: [UnsafeCell<usize>; CHUNK_PAGES],
}

// SAFETY: the model is what shows that a page has one user; loom reports a race otherwise.
unsafe impl Sync for Shared {}
// SAFETY: as above.
unsafe impl Send for Shared {}

impl Shared {
    /// One chunk, of which only the last two pages are free.
    fn new() -> Self {
        let mut pages = PageAlloc::new(CHUNK_PAGES).unwrap();
        pages.grow(0, CHUNK_PAGES, &Persistent::new()).unwrap();
        pages.alloc(CHUNK_PAGES - 2).unwrap();
        Self { pages: Mutex::new(pages), contents: core::array::from_fn(|_| UnsafeCell::new(0)) }
    }

    fn write(&self, page: usize) {
        // SAFETY: the page is the caller's, which loom checks.
        self.contents[page].with_mut(|byte| unsafe { *byte += 1 });
    }

    /// Fills a cache, uses one page of it without the lock, and flushes the rest. Whether there was a page.
    fn by_cache(&self) -> bool {
        let mut cache = PageCache::EMPTY;
        if !cache.fill(&mut self.pages.lock()) {
            return false;
        }
        let run = cache.alloc(1).unwrap();
        self.write(run.page);
        let mut pages = self.pages.lock();
        cache.flush(&mut pages);
        pages.free(run.page, 1);
        true
    }

    /// Takes a page, uses it, and gives it back.
    fn directly(&self) -> bool {
        let run = self.pages.lock().alloc(1);
        let Some(run) = run else { return false };
        self.write(run.page);
        self.pages.lock().free(run.page, 1);
        true
    }
}

#[test]
fn a_fill_and_a_flush_against_other_users() {
    model(|| {
        let shared = Arc::new(Shared::new());
        let (a, b) = (shared.clone(), shared.clone());
        let filler = thread::spawn(move || a.by_cache());
        let taker = thread::spawn(move || b.directly());
        let got = [shared.by_cache(), filler.join().unwrap(), taker.join().unwrap()];
        assert!(got.contains(&true), "two pages are free, so not all can find nothing");
        let pages = shared.pages.lock();
        pages.check_invariants();
        assert_eq!(pages.free_pages(), 2);
    });
}
