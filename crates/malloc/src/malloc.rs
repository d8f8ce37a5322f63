//! The allocator as a whole: its state, its fast paths, and where the slow ones branch.
//!
//! # Fast paths
//! `malloc` of a small size: compare with `small_end`, a byte of the class table, pop. `free` of a small block: a byte by
//! address, push. Neither asks whether the library has started, the thread is bound, or a checking mode is on: all three
//! show as `small_end` of nought, a class table without answers, or words of an empty magazine, and so lead to the slow
//! path, which asks.
//!
//! `small_end` is a plain word, written by `start` while the program has one thread (making a second one allocates).
//! Everything else that `start` sets up is published by `started`.

use crate::bind::Caches;
use crate::huge::HugeTable;
use crate::options::Options;
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

/// Nanoseconds between ticks.
const TICK_NS: u64 = 100_000_000;

/// All of malloc's state.
pub struct Malloc {
    /// One more than the largest size that the fast path serves; nought before the start, and in checking modes.
    small_end: UnsafeCell<usize>,
    started: Once,
    pub(crate) options: Options,
    pub(crate) heap: Heap,
    pub(crate) centrals: [Central; CLASSES],
    pub(crate) caches: Caches,
    pub(crate) huge: HugeTable,
    pub(crate) checks: check::Quarantine,
    pub(crate) sampler: Sampler,
    ticked_ns: AtomicU64,
}

// SAFETY: `small_end` is written while the program has one thread; the rest guards itself.
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
            started: Once::new(),
            options: Options::new(),
            heap: Heap::new(),
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
        if let Some(class) = self.heap.classes().class_of(block.addr()) {
            // SAFETY: class 0 has an empty magazine that looks full; another class is that of the block's page.
            if unsafe { push(&ThreadWords, class, block) } {
                return;
            }
        }
        self.free_slow(block, call);
    }

    #[inline(never)]
    fn malloc_slow(&self, size: usize) -> *mut u8 {
        if !self.is_ready() {
            return boot::alloc(size, 16);
        }
        let block = match self.options.check() {
            0 => self.alloc_plain(size),
            level => self.alloc_checked(size, 16, level),
        };
        self.finish(block, size)
    }

    /// What every slow allocation ends with: the error number, or a look at the profile.
    pub(crate) fn finish(&self, block: *mut u8, size: usize) -> *mut u8 {
        if block.is_null() {
            Errno::ENOMEM.set();
        } else if self.options.profile_rate() != 0 {
            self.sample_alloc(block, size);
        }
        block
    }

    /// A block for any size, without checks. When there is no memory, once more after all caches within reach were
    /// emptied.
    pub(crate) fn alloc_plain(&self, size: usize) -> *mut u8 {
        let block = self.alloc_once(size);
        if block.is_null() && size <= isize::MAX as usize {
            self.reclaim();
            return self.alloc_once(size);
        }
        block
    }

    #[inline]
    fn alloc_once(&self, size: usize) -> *mut u8 {
        match SizeClass::of(size) {
            Some(class) => self.alloc_class(class),
            None => self.alloc_large(size, 1).unwrap_or(null_mut()),
        }
    }

    /// A block of a class: from the thread's magazine, from the class's home, or straight from a span when the thread has
    /// no cache.
    #[inline]
    pub(crate) fn alloc_class(&self, class: SizeClass) -> *mut u8 {
        let central = &self.centrals[class.index()];
        let Some(cache) = self.cache_to_alloc() else {
            return central.take_one(&self.heap).unwrap_or(null_mut());
        };
        if cache.exchanges.get().is_multiple_of(64) {
            self.tick();
        }
        if class.is_small() {
            // SAFETY: the cache is bound to this thread.
            match unsafe { pop(&ThreadWords, class.index()) } {
                block if block.is_null() => cache.refill(&ThreadWords, class, central, &self.heap),
                block => block,
            }
        } else {
            // SAFETY: the cache is this thread's.
            match unsafe { pop(cache, class.index()) } {
                block if block.is_null() => cache.refill(cache, class, central, &self.heap),
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
        if self.options.profile_rate() != 0 {
            self.sample_free(block);
        }
        match self.options.check() {
            0 => self.free_plain(block, call),
            level => self.free_checked(block, call, level),
        }
    }

    /// Takes a block of any size back.
    pub(crate) fn free_plain(&self, block: *mut u8, call: &'static str) {
        let Some(span) = self.heap.malloc_span_of(block.addr()) else {
            return self.free_huge(block, call);
        };
        let class = span.class().size_class();
        if class == SizeClass::NONE {
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
        let Some(cache) = self.cache_to_free() else {
            if let Err(fault) = central.give_back(&self.heap, &[block]) {
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
        let result = cache.overflow(words, class, &self.centrals[class.index()], &self.heap);
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
                self.heap.start(rand::start_seed());
                if self.options.is_plain() {
                    self.open();
                }
            }
        });
        if first {
            // May allocate, hence outside. Without handlers a child of a fork has only its own blocks to count on.
            let _ = crate::fork::register();
        }
        true
    }

    /// Lets the fast paths work.
    ///
    /// # Safety
    /// The program has one thread.
    unsafe fn open(&self) {
        // SAFETY: by contract.
        unsafe {
            self.heap.classes().open();
            self.small_end.with_mut(|end| *end = SMALL_MAX + 1);
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
            if let Err(fault) = central.tick(&self.heap) {
                misuse::stop_late("free", fault);
            }
        }
        self.heap.tick(now_ns);
    }

    /// Empties what caches are within reach: this thread's, the idle ones, the depots.
    #[cold]
    pub(crate) fn reclaim(&self) {
        let mut result = Ok(());
        if let Some(cache) = self.cache_if_bound() {
            result = result.and(cache.flush(&ThreadWords, &self.centrals, &self.heap));
        }
        result = result.and(self.caches.pool.flush_idle(&self.centrals, &self.heap));
        for central in &self.centrals[1..] {
            result = result.and(central.flush(&self.heap));
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
        self.heap.trim()
    }
}
