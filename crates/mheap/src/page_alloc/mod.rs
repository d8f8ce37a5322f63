//! The page allocator: first fit over the pages of a window.
//!
//! Follows Go's `mpagealloc.go`: one bit a page, in chunks of 512, and above them five levels of [`Summary`], each entry
//! standing for eight of the level below. A search walks down from the root to the lowest address that fits; an update
//! recomputes the path upwards as far as it changes.
//!
//! ```text
//!     level 0      64 entries     16 GiB each
//!     level 1     512              2 GiB
//!     level 2   4,096            256 MiB
//!     level 3  32,768             32 MiB
//!     level 4 262,144              4 MiB, one chunk
//! ```
//!
//! Pages that were never grown into have a summary of nought, so they look taken. Departures from Go: page numbers are
//! relative to the window; no map of ranges in use, since the window's summaries are small enough to exist whole.
//!
//! Plain data: the zone's lock guards it.
//!
//! # Invariants
//! I1. A summary at level 4 is that of its chunk's bits; at other levels it is the merger of its eight entries.
//! I2. No page below `search` is free.
//! I3. A scavenged page is free.
//! I4. `free` and `scavenged` count the bits.

pub mod bits;
mod check;
mod chunks;
pub mod scav_index;
pub mod summary;

use bits::{CHUNK_PAGES, CHUNK_SHIFT};
pub use check::PageState;
use chunks::Chunks;
use gort_sync::Zeroed;
use gort_sys::offheap::{Persistent, SparseTable};
use scav_index::ScavIndex;
use summary::Summary;

/// Levels of summaries.
pub const LEVELS: usize = 5;
/// log2 of the entries that an entry stands for on the level below.
const FAN_SHIFT: u32 = 3;
/// log2 of the entries of the root level for a window of 1 TiB.
const ROOT_SHIFT: u32 = 6;

/// log2 of the pages that an entry of a level stands for.
const fn pages_shift(level: usize) -> u32 {
    CHUNK_SHIFT + (LEVELS - 1 - level) as u32 * FAN_SHIFT
}

/// Most pages of a window.
pub const WINDOW_PAGES_MAX: usize = 1 << (ROOT_SHIFT + pages_shift(0));

// SAFETY: a plain integer.
unsafe impl Zeroed for Summary {
    fn zeroed() -> Self {
        Self::FULL
    }
}

/// Pages found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Run {
    /// The first page.
    pub page: usize,
    /// How many of the pages were scavenged, hence zero and without memory.
    pub scavenged: usize,
}

/// Which pages of a window are free.
pub struct PageAlloc {
    levels: [SparseTable<Summary>; LEVELS],
    chunks: Chunks,
    index: ScavIndex,
    /// I2.
    search: usize,
    /// Pages above this one were never grown into.
    end: usize,
    free: usize,
    scavenged: usize,
}

/// The narrowest range known to hold the first free page, while a search walks down.
struct FirstFree {
    base: usize,
    len: usize,
}

impl FirstFree {
    fn narrow(&mut self, base: usize, len: usize) {
        if self.base <= base && base + len <= self.base + self.len {
            (self.base, self.len) = (base, len);
        }
    }
}

impl PageAlloc {
    /// An allocator for a window of up to `pages` pages (at most [`WINDOW_PAGES_MAX`]) that has none yet; `None` when
    /// there is no address space for its tables.
    pub fn new(pages: usize) -> Option<Self> {
        debug_assert!(pages <= WINDOW_PAGES_MAX);
        let table = |level: usize| {
            // Searches look at whole groups of eight, and at the whole root.
            let least = if level == 0 { 1 << ROOT_SHIFT } else { 1 << FAN_SHIFT };
            let entries = pages.div_ceil(1 << pages_shift(level)).next_multiple_of(least);
            SparseTable::reserve(entries).ok()
        };
        let chunks = pages.div_ceil(CHUNK_PAGES);
        Some(Self {
            levels: [table(0)?, table(1)?, table(2)?, table(3)?, table(4)?],
            chunks: Chunks::new(chunks)?,
            index: ScavIndex::new(chunks)?,
            search: usize::MAX,
            end: 0,
            free: 0,
            scavenged: 0,
        })
    }

    /// Adds pages `first..first + pages`, whole chunks, free and scavenged. `None`, and nothing changes, when there is no
    /// memory for their bits, which come from `source`.
    pub fn grow(&mut self, first: usize, pages: usize, source: &Persistent) -> Option<()> {
        debug_assert!(first.is_multiple_of(CHUNK_PAGES) && pages.is_multiple_of(CHUNK_PAGES));
        for (level, table) in self.levels.iter_mut().enumerate() {
            let shift = pages_shift(level);
            let (from, to) = (first >> shift, ((first + pages - 1) >> shift) + 1);
            // Groups of eight are read whole.
            let from = from & !((1 << FAN_SHIFT) - 1);
            table.make_ready(from..to.next_multiple_of(1 << FAN_SHIFT)).ok()?;
        }
        let chunks = first >> CHUNK_SHIFT..(first + pages) >> CHUNK_SHIFT;
        self.chunks.make_ready(chunks.clone(), source)?;
        self.index.make_ready(chunks.clone())?;
        for chunk in chunks {
            self.chunks[chunk].scavenged.set_range(0, CHUNK_PAGES);
        }
        self.free += pages;
        self.scavenged += pages;
        self.end = self.end.max(first + pages);
        self.search = self.search.min(first);
        self.update(first, pages);
        Some(())
    }

    /// Takes `count` pages, the lowest that fit.
    pub fn alloc(&mut self, count: usize) -> Option<Run> {
        let page = self.find_from_hint(count)?;
        Some(Run { page, scavenged: self.take(page, count) })
    }

    /// Takes `count` pages at a multiple of `align` pages, a power of two.
    pub fn alloc_aligned(&mut self, count: usize, align: usize, base: usize) -> Option<Run> {
        let padded = self.find_from_hint(count + align - 1)?;
        let page = (base + padded).next_multiple_of(align) - base;
        Some(Run { page, scavenged: self.take(page, count) })
    }

    /// Takes exactly the pages `page..page + count`, if all are free; how many were scavenged.
    pub fn alloc_at(&mut self, page: usize, count: usize) -> Option<usize> {
        if page + count > self.end {
            return None;
        }
        let mut all_free = true;
        each_chunk(page, count, |chunk, from, n| {
            // A chunk in a gap of the window was never grown into; its summary says so.
            all_free = all_free
                && self.levels[LEVELS - 1][chunk] != Summary::FULL
                && self.chunks[chunk].alloc.next_set(from, from + n).is_none();
        });
        all_free.then(|| self.take(page, count))
    }

    /// Gives pages back.
    pub fn free(&mut self, page: usize, count: usize) {
        each_chunk(page, count, |chunk, from, n| {
            self.chunks[chunk].alloc.clear_range(from, n);
            self.index.given(chunk, n);
        });
        self.free += count;
        self.search = self.search.min(page);
        self.update(page, count);
    }

    /// Gives pages back whose memory the OS has.
    pub fn free_scavenged(&mut self, page: usize, count: usize) {
        each_chunk(page, count, |chunk, from, n| self.chunks[chunk].scavenged.set_range(from, n));
        self.scavenged += count;
        self.free(page, count);
    }

    /// Free pages.
    pub const fn free_pages(&self) -> usize {
        self.free
    }

    /// Free pages whose memory the OS has.
    pub const fn scavenged_pages(&self) -> usize {
        self.scavenged
    }

    /// Takes a run of at most `most` free pages that have memory, the highest there is: start and length. The caller
    /// gives the memory to the OS and the pages back by [`PageAlloc::free_scavenged`]. `force` also takes from chunks
    /// that are nearly full.
    pub fn take_unscavenged(&mut self, most: usize, force: bool) -> Option<(usize, usize)> {
        let least = (gort_sys::mem::page_size() >> gort_mspan::PAGE_SHIFT).max(1);
        while let Some(chunk) = self.index.find(force) {
            let most = most.next_multiple_of(least).min(CHUNK_PAGES);
            let candidate = self.chunks[chunk].scavenge_candidate(CHUNK_PAGES - 1, least, most);
            let Some((from, n)) = candidate else {
                self.index.set_empty(chunk);
                continue;
            };
            let page = (chunk << CHUNK_SHIFT) + from;
            let scavenged = self.take(page, n);
            debug_assert!(scavenged == 0);
            return Some((page, n));
        }
        None
    }

    /// A group of 64 pages for a page cache: the one that holds the first free page. Its number, and the bits of the
    /// pages that are free, and of those that are scavenged. All of them are taken.
    pub(crate) fn take_group(&mut self) -> Option<(usize, u64, u64)> {
        let page = self.find_from_hint(1)?;
        let (chunk, from) = (page >> CHUNK_SHIFT, (page % CHUNK_PAGES) & !63);
        let bits = &mut self.chunks[chunk];
        let (free, scavenged) = (!bits.alloc.word(from), bits.scavenged.word(from));
        bits.alloc.set_word(from, free);
        bits.scavenged.clear_word(from, scavenged);
        self.index.taken(chunk, free.count_ones() as usize);
        self.free -= free.count_ones() as usize;
        self.scavenged -= scavenged.count_ones() as usize;
        let group = (chunk << CHUNK_SHIFT) + from;
        self.update(group, 64);
        self.search = self.search.max(group + 64);
        Some((group, free, scavenged))
    }

    /// Gives what is left of a group back.
    pub(crate) fn give_group(&mut self, group: usize, free: u64, scavenged: u64) {
        let (chunk, from) = (group >> CHUNK_SHIFT, group % CHUNK_PAGES);
        self.chunks[chunk].alloc.clear_word(from, free);
        self.chunks[chunk].scavenged.set_word(from, scavenged);
        self.index.given(chunk, free.count_ones() as usize);
        self.free += free.count_ones() as usize;
        self.scavenged += scavenged.count_ones() as usize;
        if free != 0 {
            self.search = self.search.min(group);
        }
        self.update(group, 64);
    }

    /// Marks free pages taken; how many were scavenged.
    fn take(&mut self, page: usize, count: usize) -> usize {
        let mut scavenged = 0;
        each_chunk(page, count, |chunk, from, n| {
            scavenged += self.chunks[chunk].take(from, n);
            self.index.taken(chunk, n);
        });
        self.free -= count;
        self.scavenged -= scavenged;
        self.update(page, count);
        scavenged
    }

    /// The lowest run of `count` free pages. Tries the chunk of the first free page before the walk.
    fn find_from_hint(&mut self, count: usize) -> Option<usize> {
        if self.search >= self.end {
            return None;
        }
        let chunk = self.search >> CHUNK_SHIFT;
        if self.levels[LEVELS - 1][chunk].longest() >= count {
            let (found, first) = self.chunks[chunk].alloc.find(count, self.search % CHUNK_PAGES);
            if let Some(from) = found {
                self.search = (chunk << CHUNK_SHIFT) + first;
                return Some((chunk << CHUNK_SHIFT) + from);
            }
        }
        self.find(count)
    }

    /// The lowest run of `count` free pages, by a walk from the root.
    fn find(&mut self, count: usize) -> Option<usize> {
        let mut first_free = FirstFree { base: 0, len: WINDOW_PAGES_MAX };
        // First entry of the group that is looked at.
        let mut group = 0;
        for level in 0..LEVELS {
            let entries = if level == 0 { 1 << ROOT_SHIFT } else { 1 << FAN_SHIFT };
            match self.scan_group(level, group, entries, count, &mut first_free) {
                Step::Found(page) => return Some(self.found(page, &first_free)),
                Step::Down(entry) => group = entry << FAN_SHIFT,
                // Only the root can tell that nothing fits; below it a promise was made.
                Step::Nothing => {
                    self.search = if count == 1 { usize::MAX } else { self.search };
                    return None;
                }
            }
        }
        let chunk = group >> FAN_SHIFT;
        let (found, first) = self.chunks[chunk].alloc.find(count, 0);
        first_free.narrow((chunk << CHUNK_SHIFT) + first, 1);
        found.map(|from| self.found((chunk << CHUNK_SHIFT) + from, &first_free))
    }

    /// Looks for a run among the entries of a group: over their borders, or inside of one.
    fn scan_group(
        &self,
        level: usize,
        group: usize,
        entries: usize,
        count: usize,
        first_free: &mut FirstFree,
    ) -> Step {
        let shift = pages_shift(level);
        let each = 1usize << shift;
        let table = &self.levels[level];
        // The run that reaches the end of the last entry: where it starts, and its length.
        let (mut start, mut run) = (0, 0);
        for entry in group..(group + entries).min(table.len()) {
            let page = entry << shift;
            let sum = table[entry];
            // Pages below the hint are taken (I2).
            if sum == Summary::FULL || page + each <= self.search {
                run = 0;
                continue;
            }
            first_free.narrow(page, each);
            if run + sum.start() >= count {
                return Step::Found(if run == 0 { page } else { start });
            }
            if sum.longest() >= count {
                return Step::Down(entry);
            }
            if sum.start() == each {
                start = if run == 0 { page } else { start };
                run += each;
            } else {
                run = sum.end();
                start = page + each - run;
            }
        }
        Step::Nothing
    }

    fn found(&mut self, page: usize, first_free: &FirstFree) -> usize {
        self.search = self.search.max(first_free.base);
        page
    }

    /// Recomputes the summaries over pages whose bits changed (I1).
    fn update(&mut self, page: usize, count: usize) {
        let (mut first, mut last) = (page >> CHUNK_SHIFT, (page + count - 1) >> CHUNK_SHIFT);
        for chunk in first..=last {
            self.levels[LEVELS - 1][chunk] = self.chunks[chunk].alloc.summarize();
        }
        for level in (0..LEVELS - 1).rev() {
            (first, last) = (first >> FAN_SHIFT, last >> FAN_SHIFT);
            let each = 1 << pages_shift(level + 1);
            let mut changed = false;
            for entry in first..=last {
                let from = entry << FAN_SHIFT;
                let merged = Summary::merge(&self.levels[level + 1][from..from + (1 << FAN_SHIFT)], each);
                changed |= core::mem::replace(&mut self.levels[level][entry], merged) != merged;
            }
            if !changed {
                break;
            }
        }
    }
}

/// Where a search goes on.
enum Step {
    /// A run starts at this page.
    Found(usize),
    /// Inside this entry is a run.
    Down(usize),
    /// Nowhere.
    Nothing,
}

/// Calls `f` with every chunk that a range of pages touches, and the part of the range in it.
fn each_chunk(page: usize, count: usize, mut f: impl FnMut(usize, usize, usize)) {
    let (mut at, end) = (page, page + count);
    while at < end {
        let n = (end - at).min(CHUNK_PAGES - at % CHUNK_PAGES);
        f(at >> CHUNK_SHIFT, at % CHUNK_PAGES, n);
        at += n;
    }
}
