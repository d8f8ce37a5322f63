//! The heap: zones of pages, and spans cut from them.
//!
//! Follows Go's `mheap` (`mheap.go`). Spans of blocks, large blocks and spans managed by hand come from here and go back
//! here; any address can be looked up; all spans can be visited.
//!
//! # Locks
//! One a zone, over its pages; one over the records of spans. A zone's lock may be held while the records' is taken.
//! The home of a span's blocks (`gort-mcentral`) calls in with its own lock held. `fork` takes them in the same order.

use crate::arena::{Arena, Lookup};
use crate::class_table::ClassTable;
use crate::pages::Pages;
use crate::params::{ARENA_BYTES, WINDOW_BYTES};
use crate::stats::{Counters, HeapStats};
use crate::zone::{Growth, Taken, Zone};
use gort_mspan::span::SpanState;
use gort_mspan::{Kind, PAGE_SHIFT, PAGE_SIZE, SizeClass, Span, SpanClass, SpanList, SpanRef};
use gort_sync::atomic::{AtomicBool, AtomicU64, Ordering};
use gort_sys::lock::{Mutex, MutexGuard};
use gort_sys::mem;
use gort_sys::offheap::Persistent;

/// With less address space than this, nothing is reserved in advance.
const SCARCE_BYTES: usize = 1 << 30;
/// Number of zones.
const ZONES: usize = 3;

/// Which zone holds spans of a kind, and where windows of the zone go. Malloc's starts between 64 and 128 GiB: above
/// what Java wants for compressed pointers, low enough for the class table to cover.
pub(crate) const fn zone_of(kind: Kind) -> usize {
    match kind {
        Kind::Malloc => 0,
        Kind::Scan => 1,
        Kind::NoScan | Kind::Manual => 2,
    }
}
const FIRST: [usize; ZONES] = [64 << 30, 2 << 40, 6 << 40];
const SPREAD: [usize; ZONES] = [64 << 30, 2 << 40, 2 << 40];

/// Pages, spans and the way from an address to its span.
pub struct Heap {
    pub(crate) zones: [Zone; ZONES],
    classes: ClassTable,
    /// Dead records.
    records: Mutex<SpanList>,
    source: Persistent,
    seed: AtomicU64,
    scarce: AtomicBool,
    pub(crate) counters: Counters,
}

impl Default for Heap {
    fn default() -> Self {
        Self::new()
    }
}

impl Heap {
    gort_sync::const_unless_loom! {
        /// A heap that has nothing yet, and asks the OS for nothing before its first span.
        pub fn new() -> Self {
            Self {
                zones: [Zone::new(), Zone::new(), Zone::new()],
                classes: ClassTable::new(),
                records: Mutex::new(SpanList::new()),
                source: Persistent::new(),
                seed: AtomicU64::new(0),
                scarce: AtomicBool::new(false),
                counters: Counters::new(),
            }
        }
    }

    /// Sets the seed of the windows' addresses and reserves the class table. Before the first span; a heap that is
    /// not told stands at the same addresses in every run, and is without the table.
    ///
    /// # Safety
    /// No other thread uses the heap.
    pub unsafe fn start(&self, seed: u64) {
        self.seed.store(seed, Ordering::Relaxed); // Relaxed: before any other use.
        let scarce = mem::address_space_limit().is_some_and(|limit| limit < SCARCE_BYTES);
        self.scarce.store(scarce, Ordering::Relaxed); // Relaxed: as the seed.
        if !scarce {
            // Without the table, frees take the slow path.
            // SAFETY: by contract.
            let _ = unsafe { self.classes.reserve() };
        }
    }

    /// The size classes by page. [`ClassTable::open`] makes it answer.
    pub fn classes(&self) -> &ClassTable {
        &self.classes
    }

    /// Memory for records of the heap's users.
    pub fn source(&self) -> &Persistent {
        &self.source
    }

    /// A span of blocks, all free; `None` when the OS has no memory.
    pub fn alloc_blocks(&self, class: SpanClass, pages: usize) -> Option<SpanRef> {
        self.alloc_span(class.kind(), pages, 1, |span, taken| {
            // SAFETY: a dead record of our own.
            unsafe { span.open_blocks(taken.addr, pages, class, taken.need_zero) };
            if class.kind() == Kind::Malloc && class.size_class().is_small() {
                // SAFETY: the zone made the table ready for its pages, which are ours.
                unsafe { self.classes.set(taken.addr, pages, class.size_class()) };
            }
        })
    }

    /// A span that is one block of `pages` pages at a multiple of `align` pages; `None` when the OS has no memory.
    pub fn alloc_whole(&self, kind: Kind, pages: usize, align: usize) -> Option<SpanRef> {
        self.alloc_span(kind, pages, align, |span, taken| {
            // SAFETY: a dead record of our own.
            unsafe { span.open_whole(taken.addr, pages, kind, taken.need_zero) };
        })
    }

    fn alloc_span(
        &self,
        kind: Kind,
        pages: usize,
        align: usize,
        open: impl FnOnce(&Span, &Taken),
    ) -> Option<SpanRef> {
        let record = self.new_record()?;
        let zone = &self.zones[zone_of(kind)];
        let mut held = zone.lock();
        let taken = zone.take_free(&mut held, pages, align).or_else(|| {
            self.unpark_all(zone, &mut held);
            zone.take(&mut held, pages, align, &self.growth(kind))
        });
        let Some(taken) = taken else {
            drop(held);
            // SAFETY: taken above, never published.
            unsafe { self.records.lock().push(record) };
            return None;
        };
        // SAFETY: records live as long as the heap.
        let span = unsafe { record.as_ref() };
        open(span, &taken);
        zone.publish(span, taken.addr, pages);
        held.note_take(&taken);
        drop(held);
        self.counters.span_taken(kind, pages);
        Some(record)
    }

    fn new_record(&self) -> Option<SpanRef> {
        // SAFETY: the list holds dead records, which are ours.
        if let Some(record) = unsafe { self.records.lock().pop() } {
            return Some(record);
        }
        self.source.place::<Span>().map(SpanRef::from)
    }

    /// Takes a span back; its pages serve anything again.
    ///
    /// # Safety
    /// The span is of this heap, in use or manual, and the caller owns it; no block of it has a user.
    pub unsafe fn free_span(&self, span: SpanRef) {
        // SAFETY: records live as long as the heap.
        let record = unsafe { span.as_ref() };
        let (base, pages, class) = (record.base(), record.pages(), record.class());
        let zone = &self.zones[zone_of(class.kind())];
        if class.kind() == Kind::Malloc && class.size_class().is_small() {
            // SAFETY: the pages are the caller's.
            unsafe { self.classes.set(base, pages, SizeClass::NONE) };
        }
        let mut held = zone.lock();
        // SAFETY: passed on.
        unsafe { self.give_span(zone, &mut held, span) };
        self.counters.span_given(class.kind(), pages);
        self.release_after_give(zone, held);
    }

    /// In use or parked to dead: the pages and the record are free.
    ///
    /// # Safety
    /// As for [`Heap::free_span`]; the span is in no list.
    pub(crate) unsafe fn give_span(&self, zone: &Zone, held: &mut Pages, span: SpanRef) {
        // SAFETY: records live as long as the heap.
        let record = unsafe { span.as_ref() };
        let (base, pages) = (record.base(), record.pages());
        zone.withdraw(base, pages, record.is_large());
        // SAFETY: withdrawn one line above.
        unsafe { record.close() };
        zone.give(held, base, pages);
        // SAFETY: dead, and in no list.
        unsafe { self.records.lock().push(span) };
    }

    /// Gives back to the OS what is due after a span was freed.
    pub(crate) fn release_after_give(&self, zone: &Zone, mut held: MutexGuard<'_, Pages>) {
        let due = held.due_after_give();
        if due > 0 {
            self.unpark_all(zone, &mut held);
            drop(held);
            self.release_from(zone, due, false);
        }
    }

    /// What an address belongs to: the span, if it lies in one. For any address, at any time, without a lock.
    #[inline]
    pub fn lookup(&self, addr: usize) -> Lookup {
        self.zones
            .iter()
            .map(|zone| zone.lookup(addr))
            .find(|found| *found != Lookup::Nothing)
            .unwrap_or(Lookup::Nothing)
    }

    /// The span of malloc's zone that an address lies in.
    #[inline]
    pub fn malloc_span_of(&self, addr: usize) -> Option<&Span> {
        match self.zones[zone_of(Kind::Malloc)].lookup(addr) {
            // SAFETY: records live as long as the heap.
            Lookup::Span(span) => Some(unsafe { span.as_ref() }),
            _ => None,
        }
    }

    /// The span that an address lies in.
    #[inline]
    pub fn span_of(&self, addr: usize) -> Option<&Span> {
        match self.lookup(addr) {
            // SAFETY: records live as long as the heap.
            Lookup::Span(span) => Some(unsafe { span.as_ref() }),
            _ => None,
        }
    }

    /// Visits every span of a kind that is in use, from the lowest address. Spans that come or go meanwhile may be
    /// missed.
    pub fn each_span(&self, kind: Kind, mut visit: impl FnMut(&Span)) {
        for (base, arena) in self.zones[zone_of(kind)].arenas() {
            let mut page = 0;
            while page < ARENA_BYTES >> PAGE_SHIFT {
                let mut step = 1;
                if let Lookup::Span(span) = arena.lookup(page) {
                    // SAFETY: records live as long as the heap.
                    let span = unsafe { span.as_ref() };
                    let here = base + page * PAGE_SIZE;
                    if matches!(span.state(), SpanState::InUse | SpanState::Manual)
                        && span.class().kind() == kind
                        && span.base() <= here
                    {
                        let end = span.base() + span.bytes();
                        step = ((end.saturating_sub(here)) >> PAGE_SHIFT).max(1);
                        // A span that reaches over from the arena before was visited there.
                        if span.base() == here {
                            visit(span);
                        }
                    }
                }
                page += step;
            }
        }
    }

    /// The arena that an address lies in, with the arena's address.
    pub fn arena_of(&self, addr: usize) -> Option<(usize, &Arena)> {
        self.zones.iter().find_map(|zone| {
            let offset = addr.wrapping_sub(zone.base());
            (offset < WINDOW_BYTES)
                .then(|| Some((addr - offset % ARENA_BYTES, zone.arena(offset / ARENA_BYTES)?)))
                .flatten()
        })
    }

    /// Gives all free pages back to the OS; how many bytes those were.
    pub fn trim(&self) -> usize {
        self.zones
            .iter()
            .map(|zone| {
                self.unpark_all(zone, &mut zone.lock());
                self.release_from(zone, usize::MAX, true)
            })
            .sum()
    }

    /// Gives back what has been free for long enough; `now_ns` is a coarse clock. Cheap when nothing is due.
    pub fn tick(&self, now_ns: u64) -> usize {
        self.zones.iter().map(|zone| self.tick_zone(zone, now_ns)).sum()
    }

    fn tick_zone(&self, zone: &Zone, now_ns: u64) -> usize {
        let Some(mut held) = zone.try_lock() else { return 0 };
        let Some(due) = held.due_on_tick(now_ns) else { return 0 };
        while let Some(span) = held.parked.pop_idle() {
            // SAFETY: a parked span is ours.
            unsafe { self.give_span(zone, &mut held, span) };
        }
        held.parked.end_tick();
        drop(held);
        self.release_from(zone, due, false)
    }

    /// Counts bytes that the heap's user took from the OS by itself; they are part of the peak.
    pub fn note_outside_taken(&self, bytes: usize) {
        self.counters.outside_taken(bytes >> PAGE_SHIFT);
    }

    /// Counts such bytes as given back.
    pub fn note_outside_given(&self, bytes: usize) {
        self.counters.outside_given(bytes >> PAGE_SHIFT);
    }

    /// Figures of the moment.
    pub fn stats(&self) -> HeapStats {
        let mut stats = self.counters.read();
        for zone in &self.zones {
            let held = zone.lock();
            if let Some(alloc) = held.alloc() {
                stats.free_bytes += (alloc.free_pages() + held.parked.pages()) << PAGE_SHIFT;
                stats.peak_held_bytes += held.peak() << PAGE_SHIFT;
                stats.released_bytes += alloc.scavenged_pages() << PAGE_SHIFT;
            }
        }
        stats.metadata_bytes = self.source.mapped_bytes();
        stats
    }

    /// The locks of the heap, in the order in which they are taken. For a fork.
    #[cfg(not(loom))]
    pub fn raw_locks(&self) -> impl Iterator<Item = &gort_sys::lock::Lock> {
        let zones = self.zones.iter().map(Zone::raw_lock);
        zones.chain([self.records.raw(), self.source.raw_lock()])
    }

    fn growth(&self, kind: Kind) -> Growth<'_> {
        let zone = zone_of(kind);
        Growth {
            source: &self.source,
            scarce: self.scarce.load(Ordering::Relaxed), // Relaxed: set once, at the start.
            classes: (kind == Kind::Malloc).then_some(&self.classes),
            first: FIRST[zone],
            span: SPREAD[zone],
            seed: self.seed.load(Ordering::Relaxed).wrapping_add(zone as u64), // Relaxed: set once, at the start.
        }
    }
}
