//! Picks allocations for the heap profile.
//!
//! Follows Go's `mprof.go`: an allocation is sampled when a countdown of bytes, drawn anew from an exponential distribution
//! with mean `GORT_PROFILE_RATE`, runs out; samples with the same stack share a bucket that counts what was allocated and
//! what was freed. Sampling switches the fast paths off, so without it they pay nothing.
//!
//! How a stack is walked is the facade's business ([`Malloc::set_stack_walker`]); without a walker all samples share one
//! bucket. Records are off-heap, and found by hash; buckets are never freed.

use crate::malloc::Malloc;
use core::ptr::NonNull;
use gort_sync::atomic::{AtomicUsize, Ordering};
use gort_sys::lock::{Lock, Mutex};
use gort_sys::offheap::{FixAlloc, Persistent};
use gort_sys::rand::mix;
use gort_sys::thread::{MAGAZINE_WORDS, words};

/// The deepest stack that is kept.
pub const FRAMES_MAX: usize = 64;
/// Heads of hash chains.
const CHAINS: usize = 4096;
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
    buckets: [Option<NonNull<Bucket>>; CHAINS],
    live: [Option<NonNull<Live>>; CHAINS],
    records: FixAlloc<Live>,
}

// SAFETY: the records belong to whoever holds the lock.
unsafe impl Send for Tables {}

impl Sampler {
    pub(crate) const fn new() -> Self {
        let tables = Tables { buckets: [None; CHAINS], live: [None; CHAINS], records: FixAlloc::new() };
        Self { tables: Mutex::new(tables), walker: AtomicUsize::new(0), live: AtomicUsize::new(0) }
    }

    /// The bare lock, for a fork.
    pub(crate) fn raw_lock(&self) -> &Lock {
        self.tables.raw()
    }
}

fn chain(key: u64) -> usize {
    mix(key) as usize % CHAINS
}

impl Tables {
    /// The bucket of a stack and size; made if need be.
    fn bucket(&mut self, stack: &[usize], size: usize, source: &Persistent) -> Option<NonNull<Bucket>> {
        let hash = stack.iter().fold(size as u64, |hash, pc| mix(hash ^ *pc as u64));
        let mut next = self.buckets[chain(hash)];
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
        let next = self.buckets[chain(hash)].replace(at);
        // SAFETY: fresh memory for a bucket.
        unsafe { at.write(Bucket { stack: kept, depth: stack.len(), size, allocs: 0, frees: 0, next }) };
        Some(at)
    }

    fn add(&mut self, block: usize, stack: &[usize], size: usize, source: &Persistent) -> Option<()> {
        let mut bucket = self.bucket(stack, size, source)?;
        let head = &mut self.live[chain(block as u64)];
        let record = self.records.alloc(source, Live { block, bucket, next: *head })?;
        *head = Some(record);
        // SAFETY: the lock is held.
        unsafe { bucket.as_mut() }.allocs += 1;
        Some(())
    }

    fn remove(&mut self, block: usize) -> bool {
        let mut link = &mut self.live[chain(block as u64)];
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
        for head in &tables.buckets {
            let mut next = *head;
            while let Some(at) = next {
                // SAFETY: buckets are never freed; the lock is held.
                let bucket = unsafe { at.as_ref() };
                f(bucket);
                next = bucket.next;
            }
        }
    }

    /// Counts an allocation down, and samples it when it is its turn.
    #[cold]
    pub(crate) fn sample_alloc(&self, block: *mut u8, size: usize) {
        // SAFETY: all words are in bounds, and this thread's.
        unsafe {
            if words::load(BUSY) != 0 {
                return;
            }
            let left = match words::load(COUNTDOWN) {
                0 => self.draw(block.addr()),
                left => left,
            };
            if size < left {
                return words::store(COUNTDOWN, left - size);
            }
            words::store(COUNTDOWN, self.draw(block.addr() ^ left));
            words::store(BUSY, 1);
            self.record(block, size);
            words::store(BUSY, 0);
        }
    }

    fn record(&self, block: *mut u8, size: usize) {
        let mut stack = [0; FRAMES_MAX];
        // Relaxed: set while the library is loaded, by the one thread there is.
        let depth = match self.sampler.walker.load(Ordering::Relaxed) {
            0 => 0,
            walker => {
                // SAFETY: only `set_stack_walker` stores here.
                let walk = unsafe { core::mem::transmute::<usize, StackWalker>(walker) };
                walk(&mut stack)
            }
        };
        let added = self.sampler.tables.lock().add(block.addr(), &stack[..depth], size, self.heap.source());
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

    /// Bytes until the next sample: exponential with the rate as mean, by inversion.
    fn draw(&self, salt: usize) -> usize {
        let random = mix(salt as u64 ^ gort_sys::clock::now_ns()) >> 11;
        let uniform = (random as f64 + 1.0) / (1u64 << 53) as f64;
        (-libm::log(uniform) * self.options.profile_rate() as f64) as usize + 1
    }
}
