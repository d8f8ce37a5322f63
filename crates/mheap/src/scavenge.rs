//! Which free memory goes back to the OS, and when.
//!
//! Follows Go's `mgcscavenge.go` in what it gives back (the highest free pages first, runs of a chunk at a time, taken out
//! while the lock is dropped). When to do it is decided otherwise, since a malloc has no cycle of collection to measure
//! by and starts no thread: it decides when memory is freed, and on ticks of the slow paths.
//!
//! *Dirty* pages are free and have memory. Three rules:
//!
//! * **Drop.** When three times as much is dirty as is in use, and more than `hold`, all but half of `hold` goes back at once. So an
//!   idle program whose heap has shrunk needs no tick.
//! * **Tick.** Of the pages that stayed dirty over a whole interval, beyond `hold`, half go back. What is reused within an
//!   interval is never touched.
//! * **Regret.** When most of what was given back is wanted again within about a second, `hold` grows to that much; each
//!   interval without regret takes an eighth off, down to its start.
//!
//! The cost of a mistake is bounded both ways: a loop that frees and allocates the same memory pays once or twice before
//! it is left alone; and what is held for the sake of speed alone is at most half of what the zone ever had, or `HOLD_MAX`
//! in a small one, and melts away within seconds. A page fault costs about a microsecond, ten times what filling the page
//! from a warm cache does, so that a wrong release is dearer than a late one.

use crate::heap::Heap;
use crate::page_alloc::PageAlloc;
use crate::zone::Zone;
use gort_mspan::PAGE_SHIFT;
use gort_sys::mem;

/// Bytes that are held to start with.
const HOLD_MIN: usize = 2 << 20;
/// Most bytes that are held in a zone of no more than twice the size.
const HOLD_MAX: usize = 64 << 20;
/// Nanoseconds between ticks.
const INTERVAL_NS: u64 = 100_000_000;
/// Most pages that are given back in one call to the OS.
const STEP_PAGES: usize = 512;

/// Decides when and how much a zone gives back. Plain data, under the zone's lock; all figures in pages.
#[derive(Debug)]
pub struct Release {
    /// What may stay dirty after a drop, beyond `HOLD_MIN`.
    more: usize,
    /// Given back in this interval, and of that taken again.
    released: usize,
    regretted: usize,
    /// Fewest dirty pages in this interval.
    low: usize,
    /// When the interval began.
    since_ns: u64,
}

impl Release {
    /// The state of a zone that has nothing.
    pub const fn new() -> Self {
        Self { more: 0, released: 0, regretted: 0, low: 0, since_ns: 0 }
    }

    /// What may stay dirty after a drop.
    const fn hold(&self) -> usize {
        (HOLD_MIN >> PAGE_SHIFT) + self.more
    }

    fn set_hold(&mut self, pages: usize) {
        self.more = pages.saturating_sub(HOLD_MIN >> PAGE_SHIFT);
    }

    /// Notes how many of the pages that a span was made of had no memory; the zone has `grown` to so many pages.
    #[inline]
    pub fn after_take(&mut self, pages: &PageAlloc, scavenged: usize, grown: usize) {
        self.low = self.low.min(dirty(pages));
        if scavenged > 0 && self.released > 0 {
            self.regretted += scavenged;
            if self.regretted * 4 >= self.released * 3 {
                let most = (HOLD_MAX >> PAGE_SHIFT).max(grown / 2);
                self.set_hold((self.hold() * 2).max(self.regretted).min(most));
                (self.released, self.regretted) = (0, 0);
            }
        }
    }

    /// How many pages are to be given back now that a span was freed; `in_use` pages have a user, and `parked` ones
    /// are in no span with a user, and not free either.
    #[inline]
    pub fn after_give(&mut self, pages: &PageAlloc, parked: usize, in_use: usize) -> usize {
        let dirty = dirty(pages) + parked;
        if dirty <= 3 * in_use || dirty <= self.hold() {
            return 0;
        }
        self.note(dirty - self.hold() / 2)
    }

    /// How many pages are to be given back at this moment; `None` when the interval is not over.
    pub fn on_tick(&mut self, pages: &PageAlloc, now_ns: u64) -> Option<usize> {
        if now_ns.wrapping_sub(self.since_ns) < INTERVAL_NS {
            return None;
        }
        let unneeded = self.low.saturating_sub(self.hold());
        self.since_ns = now_ns;
        self.low = dirty(pages);
        if self.regretted * 4 <= self.released {
            self.set_hold(self.hold() - self.hold() / 8);
        }
        // Half of it is forgotten within half a second.
        self.released -= self.released / 8;
        self.regretted -= self.regretted / 8;
        Some(self.note(unneeded.div_ceil(2)))
    }

    fn note(&mut self, due: usize) -> usize {
        self.released += due;
        due
    }
}

impl Default for Release {
    fn default() -> Self {
        Self::new()
    }
}

fn dirty(pages: &PageAlloc) -> usize {
    pages.free_pages() - pages.scavenged_pages()
}

impl Heap {
    /// Gives up to `due` dirty pages of a zone back to the OS; how many bytes it was. With `force` also those of chunks
    /// that are nearly full.
    ///
    /// A run is taken out of the page allocator while the OS works on it, without the zone's lock: a thread that looks
    /// for pages meanwhile does not see it and takes others. Model: `tests/loom_scavenge.rs`.
    pub(crate) fn release_from(&self, zone: &Zone, due: usize, force: bool) -> usize {
        let mut done = 0;
        while done < due {
            let most = (due - done).min(STEP_PAGES);
            let Some((page, count)) = zone.lock().alloc_mut().and_then(|p| p.take_unscavenged(most, force))
            else {
                break;
            };
            // SAFETY: the pages are free, and taken out, so nobody uses them.
            let gone = unsafe { mem::discard(zone.base() + (page << PAGE_SHIFT), count << PAGE_SHIFT) };
            let mut held = zone.lock();
            let Some(pages) = held.alloc_mut() else { break };
            if !gone {
                // Locked memory (mlock), say. It stays dirty; trying on would find it again.
                pages.free(page, count);
                break;
            }
            pages.free_scavenged(page, count);
            drop(held);
            done += count;
        }
        self.counters.released(done << PAGE_SHIFT);
        done << PAGE_SHIFT
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::page_alloc::bits::CHUNK_PAGES;
    use gort_sys::offheap::Persistent;

    fn with_dirty(pages: usize) -> PageAlloc {
        let mut alloc = PageAlloc::new(64 * CHUNK_PAGES).unwrap();
        alloc.grow(0, 64 * CHUNK_PAGES, &Persistent::new()).unwrap();
        alloc.alloc(pages).unwrap();
        alloc.free(0, pages);
        alloc
    }

    #[test]
    fn a_drop_below_a_quarter_gives_back_at_once() {
        let hold = HOLD_MIN >> PAGE_SHIFT;
        for (name, dirty, in_use, due) in [
            ("nothing dirty", 0, 100, 0),
            ("a third as much in use as dirty", 6000, 2000, 0),
            ("less than a third", 6000, 1999, 6000 - hold / 2),
            ("little dirty", hold, 0, 0),
            ("all dirty", 4000, 0, 4000 - hold / 2),
        ] {
            let mut release = Release::new();
            assert_eq!(
                release.after_give(&with_dirty(dirty.max(1)), 0, in_use),
                if dirty == 0 { 0 } else { due },
                "{name}"
            );
        }
    }

    #[test]
    fn only_what_nobody_needed_goes_on_a_tick() {
        let mut release = Release::new();
        let mut alloc = with_dirty(1000);
        assert_eq!(release.on_tick(&alloc, INTERVAL_NS), Some(0), "the first interval begins");
        assert_eq!(release.on_tick(&alloc, INTERVAL_NS + 1), None, "too early");
        let run = alloc.alloc(600).unwrap();
        release.after_take(&alloc, run.scavenged, 64 * CHUNK_PAGES);
        alloc.free(run.page, 600);
        let hold = HOLD_MIN >> PAGE_SHIFT;
        assert_eq!(
            release.on_tick(&alloc, 2 * INTERVAL_NS),
            Some((400 - hold) / 2),
            "of the 400 that stayed free"
        );
    }

    #[test]
    fn regret_raises_the_hold_at_once_and_quiet_shrinks_it() {
        let mut release = Release::new();
        let (alloc, grown) = (with_dirty(4000), 64 * CHUNK_PAGES);
        let before = release.hold();
        let due = release.after_give(&alloc, 0, 0);
        release.after_take(&alloc, due, grown);
        assert_eq!(release.hold(), due);
        for i in 1..=40 {
            release.on_tick(&alloc, i * INTERVAL_NS);
        }
        assert_eq!(release.hold(), before);
    }

    #[test]
    fn no_more_is_held_than_half_of_the_zone() {
        let mut release = Release::new();
        let (alloc, grown) = (with_dirty(30_000), 64 * CHUNK_PAGES);
        let due = release.after_give(&alloc, 0, 0);
        release.after_take(&alloc, due, grown);
        assert_eq!(release.hold(), grown / 2);
    }
}
