//! Carries the heap over into the child of a fork.
//!
//! Before the fork the forking thread takes every lock of the column, in the order in which they nest; after it, parent and
//! child give them back. So what the locks guard is consistent in the child. The caches of the other threads are not
//! guarded by locks: the child takes them over as they are (`gort_mcache::cache` says why that is sound) and makes them
//! idle.

use crate::MALLOC;
use crate::malloc::HEAP;
use gort_sys::{Errno, fork, lock::Lock};

/// Registers the handlers with the C library.
pub(crate) fn register() -> Result<(), Errno> {
    fork::at_fork(prepare, parent, child)
}

/// Every lock, in the order in which they nest. The registry of caches comes first: its holder calls the homes to flush.
fn locks() -> impl Iterator<Item = &'static Lock> {
    let first = [MALLOC.caches.pool.raw_lock(), MALLOC.checks.raw_lock(), MALLOC.sampler.raw_lock()];
    let homes = MALLOC.centrals.iter().map(|central| central.raw_lock());
    first.into_iter().chain(homes).chain(HEAP.raw_locks()).chain([MALLOC.huge.raw_lock()])
}

extern "C" fn prepare() {
    locks().for_each(Lock::acquire);
}

extern "C" fn parent() {
    // SAFETY: taken by `prepare`. Their order does not matter now.
    locks().for_each(|lock| unsafe { lock.release() });
}

extern "C" fn child() {
    // SAFETY: this thread took them all, and is alone; what they guard is as it left it.
    locks().for_each(|lock| unsafe { lock.reset() });
    // SAFETY: the child of a fork has one thread.
    unsafe { MALLOC.caches.pool.adopt_lost() };
}
