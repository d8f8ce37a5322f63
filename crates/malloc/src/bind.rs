//! Which cache a thread has, and for how long.
//!
//! A thread is bound to a cache at its first slow path, and unbound when it ends, by the destructor of a key of the C
//! library. Its cache goes to the pool as it is, warm; the next thread takes it over. So ten thousand threads one after
//! the other use one cache.
//!
//! Two thread words keep this: the cache, and how often the thread was unbound. Destructors of other keys may run after
//! ours and allocate; then the thread is bound once more, and our destructor runs in the next round, as often as the C
//! library repeats them. A thread that has used up its rounds, and one that only frees after it was unbound, has no
//! cache: its blocks go straight from and to the spans.

use crate::malloc::Malloc;
use core::cell::Cell;
use core::ptr::NonNull;
use gort_mcache::MCache;
use gort_mcache::cache::Fault;
use gort_mcentral::Central;
use gort_mheap::Heap;
use gort_mspan::size_class::CLASSES;
use gort_sync::atomic::{AtomicU32, Ordering};
use gort_sys::lock::{Lock, Mutex};
use gort_sys::offheap::Persistent;
use gort_sys::thread::{EXIT_ROUNDS, ExitKey, MAGAZINE_WORDS, words};

/// The word that holds the thread's cache.
const CACHE: usize = MAGAZINE_WORDS;
/// The word that counts how often the thread was unbound.
const UNBOUND: usize = MAGAZINE_WORDS + 1;

/// No key could be made.
const NO_KEY: u32 = u32::MAX;

/// All caches, and those without a thread.
pub(crate) struct Caches {
    lists: Mutex<Lists>,
    key: AtomicU32,
}

struct Lists {
    all: Option<NonNull<MCache>>,
    idle: Option<NonNull<MCache>>,
}

// SAFETY: an idle cache belongs to whoever holds the lock; of the others only the list's link is touched.
unsafe impl Send for Lists {}

impl Caches {
    pub(crate) const fn new() -> Self {
        Self { lists: Mutex::new(Lists { all: None, idle: None }), key: AtomicU32::new(NO_KEY) }
    }

    /// Makes the key. Without it no thread is bound.
    pub(crate) fn start(&self) {
        if let Ok(key) = ExitKey::new(at_thread_exit) {
            self.key.store(key.to_raw(), Ordering::Relaxed); // Relaxed: published by the start of `Malloc`.
        }
    }

    fn key(&self) -> Option<ExitKey> {
        let raw = self.key.load(Ordering::Relaxed); // Relaxed: set once, see `start`.
        // SAFETY: from `to_raw`; keys are never deleted.
        (raw != NO_KEY).then(|| unsafe { ExitKey::from_raw(raw) })
    }

    /// An idle cache, or a new one.
    fn take(&self, source: &Persistent) -> Option<&'static MCache> {
        let mut lists = self.lists.lock();
        let cache = match lists.idle {
            Some(cache) => {
                // SAFETY: caches are placed for ever.
                lists.idle = unsafe { cache.as_ref() }.next_idle.take();
                cache
            }
            None => {
                let cache = MCache::place(source)?;
                // SAFETY: as above.
                unsafe { cache.as_ref() }.next.set(lists.all.replace(cache));
                cache
            }
        };
        // SAFETY: as above.
        Some(unsafe { cache.as_ref() })
    }

    fn give(&self, cache: &'static MCache) {
        let mut lists = self.lists.lock();
        cache.next_idle.set(lists.idle.replace(NonNull::from(cache)));
    }

    /// Empties the caches that have no thread.
    pub(crate) fn flush_idle(&self, centrals: &[Central; CLASSES], heap: &Heap) -> Result<(), Fault> {
        let lists = self.lists.lock();
        let mut result = Ok(());
        each(
            lists.idle,
            |cache| &cache.next_idle,
            |cache| result = result.and(cache.flush(cache, centrals, heap)),
        );
        result
    }

    /// Calls `f` with every cache, bound or idle.
    pub(crate) fn each(&self, f: impl FnMut(&'static MCache)) {
        let lists = self.lists.lock();
        each(lists.all, |cache| &cache.next, f);
    }

    /// The bare lock, for a fork.
    pub(crate) fn raw_lock(&self) -> &Lock {
        self.lists.raw()
    }

    /// In the child of a fork: the caches of all threads but this one become idle.
    ///
    /// # Safety
    /// The calling thread is the only one.
    pub(crate) unsafe fn adopt_lost(&self) {
        let mut lists = self.lists.lock();
        let mut idle = lists.idle;
        each(
            lists.all,
            |cache| &cache.next,
            |cache| {
                // SAFETY: its thread is gone; the C library keeps the stacks of lost threads, where the words are.
                if !cache.is_mine() && unsafe { cache.unbind_lost() } {
                    cache.next_idle.set(idle.replace(NonNull::from(cache)));
                }
            },
        );
        lists.idle = idle;
    }
}

/// Walks a list of caches.
fn each(
    first: Option<NonNull<MCache>>,
    link: impl Fn(&'static MCache) -> &'static Cell<Option<NonNull<MCache>>>,
    mut f: impl FnMut(&'static MCache),
) {
    let mut next = first;
    while let Some(cache) = next {
        // SAFETY: caches are placed for ever.
        let cache = unsafe { cache.as_ref() };
        next = link(cache).get();
        f(cache);
    }
}

impl Malloc {
    /// The calling thread's cache, if it has one.
    #[inline]
    pub(crate) fn cache_if_bound(&self) -> Option<&'static MCache> {
        // SAFETY: in bounds; the word is null or a cache, placed for ever.
        unsafe { core::ptr::with_exposed_provenance::<MCache>(words::load(CACHE)).as_ref() }
    }

    /// The calling thread's cache, for an allocation.
    #[inline]
    pub(crate) fn cache_to_alloc(&self) -> Option<&'static MCache> {
        self.cache_if_bound().or_else(|| self.bind(EXIT_ROUNDS - 1))
    }

    /// The calling thread's cache, for a free.
    #[inline]
    pub(crate) fn cache_to_free(&self) -> Option<&'static MCache> {
        self.cache_if_bound().or_else(|| self.bind(0))
    }

    /// Binds the calling thread, if it was unbound `rounds` times at most.
    #[cold]
    fn bind(&self, rounds: usize) -> Option<&'static MCache> {
        // SAFETY: in bounds.
        if unsafe { words::load(UNBOUND) } > rounds {
            return None;
        }
        let key = self.caches.key()?;
        let cache = self.caches.take(self.heap.source())?;
        cache.bind();
        let value = core::ptr::from_ref(cache).expose_provenance();
        // SAFETY: in bounds.
        unsafe { words::store(CACHE, value) };
        // Bound first: setting the key may allocate.
        if key.set(value).is_err() {
            // SAFETY: in bounds. Nobody would take the cache back, so the thread has to do without.
            unsafe { words::store(UNBOUND, EXIT_ROUNDS) };
            self.unbind(cache);
            return None;
        }
        Some(cache)
    }

    fn unbind(&self, cache: &'static MCache) {
        cache.unbind();
        // SAFETY: in bounds.
        unsafe { words::store(CACHE, 0) };
        self.caches.give(cache);
    }
}

/// The key's destructor, on the ending thread.
unsafe extern "C" fn at_thread_exit(_: *mut core::ffi::c_void) {
    let malloc = &crate::MALLOC;
    if let Some(cache) = malloc.cache_if_bound() {
        // SAFETY: in bounds.
        unsafe { words::add::<1>(UNBOUND) };
        malloc.unbind(cache);
    }
}
