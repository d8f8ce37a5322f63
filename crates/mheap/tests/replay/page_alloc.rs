//! Actions on the page allocator and a page cache, against three vectors of flags.

use gort_mheap::page_alloc::bits::CHUNK_PAGES;
use gort_mheap::{PageAlloc, PageCache};
use gort_sys::offheap::Persistent;
use gort_sys::rand::Choices;

const PAGES: usize = 24 * CHUNK_PAGES;

/// Never gives memory back, so all replays share one.
static SOURCE: Persistent = Persistent::new();

#[derive(Default)]
struct Model {
    there: Vec<bool>,
    taken: Vec<bool>,
    scavenged: Vec<bool>,
}

impl Model {
    fn is_free(&self, page: usize) -> bool {
        self.there[page] && !self.taken[page]
    }

    /// The lowest run of free pages.
    fn fit(&self, count: usize) -> Option<usize> {
        let mut run = 0;
        for page in 0..PAGES {
            run = if self.is_free(page) { run + 1 } else { 0 };
            if run == count {
                return Some(page + 1 - count);
            }
        }
        None
    }

    fn take(&mut self, page: usize, count: usize) -> usize {
        self.taken[page..page + count].fill(true);
        let scavenged = self.scavenged[page..page + count].iter().filter(|s| **s).count();
        self.scavenged[page..page + count].fill(false);
        scavenged
    }
}

/// The page cache's pages count as taken in the model.
pub(crate) fn replay(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let mut pages = PageAlloc::new(PAGES).unwrap();
    let mut model =
        Model { there: vec![false; PAGES], taken: vec![false; PAGES], scavenged: vec![false; PAGES] };
    let mut live: Vec<(usize, usize)> = Vec::new();
    let mut step = 0;
    while !choices.is_empty() {
        step += 1;
        match choices.below(12) {
            0 => {
                let chunk = choices.below(PAGES / CHUNK_PAGES);
                if !model.there[chunk * CHUNK_PAGES] {
                    pages.grow(chunk * CHUNK_PAGES, CHUNK_PAGES, &SOURCE).unwrap();
                    let range = chunk * CHUNK_PAGES..(chunk + 1) * CHUNK_PAGES;
                    model.there[range.clone()].fill(true);
                    model.scavenged[range].fill(true);
                }
            }
            1..=4 => {
                let most = [4, 70, 700, 3000][choices.below(4)];
                let count = 1 + choices.below(most);
                let run = pages.alloc(count);
                assert_eq!(run.map(|run| run.page), model.fit(count), "step {step}: {count}");
                if let Some(run) = run {
                    assert!((run.page..run.page + count).all(|page| model.is_free(page)));
                    assert_eq!(run.scavenged, model.take(run.page, count));
                    live.push((run.page, count));
                }
            }
            5 => {
                let (page, count) = (choices.below(PAGES - 100), 1 + choices.below(100));
                let fits = (page..page + count).all(|page| model.is_free(page));
                let scavenged = pages.alloc_at(page, count);
                assert_eq!(scavenged.is_some(), fits);
                if fits {
                    assert_eq!(scavenged, Some(model.take(page, count)));
                    live.push((page, count));
                }
            }
            6 => {
                if let Some((page, count)) =
                    pages.take_unscavenged(1 + choices.below(600), choices.below(2) == 0)
                {
                    assert!((page..page + count).all(|page| model.is_free(page) && !model.scavenged[page]));
                    model.scavenged[page..page + count].fill(true);
                    pages.free_scavenged(page, count);
                }
            }
            7 => {
                let mut cache = PageCache::EMPTY;
                if cache.fill(&mut pages) {
                    for _ in 0..choices.below(6) {
                        let count = 1 + choices.below(9);
                        let Some(run) = cache.alloc(count) else { continue };
                        assert!((run.page..run.page + count).all(|page| model.is_free(page)));
                        assert_eq!(run.scavenged, model.take(run.page, count));
                        live.push((run.page, count));
                    }
                    cache.flush(&mut pages);
                }
            }
            _ if !live.is_empty() => {
                let (page, count) = live.swap_remove(choices.below(live.len()));
                pages.free(page, count);
                model.taken[page..page + count].fill(false);
            }
            _ => {}
        }
        let free = (0..PAGES).filter(|page| model.is_free(*page)).count();
        let scavenged = model.scavenged.iter().filter(|s| **s).count();
        assert_eq!((pages.free_pages(), pages.scavenged_pages()), (free, scavenged), "step {step}");
        if step % 16 == 0 {
            pages.check_invariants();
        }
    }
}
