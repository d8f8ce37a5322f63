//! Which cache a thread has, and for how long.
//!
//! A thread is bound to a cache at its first slow path, and unbound when it ends, by the destructor of a key of the C
//! library. Its cache goes to the [`Pool`] as it is, warm; the next thread takes it over.
//!
//! Two thread words keep this: the cache, and whether the thread had one and gave it back. Destructors of other keys may
//! run after ours, and allocate and free. Such a thread is not bound again, for nobody tells how many rounds of
//! destructors are left, and a cache that is bound to a thread that is gone would be read through a dangling pointer.
//! Its blocks go straight from and to the spans.

use crate::malloc::{HEAP, Malloc};
use gort_mcache::{MCache, Pool};
use gort_sync::atomic::{AtomicU32, Ordering};
use gort_sys::thread::{ExitKey, MAGAZINE_WORDS, words};

/// The word that holds the thread's cache.
const CACHE: usize = MAGAZINE_WORDS;
/// The word that is set once the thread does without a cache for good.
const UNBOUND: usize = MAGAZINE_WORDS + 1;

/// No key could be made.
const NO_KEY: u32 = u32::MAX;

/// All caches, and the notice that gives them back.
pub(crate) struct Caches {
    pub(crate) pool: Pool,
    key: AtomicU32,
}

impl Caches {
    pub(crate) const fn new() -> Self {
        Self { pool: Pool::new(), key: AtomicU32::new(NO_KEY) }
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
}

impl Malloc {
    /// The calling thread's cache, if it has one.
    #[inline]
    pub(crate) fn cache_if_bound(&self) -> Option<&'static MCache> {
        // SAFETY: in bounds; the word is null or a cache, placed for ever.
        unsafe { core::ptr::with_exposed_provenance::<MCache>(words::load(CACHE)).as_ref() }
    }

    /// The calling thread's cache. A thread that has none yet gets one.
    #[inline]
    pub(crate) fn cache(&self) -> Option<&'static MCache> {
        self.cache_if_bound().or_else(|| self.bind())
    }

    /// Binds the calling thread, unless it was unbound before.
    #[cold]
    fn bind(&self) -> Option<&'static MCache> {
        // SAFETY: in bounds.
        if unsafe { words::load(UNBOUND) } != 0 {
            return None;
        }
        let key = self.caches.key()?;
        let cache = self.caches.pool.take(HEAP.source())?;
        cache.bind();
        let value = core::ptr::from_ref(cache).expose_provenance();
        // SAFETY: in bounds.
        unsafe { words::store(CACHE, value) };
        // Bound first: setting the key may allocate.
        if key.set(value).is_err() {
            // Nobody would take the cache back, so the thread has to do without.
            self.unbind(cache);
            return None;
        }
        Some(cache)
    }

    fn unbind(&self, cache: &'static MCache) {
        cache.unbind();
        // SAFETY: in bounds.
        unsafe {
            words::store(CACHE, 0);
            words::store(UNBOUND, 1);
        }
        self.caches.pool.give(cache);
    }
}

/// The key's destructor, on the ending thread.
unsafe extern "C" fn at_thread_exit(_: *mut core::ffi::c_void) {
    let malloc = &crate::MALLOC;
    if let Some(cache) = malloc.cache_if_bound() {
        malloc.unbind(cache);
    }
}
