//! Waiting for the end of a goroutine.
//!
//! Go has no such thing. A goroutine that is started joinable has a record here, under its number, until it is joined or
//! detached; the goroutine's own record and stack are free for others as soon as it ends. The records hang in a table of
//! locked shards by number; each is in one chain.

use crate::g::{G, WaitReason};
use crate::waiter::{OPEN, Waiter};
use core::ptr::{NonNull, null, null_mut};
use gort_sys::Errno;
use gort_sys::lock::Mutex;
use gort_sys::offheap::{FixAlloc, Persistent};

/// No goroutine of that number is joinable.
const ESRCH: Errno = Errno(3);

const SHARDS: usize = 64;
const CHAINS: usize = 64;

/// A joinable goroutine, alive or ended.
pub(crate) struct Record {
    id: u64,
    next: *mut Record,
    ended: bool,
    /// Who waits in `join`, or null. One at most.
    waiter: *const Waiter,
}

struct Shard {
    chains: [*mut Record; CHAINS],
    records: FixAlloc<Record>,
}

// SAFETY: records belong to whoever holds the shard's lock.
unsafe impl Send for Shard {}

/// All joinable goroutines.
pub(crate) struct Joins {
    shards: [Mutex<Shard>; SHARDS],
}

impl Joins {
    pub(crate) const fn new() -> Self {
        Self {
            shards: [const { Mutex::new(Shard { chains: [null_mut(); CHAINS], records: FixAlloc::new() }) };
                SHARDS],
        }
    }

    fn shard(&self, id: u64) -> &Mutex<Shard> {
        &self.shards[id as usize % SHARDS]
    }

    /// Makes a goroutine joinable, before it is started.
    pub(crate) fn add(&self, source: &Persistent, g: &G, id: u64) -> Result<(), Errno> {
        let mut shard = self.shard(id).lock();
        let record = Record { id, next: *shard.chain(id), ended: false, waiter: null() };
        let record = shard.records.alloc(source, record).ok_or(Errno::ENOMEM)?;
        *shard.chain(id) = record.as_ptr();
        g.join.set(record.as_ptr());
        Ok(())
    }

    /// Waits for the end of goroutine `id`, until `when` at most.
    pub(crate) fn join(&self, id: u64, when: u64) -> Result<(), Errno> {
        let shard = self.shard(id);
        let waiter = Waiter::new();
        loop {
            let mut locked = shard.lock();
            let record = locked.find(id).ok_or(ESRCH)?;
            // SAFETY: in the table, which is locked.
            let record = unsafe { &mut *record };
            if record.ended {
                locked.remove(id);
                return Ok(());
            }
            if !record.waiter.is_null() {
                return Err(Errno::EINVAL); // Somebody else joins it.
            }
            if gort_sys::clock::now_ns() >= when {
                return Err(Errno::ETIMEDOUT);
            }
            record.waiter = &raw const waiter;
            core::mem::forget(locked);
            let lock = core::ptr::from_ref(shard.raw()).expose_provenance();
            // SAFETY: whoever takes the waiter out of the record readies it, once the lock is dropped.
            if !unsafe { waiter.park_until(WaitReason::Join, when, crate::unlock, lock) } {
                let mut locked = shard.lock();
                if let Some(record) = locked.find(id) {
                    // SAFETY: in the table, which is locked.
                    unsafe { (*record).waiter = null() };
                }
                return Err(Errno::ETIMEDOUT);
            }
        }
    }

    /// Nobody will join goroutine `id`.
    pub(crate) fn detach(&self, id: u64) -> Result<(), Errno> {
        let mut shard = self.shard(id).lock();
        let record = shard.find(id).ok_or(ESRCH)?;
        // SAFETY: in the table, which is locked.
        let (ended, waited) = unsafe { ((*record).ended, !(*record).waiter.is_null()) };
        if waited {
            return Err(Errno::EINVAL);
        }
        if ended {
            shard.remove(id);
        } else {
            // It takes itself out at its end: see `ended`.
            // SAFETY: as above.
            unsafe { (*record).waiter = DETACHED };
        }
        Ok(())
    }
}

/// In the place of a waiter: nobody will come.
const DETACHED: *const Waiter = core::ptr::without_provenance(1);

impl Shard {
    fn chain(&mut self, id: u64) -> &mut *mut Record {
        &mut self.chains[id as usize / SHARDS % CHAINS]
    }

    /// The link that points to the record.
    fn link(&mut self, id: u64) -> Option<*mut *mut Record> {
        let mut link: *mut *mut Record = self.chain(id);
        // SAFETY: links and records of this shard, which is locked.
        unsafe {
            while !(*link).is_null() {
                if (**link).id == id {
                    return Some(link);
                }
                link = &raw mut (**link).next;
            }
        }
        None
    }

    fn find(&mut self, id: u64) -> Option<*mut Record> {
        // SAFETY: as in `link`. A detached one is as good as unknown.
        self.link(id).map(|link| unsafe { *link }).filter(|r| unsafe { (**r).waiter != DETACHED })
    }

    fn remove(&mut self, id: u64) {
        if let Some(link) = self.link(id) {
            // SAFETY: as in `link`; nobody else knows the record.
            unsafe {
                let record = *link;
                *link = (*record).next;
                if let Some(record) = NonNull::new(record) {
                    self.records.free(record);
                }
            }
        }
    }
}

/// A goroutine ends: tells who joins it.
pub(crate) fn ended(g: &G) {
    let record = g.join.replace(null()).cast_mut();
    if record.is_null() {
        return;
    }
    // SAFETY: a record of a goroutine that has not ended stays; its number does not change.
    let id = unsafe { (*record).id };
    let mut shard = g.sched.joins.shard(id).lock();
    // SAFETY: in the table, which is locked.
    let waiter = unsafe {
        (*record).ended = true;
        core::mem::replace(&mut (*record).waiter, null())
    };
    if waiter == DETACHED {
        return shard.remove(id);
    }
    // SAFETY: the waiter stays while it is in the record. A claim that fails leaves it to its deadline.
    let wakes = !waiter.is_null() && unsafe { (*waiter).claim(OPEN + 1) };
    drop(shard);
    if wakes {
        // SAFETY: claimed.
        unsafe { Waiter::ready(waiter) };
    }
}
