//! All caches there are, and those without an owner.
//!
//! An owner that ends gives its cache here as it is, warm; the next one takes it over. So ten thousand threads one after the
//! other use one cache. When memory is short, the caches without an owner are emptied here.
//!
//! # Invariants
//! I1. A cache is in the list of all from its first owner on, for ever.
//! I2. A cache is among the idle ones at most once, and then it is nobody's but the lock holder's.
//!
//! The lock also orders what one owner did to its cache before what the next one does. Its holder calls the homes of
//! blocks (`gort-mcentral`) and the heap, never the other way around. Model: `tests/loom_pool.rs`.

use crate::cache::{Fault, MCache};
use core::cell::Cell;
use core::ptr::NonNull;
use gort_mcentral::Central;
use gort_mheap::Heap;
use gort_mspan::size_class::CLASSES;
use gort_sys::lock::Mutex;
use gort_sys::offheap::Persistent;

/// The caches of all owners, past and present.
pub struct Pool {
    lists: Mutex<Lists>,
}

struct Lists {
    all: Option<NonNull<MCache>>,
    idle: Option<NonNull<MCache>>,
}

// SAFETY: an idle cache belongs to whoever holds the lock; of the others only the list's link is touched.
unsafe impl Send for Lists {}

impl Default for Pool {
    fn default() -> Self {
        Self::new()
    }
}

impl Pool {
    gort_sync::const_unless_loom! {
        /// A pool without caches.
        pub fn new() -> Self {
            Self { lists: Mutex::new(Lists { all: None, idle: None }) }
        }
    }

    /// An idle cache, or a new one, for the caller to own; `None` when the OS has no memory.
    pub fn take(&self, source: &Persistent) -> Option<&'static MCache> {
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

    /// Makes a cache idle. It came from [`Pool::take`], and its owner gives it up.
    pub fn give(&self, cache: &'static MCache) {
        let mut lists = self.lists.lock();
        cache.next_idle.set(lists.idle.replace(NonNull::from(cache)));
    }

    /// Empties the caches that have no owner; the first block that was none.
    pub fn flush_idle(&self, centrals: &[Central; CLASSES], heap: &Heap) -> Result<(), Fault> {
        let lists = self.lists.lock();
        let mut result = Ok(());
        each(
            lists.idle,
            |cache| &cache.next_idle,
            |cache| result = result.and(cache.flush(cache, centrals, heap)),
        );
        result
    }

    /// Calls `f` with every cache, owned or idle.
    pub fn each(&self, f: impl FnMut(&'static MCache)) {
        let lists = self.lists.lock();
        each(lists.all, |cache| &cache.next, f);
    }

    /// The bare lock, for a fork.
    #[cfg(not(loom))]
    pub fn raw_lock(&self) -> &gort_sys::lock::Lock {
        self.lists.raw()
    }

    /// In the child of a fork: the caches of all threads but this one become idle.
    ///
    /// # Safety
    /// The calling thread is the only one.
    #[cfg(not(loom))]
    pub unsafe fn adopt_lost(&self) {
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

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_cache_given_last_is_taken_first_and_none_is_lost() {
        let (pool, source) = (Pool::new(), Persistent::new());
        let (a, b) = (pool.take(&source).unwrap(), pool.take(&source).unwrap());
        pool.give(a);
        pool.give(b);
        let again = [pool.take(&source).unwrap(), pool.take(&source).unwrap(), pool.take(&source).unwrap()];
        assert!(core::ptr::eq(again[0], b) && core::ptr::eq(again[1], a));
        let mut all = Vec::new();
        pool.each(|cache| all.push(core::ptr::from_ref(cache)));
        assert_eq!(all, [again[2], b, a].map(core::ptr::from_ref));
    }
}
