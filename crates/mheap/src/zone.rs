//! A zone: one window of addresses, its arenas, and the pages in them.
//!
//! Follows Go's `mheap.go` (`grow`, `allocSpan`) and `malloc.go` (`sysAlloc`). Departures: Go has one zone, here memory
//! of different kinds lives in zones of their own, so that arenas of scannable memory hold nothing else; and memory is
//! made ready in small steps behind a mark in each arena, so that a small program is charged for little and huge pages
//! cannot inflate it. It asks for none (docs/decisions/0014).
//!
//! ```text
//!     base                    next                              base + 1 TiB
//!      | arena 0 | arena 1 | ... |  not reserved yet              |
//!      |rrrr.....|rr.......|     |     r: ready, .: reserved
//! ```
//!
//! Arenas are reserved one after the other. When somebody else's mapping is in the way, the window skips it. When address
//! space is scarce (`RLIMIT_AS`), part of an arena is taken, in steps of 4 MiB.
//!
//! # Invariants
//! I1. Pages that the page allocator knows are reserved, and so are the class table's bytes for them ready.
//! I2. A run that was handed out is ready.
//! I3. Every published page leads to a span record that is in use.
//!
//! One lock guards the page allocator and the marks of the arenas. The page tables are read without it.
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | Z1 | `adopt` store of an arena's record | Release | Z2 | the record in its zero state |
//! | Z2 | `arena` load | Acquire | Z1 | the same |
//!
//! Model: loom-tests/tests/span_lookup.rs.

use crate::arena::{Arena, Lookup};
use crate::class_table::ClassTable;
use crate::page_alloc::PageAlloc;
use crate::pages::Pages;
use crate::params::{ARENA_BYTES, ARENA_PAGES, READY_STEP_MAX, READY_STEP_MIN, WINDOW_ARENAS, WINDOW_BYTES};
use core::ptr::null_mut;
use gort_mspan::{PAGE_SHIFT, PAGE_SIZE, Span};
use gort_sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
#[cfg(not(loom))]
use gort_sys::lock::Lock;
use gort_sys::lock::{Mutex, MutexGuard};
use gort_sys::offheap::Persistent;
use gort_sys::{Errno, mem};

/// Step in which part of an arena is reserved when a whole one is not to be had; the page allocator's chunk.
const PARTIAL_BYTES: usize = 4 << 20;
/// How many arenas further on a free place is looked for before the window counts as full.
const SKIPS_MAX: usize = 1024;

/// A window of addresses and its pages.
pub struct Zone {
    /// Address of the window; nought until the first growth.
    base: AtomicUsize,
    arenas: [AtomicPtr<Arena>; WINDOW_ARENAS],
    pages: Mutex<Pages>,
}

/// Pages taken from a zone.
pub(crate) struct Taken {
    pub(crate) addr: usize,
    /// Pages that had no memory.
    pub(crate) scavenged: usize,
    /// Some of the memory may be other than zero.
    pub(crate) need_zero: bool,
}

impl Zone {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> Self {
        Self {
            base: AtomicUsize::new(0),
            arenas: [const { AtomicPtr::new(null_mut()) }; WINDOW_ARENAS],
            pages: Mutex::new(Pages::new()),
        }
    }

    #[cfg(loom)]
    pub(crate) fn new() -> Self {
        Self {
            base: AtomicUsize::new(0),
            arenas: core::array::from_fn(|_| AtomicPtr::new(null_mut())),
            pages: Mutex::new(Pages::new()),
        }
    }

    /// The lock over the zone's pages.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock()
    }

    /// The lock, if nobody has it.
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, Pages>> {
        self.pages.try_lock()
    }

    /// The bare lock, for a fork.
    #[cfg(not(loom))]
    pub(crate) fn raw_lock(&self) -> &Lock {
        self.pages.raw()
    }

    /// What an address belongs to. For any address, without a lock.
    #[inline]
    pub fn lookup(&self, addr: usize) -> Lookup {
        let offset = addr.wrapping_sub(self.base.load(Ordering::Relaxed)); // Relaxed: set once, before any span.
        if offset >= WINDOW_BYTES {
            return Lookup::Nothing;
        }
        match self.arena(offset / ARENA_BYTES) {
            Some(arena) => arena.lookup((offset % ARENA_BYTES) >> PAGE_SHIFT),
            None => Lookup::Nothing,
        }
    }

    /// The arenas there are, from the lowest, with their addresses.
    pub fn arenas(&self) -> impl Iterator<Item = (usize, &Arena)> {
        let base = self.base.load(Ordering::Relaxed); // Relaxed: set once.
        (0..WINDOW_ARENAS).filter_map(move |i| Some((base + i * ARENA_BYTES, self.arena(i)?)))
    }

    #[inline]
    pub(crate) fn arena(&self, index: usize) -> Option<&Arena> {
        // ORD[Z2] Acquire: the record that Z1 published.
        let arena = self.arenas[index].load(Ordering::Acquire);
        // SAFETY: records are placed for ever.
        unsafe { arena.as_ref() }
    }

    pub(crate) fn base(&self) -> usize {
        self.base.load(Ordering::Relaxed) // Relaxed: set once, before any run.
    }

    /// Takes `count` pages at a multiple of `align` pages; the zone grows if need be. Reserved and ready on return.
    pub(crate) fn take(
        &self,
        pages: &mut Pages,
        count: usize,
        align: usize,
        env: &Growth<'_>,
    ) -> Option<Taken> {
        self.take_free(pages, count, align).or_else(|| {
            // Aligned runs may need a head that is cut off.
            let more = if align > 1 { count + align } else { count };
            self.grow(pages, more << PAGE_SHIFT, env).ok()?;
            self.take_free(pages, count, align)
        })
    }

    /// As [`Zone::take`], of what the zone has.
    pub(crate) fn take_free(&self, pages: &mut Pages, count: usize, align: usize) -> Option<Taken> {
        let run = pages.find(count, align, self.base())?;
        let offset = run.page << PAGE_SHIFT;
        if self.make_ready(pages, offset, count << PAGE_SHIFT).is_err() {
            pages.alloc.as_mut()?.free(run.page, count);
            return None;
        }
        Some(Taken { addr: self.base() + offset, scavenged: run.scavenged, need_zero: run.scavenged < count })
    }

    /// Takes exactly the `count` pages at `addr`, if they are free.
    pub(crate) fn take_at(&self, pages: &mut Pages, addr: usize, count: usize) -> Option<Taken> {
        let offset = addr.wrapping_sub(self.base());
        if offset + (count << PAGE_SHIFT) > pages.next {
            return None;
        }
        let scavenged = pages.alloc.as_mut()?.alloc_at(offset >> PAGE_SHIFT, count)?;
        if self.make_ready(pages, offset, count << PAGE_SHIFT).is_err() {
            pages.alloc.as_mut()?.free(offset >> PAGE_SHIFT, count);
            return None;
        }
        Some(Taken { addr, scavenged, need_zero: scavenged < count })
    }

    /// Gives pages back.
    pub(crate) fn give(&self, pages: &mut Pages, addr: usize, count: usize) {
        if let Some(alloc) = &mut pages.alloc {
            alloc.free((addr - self.base()) >> PAGE_SHIFT, count);
        }
    }

    /// Publishes a span for its pages, from `first` on.
    pub(crate) fn publish(&self, span: &Span, first: usize, count: usize) {
        self.each_part(first, count, |arena, page, n| arena.publish(page, n, span));
    }

    /// Withdraws pages from the page table; leaves a note on the first if `freed`.
    pub(crate) fn withdraw(&self, first: usize, count: usize, freed: bool) {
        let mut note = freed;
        self.each_part(first, count, |arena, page, n| arena.withdraw(page, n, core::mem::take(&mut note)));
    }

    /// Calls `f` with every arena that a range of pages touches, and the part of the range in it.
    fn each_part(&self, addr: usize, count: usize, mut f: impl FnMut(&Arena, usize, usize)) {
        let (mut page, mut left) = ((addr - self.base()) >> PAGE_SHIFT, count);
        while left > 0 {
            let n = left.min(ARENA_PAGES - page % ARENA_PAGES);
            if let Some(arena) = self.arena(page / ARENA_PAGES) {
                f(arena, page % ARENA_PAGES, n);
            }
            page += n;
            left -= n;
        }
    }

    /// Moves the ready marks of the arenas under a range past its end (I2).
    fn make_ready(&self, pages: &mut Pages, offset: usize, len: usize) -> Result<(), Errno> {
        let mut at = offset;
        while at < offset + len {
            let index = at / ARENA_BYTES;
            let arena_end = (index + 1) * ARENA_BYTES;
            let end = arena_end.min(offset + len);
            let arena = self.arena(index).ok_or(Errno::ENOMEM)?;
            let (ready, needed) = (arena.ready(), end - index * ARENA_BYTES);
            if needed > ready {
                let step = READY_STEP_MIN << pages.steps;
                let wanted = needed.next_multiple_of(step).min(arena.reserved()).max(needed);
                let start = self.base() + index * ARENA_BYTES + ready;
                // SAFETY: reserved, and beyond what was handed out before.
                let got = unsafe { mem::commit(start, wanted - ready) }.map(|()| wanted).or_else(|_| {
                    let exact = needed.next_multiple_of(mem::page_size());
                    // SAFETY: as above.
                    unsafe { mem::commit(start, exact - ready) }.map(|()| exact)
                })?;
                arena.set_ready(got);
                pages.steps += u32::from(step < READY_STEP_MAX);
            }
            at = end;
        }
        Ok(())
    }

    /// Reserves at least `bytes` more, behind what there is.
    #[cold]
    fn grow(&self, pages: &mut Pages, bytes: usize, env: &Growth<'_>) -> Result<(), Errno> {
        if pages.alloc.is_none() {
            pages.alloc = Some(PageAlloc::new(WINDOW_BYTES >> PAGE_SHIFT).ok_or(Errno::ENOMEM)?);
        }
        let whole = bytes.checked_next_multiple_of(ARENA_BYTES).ok_or(Errno::ENOMEM)?;
        let partial = bytes.next_multiple_of(PARTIAL_BYTES.min(ARENA_BYTES));
        let len = match env.scarce {
            true => Err(Errno::ENOMEM),
            false => self.reserve(pages, whole, env).map(|()| whole),
        }
        .or_else(|_| self.reserve(pages, partial, env).map(|()| partial))?;
        let first = pages.next;
        if let Err(e) = self.adopt(pages, first, len, env) {
            // SAFETY: reserved above, and nobody knows it yet.
            unsafe { mem::unmap(self.base() + first, len) };
            return Err(e);
        }
        pages.next = first + len;
        pages.grown += len >> PAGE_SHIFT;
        Ok(())
    }

    /// Reserves `len` bytes at `pages.next`, or at a later arena if something is in the way.
    fn reserve(&self, pages: &mut Pages, len: usize, env: &Growth<'_>) -> Result<(), Errno> {
        if self.base() == 0 {
            return self.found(len, env);
        }
        for _ in 0..SKIPS_MAX {
            if pages.next + len > WINDOW_BYTES {
                return Err(Errno::ENOMEM);
            }
            match mem::reserve_at(self.base() + pages.next, len) {
                Err(Errno::EEXIST) => pages.next = (pages.next + 1).next_multiple_of(ARENA_BYTES),
                other => return other,
            }
        }
        Err(Errno::ENOMEM)
    }

    /// Picks the window's base, and reserves the first `len` bytes there.
    fn found(&self, len: usize, env: &Growth<'_>) -> Result<(), Errno> {
        for attempt in 0..16 {
            let base = env.hint(attempt);
            match mem::reserve_at(base, len) {
                Err(Errno::EEXIST) => {}
                other => {
                    other?;
                    self.base.store(base, Ordering::Relaxed); // Relaxed: spans are published with release.
                    return Ok(());
                }
            }
        }
        // Something fills the whole region (a shadow memory, say). Then anywhere will do, without the fast table.
        let at = mem::reserve(len + ARENA_BYTES)?;
        self.base.store(at.next_multiple_of(ARENA_BYTES), Ordering::Relaxed); // Relaxed: as above.
        Ok(())
    }

    /// Notes that `first..first + len` is reserved: arena records, class bytes, and last the pages (I1).
    fn adopt(&self, pages: &mut Pages, first: usize, len: usize, env: &Growth<'_>) -> Result<(), Errno> {
        for index in first / ARENA_BYTES..(first + len).div_ceil(ARENA_BYTES) {
            let arena = match self.arena(index) {
                Some(arena) => arena,
                None => {
                    let arena = env.source.place::<Arena>().ok_or(Errno::ENOMEM)?;
                    // ORD[Z1] Release: the record, placed one line above.
                    self.arenas[index].store(core::ptr::from_ref(arena).cast_mut(), Ordering::Release);
                    arena
                }
            };
            arena.set_reserved((first + len - index * ARENA_BYTES).min(ARENA_BYTES));
        }
        if let Some(classes) = env.classes {
            classes.make_ready(self.base() + first, len)?;
        }
        let alloc = pages.alloc.as_mut().ok_or(Errno::ENOMEM)?;
        alloc.grow(first >> PAGE_SHIFT, len >> PAGE_SHIFT, env.source).ok_or(Errno::ENOMEM)
    }
}

/// What a zone needs in order to grow.
pub(crate) struct Growth<'a> {
    pub(crate) source: &'a Persistent,
    /// Address space is scarce, so whole arenas would take too much of it.
    pub(crate) scarce: bool,
    /// The table to keep in step, for malloc's zone.
    pub(crate) classes: Option<&'a ClassTable>,
    /// Where windows of this kind go: `first + n * arena` for a random `n` below `span`.
    pub(crate) first: usize,
    pub(crate) span: usize,
    pub(crate) seed: u64,
}

impl Growth<'_> {
    fn hint(&self, attempt: u64) -> usize {
        let arenas = (self.span / ARENA_BYTES).max(1) as u64;
        self.first + (gort_sys::rand::mix(self.seed ^ attempt) % arenas) as usize * ARENA_BYTES
    }
}

const _: () = assert!(ARENA_BYTES.is_multiple_of(PAGE_SIZE));
