//! Picks allocations for the heap profile.
//!
//! Follows Go's `mprof.go`: an allocation is sampled when a countdown of bytes, drawn anew from an exponential distribution
//! with mean `GORT_PROFILE_RATE`, runs out; samples with the same stack and size share a bucket that counts what was
//! allocated and what was freed. So a block of n bytes is sampled with probability 1 - exp(-n / rate), whatever else
//! the program does.
//!
//! | mode | when | malloc | free of a small block |
//! |---|---|---|---|
//! | off | no rate | as if this file were not there | the same |
//! | apart | a rate of 64 KiB or more | one call deeper: counts, and pops | as if this file were not there |
//! | in place | a lower rate, or a checking mode | the slow path | the slow path, with a look into the table |
//!
//! In the second mode a sampled block gets a span of its own. That has no class in the table by which `free` goes, so
//! its free takes the slow path, and no other has to. It costs a page a sample, which a low rate could not afford.
//!
//! How a stack is walked is the facade's business ([`Malloc::set_stack_walker`]); without a walker all samples share one
//! bucket. Records are off-heap, and found by hash; buckets are never freed.

use crate::malloc::{HEAP, Malloc};
use crate::options::Sampling;
use core::ptr::NonNull;
use gort_mcache::magazine::{ThreadWords, pop};
use gort_mspan::size_class::CLASS_BY_16;
use gort_sync::Zeroed;
use gort_sync::atomic::{AtomicUsize, Ordering};
use gort_sys::lock::{Lock, Mutex};
use gort_sys::offheap::{FixAlloc, Persistent};
use gort_sys::rand::mix;
use gort_sys::thread::{MAGAZINE_WORDS, words};

/// The deepest stack that is kept.
pub const FRAMES_MAX: usize = 64;
/// Heads of the hash chains of buckets, and of live blocks.
const BUCKET_CHAINS: usize = 4096;
const LIVE_CHAINS: usize = 65536;
/// The thread word that counts bytes down to the next sample; nought: not drawn yet.
const COUNTDOWN: usize = MAGAZINE_WORDS + 3;
/// The thread word that is set while a sample is taken, so that allocations of the walker are not sampled.
const BUSY: usize = MAGAZINE_WORDS + 4;

/// Walks the calling thread's stack: writes return addresses, innermost first; how many.
pub type StackWalker = fn(&mut [usize; FRAMES_MAX]) -> usize;

/// What was sampled at one stack with one size.
#[derive(Clone, Copy)]
pub struct Bucket {
    /// Return addresses, innermost first.
    pub stack: [usize; FRAMES_MAX],
    /// How many of them there are.
    pub depth: usize,
    /// Size of the allocations.
    pub size: usize,
    /// Samples allocated.
    pub allocs: usize,
    /// Samples freed since.
    pub frees: usize,
    next: Option<NonNull<Bucket>>,
}

/// A sampled block that is not freed yet.
struct Live {
    block: usize,
    bucket: NonNull<Bucket>,
    next: Option<NonNull<Live>>,
}

/// The profile.
pub(crate) struct Sampler {
    tables: Mutex<Tables>,
    walker: AtomicUsize,
    /// Sampled blocks that are live.
    live: AtomicUsize,
}

struct Tables {
    /// Made with the first sample.
    heads: Option<NonNull<Heads>>,
    records: FixAlloc<Live>,
}

struct Heads {
    buckets: [Option<NonNull<Bucket>>; BUCKET_CHAINS],
    live: [Option<NonNull<Live>>; LIVE_CHAINS],
}

// SAFETY: chains without records, in zero bytes.
unsafe impl Zeroed for Heads {
    fn zeroed() -> Self {
        Self { buckets: [None; BUCKET_CHAINS], live: [None; LIVE_CHAINS] }
    }
}

// SAFETY: the records belong to whoever holds the lock.
unsafe impl Send for Tables {}

impl Sampler {
    pub(crate) const fn new() -> Self {
        let tables = Tables { heads: None, records: FixAlloc::new() };
        Self { tables: Mutex::new(tables), walker: AtomicUsize::new(0), live: AtomicUsize::new(0) }
    }

    /// The bare lock, for a fork.
    pub(crate) fn raw_lock(&self) -> &Lock {
        self.tables.raw()
    }
}

impl Tables {
    fn heads(&self) -> Option<&Heads> {
        // SAFETY: placed for ever; the lock is held.
        self.heads.map(|heads| unsafe { heads.as_ref() })
    }

    fn heads_or_new(&mut self, source: &Persistent) -> Option<&'static mut Heads> {
        if self.heads.is_none() {
            self.heads = source.place_mut::<Heads>();
        }
        // SAFETY: placed for ever; the lock is held, and each caller lets go of it before the next comes.
        self.heads.map(|mut heads| unsafe { heads.as_mut() })
    }

    fn live_chain(&mut self, block: usize) -> Option<&mut Option<NonNull<Live>>> {
        // SAFETY: as above.
        self.heads
            .map(|mut heads| unsafe { &mut heads.as_mut().live[mix(block as u64) as usize % LIVE_CHAINS] })
    }

    /// The bucket of a stack and size; made if need be.
    fn bucket(&mut self, stack: &[usize], size: usize, source: &Persistent) -> Option<NonNull<Bucket>> {
        let hash = stack.iter().fold(size as u64, |hash, pc| mix(hash ^ *pc as u64));
        let head = &mut self.heads_or_new(source)?.buckets[hash as usize % BUCKET_CHAINS];
        let mut next = *head;
        while let Some(at) = next {
            // SAFETY: buckets are never freed; the lock is held.
            let bucket = unsafe { at.as_ref() };
            if bucket.size == size && bucket.stack[..bucket.depth] == *stack {
                return Some(at);
            }
            next = bucket.next;
        }
        let at = source.alloc(size_of::<Bucket>(), align_of::<Bucket>())?.cast::<Bucket>();
        let mut kept = [0; FRAMES_MAX];
        kept[..stack.len()].copy_from_slice(stack);
        let next = head.replace(at);
        // SAFETY: fresh memory for a bucket.
        unsafe { at.write(Bucket { stack: kept, depth: stack.len(), size, allocs: 0, frees: 0, next }) };
        Some(at)
    }

    fn add(&mut self, block: usize, stack: &[usize], size: usize, source: &Persistent) -> Option<()> {
        let mut bucket = self.bucket(stack, size, source)?;
        let next = *self.live_chain(block)?;
        let record = self.records.alloc(source, Live { block, bucket, next })?;
        *self.live_chain(block)? = Some(record);
        // SAFETY: the lock is held.
        unsafe { bucket.as_mut() }.allocs += 1;
        Some(())
    }

    fn remove(&mut self, block: usize) -> bool {
        let Some(mut link) = self.live_chain(block) else { return false };
        while let Some(mut at) = *link {
            // SAFETY: records in a chain are live; the lock is held.
            let record = unsafe { at.as_mut() };
            if record.block == block {
                // SAFETY: as above.
                unsafe { record.bucket.as_mut() }.frees += 1;
                *link = record.next;
                // SAFETY: out of its chain.
                unsafe { self.records.free(at) };
                return true;
            }
            link = &mut record.next;
        }
        false
    }

    /// The size that a live block was sampled with.
    fn size_of(&mut self, block: usize) -> Option<usize> {
        let mut next = *self.live_chain(block)?;
        while let Some(at) = next {
            // SAFETY: as in `remove`.
            let record = unsafe { at.as_ref() };
            if record.block == block {
                // SAFETY: as in `remove`.
                return Some(unsafe { record.bucket.as_ref() }.size);
            }
            next = record.next;
        }
        None
    }
}

impl Malloc {
    /// Sets how stacks are walked. The walker may allocate.
    pub fn set_stack_walker(&self, walker: StackWalker) {
        self.sampler.walker.store(walker as usize, Ordering::Relaxed); // Relaxed: a function, nothing behind it.
    }

    /// Mean bytes between samples; nought when the profile is off.
    pub fn profile_rate(&self) -> usize {
        self.options.profile_rate()
    }

    /// Calls `f` with every bucket. The lock is held: `f` must not allocate from here.
    pub fn each_bucket(&self, mut f: impl FnMut(&Bucket)) {
        let tables = self.sampler.tables.lock();
        for head in tables.heads().into_iter().flat_map(|heads| &heads.buckets) {
            let mut next = *head;
            while let Some(at) = next {
                // SAFETY: buckets are never freed; the lock is held.
                let bucket = unsafe { at.as_ref() };
                f(bucket);
                next = bucket.next;
            }
        }
    }

    /// The twin of `malloc`'s fast path that counts: a block of the thread's magazine; `None` when there is none, or when
    /// this allocation is to be sampled. Then nothing was counted.
    ///
    /// # Safety
    /// `size` is at most `SMALL_MAX`.
    #[inline(always)]
    pub(crate) unsafe fn pop_counted(&self, size: usize) -> Option<*mut u8> {
        // SAFETY: the word is in bounds, and this thread's.
        let left = unsafe { words::load(COUNTDOWN) };
        let counts = size + (size == 0) as usize;
        if counts >= left {
            return None;
        }
        // SAFETY: the table is long enough for small sizes.
        let class = unsafe { *CLASS_BY_16.get_unchecked((size + 15) >> 4) } as usize;
        // SAFETY: a small class; the words are this thread's.
        let block = unsafe { pop(&ThreadWords, class) };
        if block.is_null() {
            return None;
        }
        // SAFETY: as above.
        unsafe { words::store(COUNTDOWN, left - counts) };
        Some(block)
    }

    /// Counts an allocation down; whether it is to be sampled.
    fn is_sampled(&self, size: usize) -> bool {
        let counts = size.max(1);
        // SAFETY: all words are in bounds, and this thread's.
        unsafe {
            if words::load(BUSY) != 0 {
                return false;
            }
            let left = match words::load(COUNTDOWN) {
                0 => self.draw(),
                left => left,
            };
            let sampled = counts >= left;
            words::store(COUNTDOWN, if sampled { self.draw() } else { left - counts });
            sampled
        }
    }

    /// A block, in a span of its own when it is sampled.
    pub(crate) fn alloc_counted(&self, size: usize, align: usize) -> *mut u8 {
        if self.is_sampled(size)
            && let Some(block) = self.alloc_large(size, align)
        {
            self.record(block, size);
            return block;
        }
        self.alloc_plain(size, align)
    }

    /// Counts a block that is there already, and samples it when it is its turn.
    #[cold]
    pub(crate) fn sample_in_place(&self, block: *mut u8, size: usize) {
        if self.is_sampled(size) {
            self.record(block, size);
        }
    }

    fn record(&self, block: *mut u8, size: usize) {
        let mut stack = [0; FRAMES_MAX];
        // SAFETY: the word is in bounds, and this thread's.
        unsafe { words::store(BUSY, 1) };
        // Relaxed: set while the library is loaded, by the one thread there is.
        let depth = match self.sampler.walker.load(Ordering::Relaxed) {
            0 => 0,
            walker => {
                // SAFETY: only `set_stack_walker` stores here.
                let walk = unsafe { core::mem::transmute::<usize, StackWalker>(walker) };
                walk(&mut stack)
            }
        };
        // SAFETY: as above.
        unsafe { words::store(BUSY, 0) };
        let added = self.sampler.tables.lock().add(block.addr(), &stack[..depth], size, HEAP.source());
        if added.is_some() {
            self.sampler.live.fetch_add(1, Ordering::Relaxed); // Relaxed: a hint for frees.
        }
    }

    /// Notes that a block is freed, if it was sampled.
    #[cold]
    pub(crate) fn sample_free(&self, block: *mut u8) {
        // Relaxed: the block's own sample was counted before the block was handed out.
        if self.sampler.live.load(Ordering::Relaxed) > 0 && self.sampler.tables.lock().remove(block.addr()) {
            self.sampler.live.fetch_sub(1, Ordering::Relaxed); // Relaxed: a hint.
        }
    }

    /// As [`Malloc::sample_free`] for a block that no size class has, where such blocks alone are sampled.
    #[inline]
    pub(crate) fn sample_free_apart(&self, block: *mut u8) {
        if self.options.sampling() == Sampling::Apart {
            self.sample_free(block);
        }
    }

    /// The size that a block was asked for with, if it is in the profile.
    pub(crate) fn sampled_size(&self, block: *mut u8) -> Option<usize> {
        match self.options.sampling() {
            Sampling::Off => None,
            _ => self.sampler.tables.lock().size_of(block.addr()),
        }
    }

    /// Bytes until the next sample: exponential with the rate as mean, by inversion. A rate of 1 samples everything.
    #[cold]
    fn draw(&self) -> usize {
        let rate = self.options.profile_rate();
        if rate <= 1 {
            return 1;
        }
        // The address of this thread's words tells it from the others.
        let random = mix(words::base().addr() as u64 ^ gort_sys::clock::now_ns().rotate_left(32)) >> 11;
        let uniform = (random as f64 + 1.0) / (1u64 << 53) as f64;
        (-libm::log(uniform) * rate as f64) as usize + 1
    }
}
