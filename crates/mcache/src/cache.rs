//! The record that holds an owner's magazines, and their exchange with the home of each class.
//!
//! ```text
//!     MCache, 33 KiB of address space; pages appear as classes come into use
//!     +---------------------------+
//!     | magazine of class 0 .. 63 |   512 bytes each; class 0's is never used
//!     +---------------------------+
//!     | tops                      |   of medium classes always; of small ones while no thread is bound
//!     | words, link, figures      |
//!     +---------------------------+
//! ```
//!
//! A cache is bound to one thread, and then the tops of its small classes live in the thread's words; or it is idle, warm,
//! in the hands of a pool. Binding and unbinding copy 47 words.
//!
//! # A fork at any moment
//! The child takes over the caches of threads that were stopped anywhere (`gort-malloc`, `fork`). So every step here
//! leaves the magazine in a state in which no block stands twice: tops move down before blocks leave, and up after they
//! have come. What was under way is lost to the child, a batch at most.

use crate::magazine::{SLOTS, ThreadWords, Words, capacity};
use core::cell::{Cell, UnsafeCell};
use core::ptr::{NonNull, null_mut};
use gort_mcentral::batch::BATCH_MAX;
use gort_mcentral::params::batch_len;
use gort_mcentral::{Central, Misuse};
use gort_mheap::Heap;
use gort_mspan::SizeClass;
use gort_mspan::size_class::{CLASSES, SMALL_CLASS_MAX};
use gort_sync::atomic::{Ordering, compiler_fence};
use gort_sys::offheap::Persistent;
use gort_sys::thread;

/// A block that turned out to be no free block of its class.
pub type Fault = (*mut u8, Misuse);

/// Bytes of a cache line.
const LINE: usize = 64;

/// Bytes of fresh blocks in the first refill of a class, where a block is not larger.
const FIRST_BYTES: usize = 1 << 10;
/// From this refill on whole batches come.
const REFILLS_MAX: u8 = 5;

/// Magazines of all classes. Used by its owner only, but for [`MCache::blocks`].
#[repr(C, align(4096))]
pub struct MCache {
    slots: UnsafeCell<[[*mut u8; SLOTS]; CLASSES]>,
    tops: [Cell<*mut *mut u8>; CLASSES],
    /// The words of the thread that the cache is bound to; null when idle.
    words: Cell<*mut usize>,
    /// For the pool: its next idle cache, and the list of all.
    pub next_idle: Cell<Option<NonNull<MCache>>>,
    /// See `next_idle`.
    pub next: Cell<Option<NonNull<MCache>>>,
    /// Refills and overflows so far.
    pub exchanges: Cell<u64>,
    /// Refills of each class so far, as far as that matters.
    refills: [Cell<u8>; CLASSES],
    /// What models watch in the place of slots and tops: whoever touches the magazines writes it.
    #[cfg(loom)]
    touched: gort_sync::cell::UnsafeCell<()>,
}

const _: () = assert!(SMALL_CLASS_MAX.index() < thread::MAGAZINE_WORDS);

impl MCache {
    /// A new, idle cache, for ever; `None` when the OS has no memory.
    pub fn place(source: &Persistent) -> Option<NonNull<MCache>> {
        let at = Self::zeroed(source)?;
        // SAFETY: zero bytes are a valid cache but for its tops, which are set here; nobody else knows it.
        let cache = unsafe { at.as_ref() };
        SizeClass::all().for_each(|class| cache.tops[class.index()].set(cache.base(class)));
        Some(at)
    }

    #[cfg(not(loom))]
    fn zeroed(source: &Persistent) -> Option<NonNull<MCache>> {
        source.alloc(size_of::<MCache>(), align_of::<MCache>()).map(NonNull::cast)
    }

    /// Zero bytes from the heap, never built on a model's small stack; but what loom watches is an object.
    #[cfg(loom)]
    fn zeroed(_: &Persistent) -> Option<NonNull<MCache>> {
        // SAFETY: zero bytes are a valid cache but for the watched cell, which is written here.
        unsafe {
            let at = NonNull::from(Box::leak(Box::<MCache>::new_zeroed())).cast::<MCache>();
            (&raw mut (*at.as_ptr()).touched).write(gort_sync::cell::UnsafeCell::new(()));
            Some(at)
        }
    }

    /// The end of a class's magazine.
    fn end(&self, class: SizeClass) -> *mut *mut u8 {
        self.slots.get().cast::<*mut u8>().wrapping_add((class.index() + 1) * SLOTS)
    }

    /// The lowest slot of a class's magazine.
    fn base(&self, class: SizeClass) -> *mut *mut u8 {
        self.end(class).wrapping_sub(capacity(class))
    }

    /// Idle to bound: the calling thread's words get the tops.
    pub fn bind(&self) {
        for class in SizeClass::all().take_while(|class| class.is_small()) {
            ThreadWords.set_top(class.index(), self.tops[class.index()].get());
        }
        self.words.set(thread::words::base());
    }

    /// Bound to idle: the calling thread, which the cache is bound to, has the words of a new thread then.
    pub fn unbind(&self) {
        self.words.set(null_mut());
        for class in SizeClass::all().take_while(|class| class.is_small()) {
            self.tops[class.index()].set(ThreadWords.top(class.index()));
            ThreadWords.set_top(class.index(), thread::empty_magazine_end());
        }
    }

    /// Bound to idle, on behalf of a thread that is gone. `false` when the cache was idle.
    ///
    /// # Safety
    /// The thread does not run any more (it was lost in a fork), and its words are still readable.
    pub unsafe fn unbind_lost(&self) -> bool {
        let words = self.words.replace(null_mut());
        if words.is_null() {
            return false;
        }
        for class in SizeClass::all().take_while(|class| class.is_small()) {
            // SAFETY: readable by contract.
            let top = unsafe { words.add(class.index()).read() };
            self.tops[class.index()].set(core::ptr::with_exposed_provenance_mut(top));
        }
        true
    }

    /// Whether the cache is bound to the calling thread.
    pub fn is_mine(&self) -> bool {
        self.words.get() == thread::words::base()
    }

    /// Fills an empty magazine from the class's home and takes one block; null when the OS has no memory.
    #[inline]
    pub fn refill(&self, words: &impl Words, class: SizeClass, central: &Central, heap: &Heap) -> *mut u8 {
        let mut batch: [*mut u8; BATCH_MAX] = [null_mut(); BATCH_MAX];
        let n = central.take_some(heap, &mut batch, self.next_refill(class));
        let Some(last) = n.checked_sub(1) else { return null_mut() };
        if class.size() < LINE && n == BATCH_MAX {
            spread(&mut batch, LINE.div_ceil(class.size()));
        }
        let base = self.base(class);
        debug_assert!(words.top(class.index()) == base);
        // SAFETY: the magazine is empty and holds more than a batch.
        unsafe { base.copy_from_nonoverlapping(batch.as_ptr(), last) };
        words.set_top(class.index(), base.wrapping_add(last));
        self.exchanges.set(self.exchanges.get() + 1);
        batch[last]
    }

    /// How many fresh blocks the next refill takes: few at first, since most threads need few, then twice as many each
    /// time. Blocks that are smaller than a cache line come in whole batches, to be spread.
    fn next_refill(&self, class: SizeClass) -> usize {
        let refills = &self.refills[class.index()];
        let seen = refills.get();
        if seen == REFILLS_MAX || class.size() < LINE {
            return batch_len(class);
        }
        refills.set(seen + 1);
        ((FIRST_BYTES / class.size()).max(1) << seen).min(batch_len(class))
    }

    /// Makes room in a full magazine: the older half goes home.
    #[inline]
    pub fn overflow(
        &self,
        words: &impl Words,
        class: SizeClass,
        central: &Central,
        heap: &Heap,
    ) -> Result<(), Fault> {
        let (base, n) = (self.base(class), batch_len(class));
        let held = (words.top(class.index()).addr() - base.addr()) / size_of::<*mut u8>();
        debug_assert!(held >= n);
        let mut batch: [*mut u8; BATCH_MAX] = [null_mut(); BATCH_MAX];
        words.set_top(class.index(), base);
        // SAFETY: the magazine holds at least a batch; the rest moves down inside of it.
        unsafe {
            batch.as_mut_ptr().copy_from_nonoverlapping(base, n);
            base.copy_from(base.add(n), held - n);
        }
        words.set_top(class.index(), base.wrapping_add(held - n));
        self.exchanges.set(self.exchanges.get() + 1);
        central.give(heap, &batch[..n])
    }

    /// Empties all magazines into the spans; the first block that was none.
    pub fn flush(&self, words: &impl Words, centrals: &[Central; CLASSES], heap: &Heap) -> Result<(), Fault> {
        let mut result = Ok(());
        for class in SizeClass::all() {
            result = result.and(if class.is_small() {
                self.flush_class(words, class, &centrals[class.index()], heap)
            } else {
                self.flush_class(self, class, &centrals[class.index()], heap)
            });
        }
        result
    }

    fn flush_class(
        &self,
        words: &impl Words,
        class: SizeClass,
        central: &Central,
        heap: &Heap,
    ) -> Result<(), Fault> {
        let base = self.base(class);
        let mut result = Ok(());
        loop {
            let held = (words.top(class.index()).addr() - base.addr()) / size_of::<*mut u8>();
            let n = held.min(BATCH_MAX);
            if n == 0 {
                return result;
            }
            let mut batch: [*mut u8; BATCH_MAX] = [null_mut(); BATCH_MAX];
            let top = base.wrapping_add(held - n);
            words.set_top(class.index(), top);
            // SAFETY: the uppermost `n` blocks of the magazine, out of it now.
            unsafe { batch.as_mut_ptr().copy_from_nonoverlapping(top, n) };
            result = result.and(central.give_back(heap, &batch[..n]));
        }
    }

    /// How many blocks of a class are in the magazine, from any thread: exact when the owner rests.
    pub fn blocks(&self, class: SizeClass) -> usize {
        let words = self.words.get();
        let top = if class.is_small() && !words.is_null() {
            // SAFETY: the words are readable while the cache is bound, and unbinding comes first when a thread ends.
            unsafe { words.add(class.index()).read_volatile() }
        } else {
            self.tops[class.index()].get().addr()
        };
        top.saturating_sub(self.base(class).addr()) / size_of::<*mut u8>()
    }

    /// Whether `block` waits in the magazine of its class: to tell a double free. For the owner.
    pub fn holds(&self, words: &impl Words, class: SizeClass, block: *mut u8) -> bool {
        let (mut at, top) = (self.base(class), words.top(class.index()));
        while at < top {
            // SAFETY: between base and top are the magazine's blocks.
            if unsafe { *at } == block {
                return true;
            }
            at = at.wrapping_add(1);
        }
        false
    }
}

/// The tops in the record: those of medium classes, and all of an idle cache. The fences keep the compiler from moving a
/// top past a slot or leaving a step out, which a fork would show (see the head); the thread's words, being assembly, need
/// none.
impl Words for MCache {
    fn top(&self, class: usize) -> *mut *mut u8 {
        #[cfg(loom)]
        self.touched.with_mut(|_| ());
        self.tops[class].get()
    }
    fn set_top(&self, class: usize, top: *mut *mut u8) {
        #[cfg(loom)]
        self.touched.with_mut(|_| ());
        compiler_fence(Ordering::SeqCst);
        self.tops[class].set(top);
        compiler_fence(Ordering::SeqCst);
    }
    fn raise(&self, class: usize) {
        self.set_top(class, self.top(class).wrapping_add(1));
    }
    fn lower(&self, class: usize) {
        self.set_top(class, self.top(class).wrapping_sub(1));
    }
}

/// Reorders the blocks of a batch so that two that are handed out one after the other share no cache line: the second may
/// go to another thread, and writing to both would be slow for no visible reason (passive false sharing).
///
/// Blocks are handed out from the end of the batch, where the lowest stands. First every `step`-th, then those below
/// them, and so on: each pass goes through the lines in order, as processors expect of one who fills fresh memory.
///
/// ```text
///     step 2:   1 3 5 ... 29   0 2 4 ... 28      then the next batch: 31 33 ...
/// ```
fn spread(batch: &mut [*mut u8; BATCH_MAX], step: usize) {
    let from = *batch;
    let order = (0..step).rev().flat_map(|first| (first..BATCH_MAX).step_by(step));
    for (slot, next) in batch.iter_mut().rev().zip(order) {
        *slot = from[BATCH_MAX - 1 - next];
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::magazine::{pop, push};

    struct Rig {
        heap: Heap,
        central: Central,
        cache: &'static MCache,
        class: SizeClass,
    }

    fn rig(size: usize) -> Rig {
        let (heap, class) = (Heap::new(), SizeClass::of(size).unwrap());
        // SAFETY: placed for ever.
        let cache = unsafe { MCache::place(heap.source()).unwrap().as_ref() };
        Rig { heap, central: Central::new(class), cache, class }
    }

    impl Rig {
        fn alloc(&self) -> *mut u8 {
            // SAFETY: the cache is the test's own.
            match unsafe { pop(self.cache, self.class.index()) } {
                block if block.is_null() => {
                    self.cache.refill(self.cache, self.class, &self.central, &self.heap)
                }
                block => block,
            }
        }

        fn free(&self, block: *mut u8) -> bool {
            // SAFETY: the cache is the test's own; blocks are of the class.
            if unsafe { push(self.cache, self.class.index(), block) } {
                return true;
            }
            self.cache.overflow(self.cache, self.class, &self.central, &self.heap).unwrap();
            // SAFETY: as above.
            unsafe { push(self.cache, self.class.index(), block) }
        }
    }

    #[test]
    fn blocks_are_distinct_and_come_back() {
        for size in [16, 48, 100, 1024, 4096, 5000, 32768] {
            let rig = rig(size);
            let mut blocks: Vec<*mut u8> = (0..1000).map(|_| rig.alloc()).collect();
            blocks.iter().for_each(|b| assert!(!b.is_null() && b.addr() % 16 == 0));
            assert_eq!(rig.central.figures().out, 1000 + rig.cache.blocks(rig.class));
            assert!(blocks.iter().all(|block| rig.free(*block)));
            let held = rig.cache.blocks(rig.class);
            assert!(held <= capacity(rig.class));
            blocks.sort();
            blocks.dedup();
            assert_eq!(blocks.len(), 1000);
            rig.central.flush(&rig.heap).unwrap();
            assert_eq!(rig.central.figures().out, held, "size {size}");
            rig.cache.flush_class(rig.cache, rig.class, &rig.central, &rig.heap).unwrap();
            assert_eq!((rig.central.figures().out, rig.central.figures().spans), (0, 1), "one span is kept");
        }
    }

    #[test]
    fn a_thread_that_needs_few_blocks_gets_few() {
        for (size, refills) in [(48, vec![30, 30]), (128, vec![8, 16, 30, 30]), (4096, vec![1, 2, 4, 4])] {
            let rig = rig(size);
            let mut out = 0;
            for n in refills {
                let first = rig.alloc();
                assert!(!first.is_null());
                assert_eq!(rig.central.figures().out - out, n, "size {size}");
                out += n;
                (1..n).for_each(|_| assert!(!rig.alloc().is_null()));
            }
        }
    }

    #[test]
    fn the_same_block_twice_in_a_row_is_refused() {
        let rig = rig(64);
        let (a, b) = (rig.alloc(), rig.alloc());
        // SAFETY: the cache is the test's own; the blocks are of the class.
        unsafe {
            assert!(push(rig.cache, rig.class.index(), a));
            assert!(!push(rig.cache, rig.class.index(), a));
            assert!(push(rig.cache, rig.class.index(), b));
        }
        assert!(rig.cache.holds(rig.cache, rig.class, a));
    }

    #[test]
    fn neighbours_of_fresh_batches_share_no_line() {
        for size in [16, 32, 48] {
            let rig = rig(size);
            let blocks: Vec<usize> = (0..2 * BATCH_MAX).map(|_| rig.alloc().addr()).collect();
            assert!(blocks.windows(2).all(|w| w[0].abs_diff(w[1]) >= LINE), "size {size}");
        }
    }

    #[test]
    fn a_bound_cache_uses_the_words_of_its_thread() {
        let rig = rig(80);
        let (cache, class) = (rig.cache, rig.class);
        let block = rig.alloc();
        assert!(rig.free(block));
        let held = cache.blocks(class);
        assert!(!cache.is_mine());
        cache.bind();
        assert!(cache.is_mine());
        // SAFETY: bound to this thread.
        let popped = unsafe { pop(&ThreadWords, class.index()) };
        assert_eq!(popped, block);
        assert_eq!(cache.blocks(class), held - 1);
        // SAFETY: as above.
        assert!(unsafe { push(&ThreadWords, class.index(), popped) });
        cache.unbind();
        assert_eq!(ThreadWords.top(class.index()), thread::empty_magazine_end());
        assert_eq!(cache.blocks(class), held);
    }
}
