//! The allocator as a whole: its state, its fast paths, and where the slow ones branch.
//!
//! # Fast paths
//! `malloc` of a small size: compare with `small_end`, a byte of the class table, pop. `free` of a small block: a byte by
//! address, push. Neither asks whether the library has started, the thread is bound, or a checking mode is on: all three
//! show as `small_end` of nought, a class table without answers, or words of an empty magazine, and so lead to the slow
//! path, which asks.
//!
//! `small_end` and `counted_end` are plain words, written by `start` while the program has one thread (making a second
//! one allocates). Everything else that `start` sets up is published by `started`.

use crate::bind::Caches;
use crate::huge::HugeTable;
use crate::options::{Options, Sampling};
use crate::sample::Sampler;
use crate::{boot, check, misuse};
use core::ptr::null_mut;
use gort_mcache::magazine::{ThreadWords, pop, push};
use gort_mcentral::Central;
use gort_mheap::Heap;
use gort_mspan::SizeClass;
use gort_mspan::size_class::{CLASS_BY_16, CLASSES, SMALL_MAX};
use gort_sync::atomic::{AtomicU64, Ordering};
use gort_sync::cell::UnsafeCell;
use gort_sys::once::Once;
use gort_sys::{Errno, clock, env, rand};

/// The program's allocator.
pub static MALLOC: Malloc = Malloc::new();

/// Its heap: a static of its own, since all of it is zero at first. So it is no part of the library's file, of which the
/// kernel would map sixteen pages where one is touched.
pub(crate) static HEAP: Heap = Heap::new();

/// Nanoseconds between ticks.
const TICK_NS: u64 = 100_000_000;

/// All of malloc's state.
pub struct Malloc {
    /// One more than the largest size that the fast path serves; nought before the start, and in checking modes.
    small_end: UnsafeCell<usize>,
    /// The same for the fast path's twin that counts bytes for the heap profile; nought when nobody samples.
    counted_end: UnsafeCell<usize>,
    started: Once,
    pub(crate) options: Options,
    pub(crate) centrals: [Central; CLASSES],
    pub(crate) caches: Caches,
    pub(crate) huge: HugeTable,
    pub(crate) checks: check::Quarantine,
    pub(crate) sampler: Sampler,
    ticked_ns: AtomicU64,
}

// SAFETY: `small_end` and `counted_end` are written while the program has one thread; the rest guards itself.
unsafe impl Sync for Malloc {}

impl Malloc {
    const fn new() -> Self {
        const fn centrals() -> [Central; CLASSES] {
            let mut all = [const { Central::new(SizeClass::NONE) }; CLASSES];
            let mut n = 1;
            while n < CLASSES {
                all[n] = Central::new(SizeClass::new(n as u8));
                n += 1;
            }
            all
        }
        Self {
            small_end: UnsafeCell::new(0),
            counted_end: UnsafeCell::new(0),
            started: Once::new(),
            options: Options::new(),
            centrals: centrals(),
            caches: Caches::new(),
            huge: HugeTable::new(),
            checks: check::Quarantine::new(),
            sampler: Sampler::new(),
            ticked_ns: AtomicU64::new(0),
        }
    }

    /// A block of at least `size` bytes, aligned to 16; null, with `errno` at `ENOMEM`, when there is none. A request of
    /// nought gets a block of its own. 13 instructions and two branches when the thread's magazine has a block.
    #[inline(always)]
    pub fn malloc(&self, size: usize) -> *mut u8 {
        // SAFETY: written before anyone else reads, see the head.
        if size < self.small_end.with(|end| unsafe { *end }) {
            // SAFETY: `small_end` is at most one more than `SMALL_MAX`, for which the table is long enough.
            let class = unsafe { *CLASS_BY_16.get_unchecked((size + 15) >> 4) } as usize;
            // SAFETY: a small class; the words are this thread's.
            let block = unsafe { pop(&ThreadWords, class) };
            if !block.is_null() {
                return block;
            }
        }
        self.malloc_slow(size)
    }

    /// Takes a block back; null is ignored. Stops the program when `block` is none. 16 instructions and three branches
    /// when the thread's magazine has room.
    ///
    /// # Safety
    /// `block` came from this allocator and nobody uses it any more. (What breaks that is reported as far as
    /// [`misuse`] says, but cannot be made safe.)
    #[inline(always)]
    pub unsafe fn free(&self, block: *mut u8) {
        // SAFETY: passed on.
        unsafe { self.free_named(block, "free") }
    }

    /// As [`Malloc::free`], from the call named `call`.
    ///
    /// # Safety
    /// As for `free`.
    #[inline(always)]
    pub unsafe fn free_named(&self, block: *mut u8, call: &'static str) {
        if let Some(class) = HEAP.classes().class_of(block.addr()) {
            // SAFETY: class 0 has an empty magazine that looks full; another class is that of the block's page.
            if unsafe { push(&ThreadWords, class, block) } {
                return;
            }
        }
        self.free_slow(block, call);
    }

    #[inline(never)]
    fn malloc_slow(&self, size: usize) -> *mut u8 {
        // SAFETY: written before anyone else reads, see the head.
        if size < self.counted_end.with(|end| unsafe { *end }) {
            // SAFETY: `counted_end` is `SMALL_MAX + 1` here.
            if let Some(block) = unsafe { self.pop_counted(size) } {
                return block;
            }
        }
        self.alloc(size, 16)
    }

    /// A block for any size and alignment (a power of two), as the options ask for it; null, with `errno` at `ENOMEM`,
    /// when there is none.
    pub(crate) fn alloc(&self, size: usize, align: usize) -> *mut u8 {
        if !self.is_ready() {
            return boot::alloc(size, align);
        }
        let block = match (self.options.check(), self.options.sampling()) {
            (0, Sampling::Off) => self.alloc_plain(size, align),
            (level, sampling) => self.alloc_watched(size, align, level, sampling),
        };
        if block.is_null() {
            Errno::ENOMEM.set();
        }
        block
    }

    #[cold]
    fn alloc_watched(&self, size: usize, align: usize, level: u8, sampling: Sampling) -> *mut u8 {
        if sampling == Sampling::Apart {
            return self.alloc_counted(size, align);
        }
        let block = match level {
            0 => self.alloc_plain(size, align),
            level => self.alloc_checked(size, align, level),
        };
        if sampling == Sampling::InPlace && !block.is_null() {
            self.sample_in_place(block, size);
        }
        block
    }

    /// A block for any size and alignment, without checks. When there is no memory, once more after all caches within
    /// reach were emptied.
    pub(crate) fn alloc_plain(&self, size: usize, align: usize) -> *mut u8 {
        let block = self.alloc_once(size, align);
        if block.is_null() && size <= isize::MAX as usize {
            self.reclaim();
            return self.alloc_once(size, align);
        }
        block
    }

    #[inline]
    fn alloc_once(&self, size: usize, align: usize) -> *mut u8 {
        let class = if align <= 16 { SizeClass::of(size) } else { SizeClass::of_aligned(size, align) };
        match class {
            Some(class) => self.alloc_class(class),
            None => self.alloc_large(size, align).unwrap_or(null_mut()),
        }
    }

    /// A block of a class: from the thread's magazine, from the class's home, or straight from a span when the thread has
    /// no cache.
    #[inline]
    pub(crate) fn alloc_class(&self, class: SizeClass) -> *mut u8 {
        let central = &self.centrals[class.index()];
        let Some(cache) = self.cache() else {
            return central.take_one(&HEAP).unwrap_or(null_mut());
        };
        if cache.exchanges.get().is_multiple_of(64) {
            self.tick();
        }
        if class.is_small() {
            // SAFETY: the cache is bound to this thread.
            match unsafe { pop(&ThreadWords, class.index()) } {
                block if block.is_null() => cache.refill(&ThreadWords, class, central, &HEAP),
                block => block,
            }
        } else {
            // SAFETY: the cache is this thread's.
            match unsafe { pop(cache, class.index()) } {
                block if block.is_null() => cache.refill(cache, class, central, &HEAP),
                block => block,
            }
        }
    }

    #[inline(never)]
    pub(crate) fn free_slow(&self, block: *mut u8, call: &'static str) {
        if block.is_null() || boot::owns(block) {
            return;
        }
        if !self.is_ready() {
            misuse::stop(call, block, misuse::Fault::Foreign);
        }
        if self.options.sampling() == Sampling::InPlace {
            self.sample_free(block);
        }
        match self.options.check() {
            0 => self.free_plain(block, call),
            level => self.free_checked(block, call, level),
        }
    }

    /// Takes a block of any size back.
    pub(crate) fn free_plain(&self, block: *mut u8, call: &'static str) {
        let Some(span) = HEAP.malloc_span_of(block.addr()) else {
            self.sample_free_apart(block);
            return self.free_huge(block, call);
        };
        let class = span.class().size_class();
        if class == SizeClass::NONE {
            self.sample_free_apart(block);
            return self.free_large(block, span, call);
        }
        // Medium blocks always come here, small ones when a magazine is full: time enough to look at the address.
        if let Err(fault) = span.index_of(block.addr()) {
            misuse::stop(call, block, fault.into());
        }
        self.free_class(block, class, call);
    }

    #[inline]
    fn free_class(&self, block: *mut u8, class: SizeClass, call: &'static str) {
        let central = &self.centrals[class.index()];
        let Some(cache) = self.cache() else {
            if let Err(fault) = central.give_back(&HEAP, &[block]) {
                misuse::stop_late(call, fault);
            }
            return;
        };
        let result = if class.is_small() {
            self.push_class(&ThreadWords, cache, block, class, call)
        } else {
            self.push_class(cache, cache, block, class, call)
        };
        if let Err(fault) = result {
            misuse::stop_late(call, fault);
        }
        if cache.exchanges.get().is_multiple_of(64) {
            self.tick();
        }
    }

    /// Pushes a block to its magazine; the older half goes home first when it is full.
    #[inline]
    fn push_class(
        &self,
        words: &impl gort_mcache::Words,
        cache: &gort_mcache::MCache,
        block: *mut u8,
        class: SizeClass,
        call: &'static str,
    ) -> Result<(), gort_mcache::cache::Fault> {
        // SAFETY: the cache is this thread's, the block is of the class.
        if unsafe { push(words, class.index(), block) } {
            return Ok(());
        }
        // SAFETY: below the top is a slot or the sentinel.
        if unsafe { *words.top(class.index()).wrapping_sub(1) } == block {
            misuse::stop(call, block, misuse::Fault::DoubleFree);
        }
        let result = cache.overflow(words, class, &self.centrals[class.index()], &HEAP);
        // SAFETY: as above; there is room now.
        let pushed = unsafe { push(words, class.index(), block) };
        debug_assert!(pushed);
        result
    }

    /// Whether requests can be served in the ordinary way; starts the allocator at the first one.
    #[inline]
    pub(crate) fn is_ready(&self) -> bool {
        self.started.is_done() || self.start()
    }

    /// Sets everything up, once. `false` while the library is not relocated yet: then nothing outside may be touched.
    #[cold]
    fn start(&self) -> bool {
        if !env::is_relocated() {
            return false;
        }
        let first = self.started.run(|| {
            self.options.read();
            self.caches.start();
            // SAFETY: the program's first allocation, so it has one thread.
            unsafe {
                HEAP.start(rand::start_seed());
                self.open();
            }
        });
        if first {
            // May allocate, hence outside. Without handlers a child of a fork has only its own blocks to count on.
            let _ = crate::fork::register();
        }
        true
    }

    /// Lets the fast paths work, as far as the options do.
    ///
    /// # Safety
    /// The program has one thread.
    unsafe fn open(&self) {
        let end = match (self.options.is_plain(), self.options.sampling()) {
            (true, _) => &self.small_end,
            (_, Sampling::Apart) => &self.counted_end,
            _ => return,
        };
        // SAFETY: by contract.
        unsafe {
            HEAP.classes().open();
            end.with_mut(|end| *end = SMALL_MAX + 1);
        }
    }

    /// Work that comes with time: idle batches go back to their spans, idle pages to the OS. Cheap when nothing is due.
    #[inline]
    pub(crate) fn tick(&self) {
        let now = clock::coarse_ns();
        let last = self.ticked_ns.load(Ordering::Relaxed); // Relaxed: who wins the exchange does the work.
        if now.wrapping_sub(last) >= TICK_NS
            && self.ticked_ns.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            self.tick_slow(now);
        }
    }

    #[cold]
    fn tick_slow(&self, now_ns: u64) {
        for central in &self.centrals[1..] {
            if let Err(fault) = central.tick(&HEAP) {
                misuse::stop_late("free", fault);
            }
        }
        HEAP.tick(now_ns);
    }

    /// Empties what caches are within reach: this thread's, the idle ones, the depots.
    #[cold]
    pub(crate) fn reclaim(&self) {
        let mut result = Ok(());
        if let Some(cache) = self.cache_if_bound() {
            result = result.and(cache.flush(&ThreadWords, &self.centrals, &HEAP));
        }
        result = result.and(self.caches.pool.flush_idle(&self.centrals, &HEAP));
        for central in &self.centrals[1..] {
            result = result.and(central.flush(&HEAP));
        }
        if let Err(fault) = result {
            misuse::stop_late("free", fault);
        }
    }

    /// Gives all memory that is free back to the OS; how many bytes. `malloc_trim`.
    pub fn trim(&self) -> usize {
        if !self.is_ready() {
            return 0;
        }
        self.reclaim();
        HEAP.trim()
    }
}
