//! A lock for one writer or many readers.
//!
//! Follows Go's `sync/rwmutex.go`. The number of readers is a word; a writer makes it negative, so that new readers wait (SY-3), and
//! waits for those that are in. Two semaphores.
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | X1 | `rlock`, `lock` change the words | AcqRel | X2 | what the last writer, or the readers, did |
//! | X2 | `unlock`, `runlock` change them | AcqRel | X1 | the same |
//!
//! Model: `tests/loom_sync.rs`.

use crate::mutex::Mutex;
use crate::sema::Table;
use gort_gmp::WaitReason;
use gort_gmp::timer::NEVER;
use gort_sync::atomic::Ordering::{AcqRel, Relaxed};
use gort_sync::atomic::{AtomicI32, AtomicU32};

/// More readers than there can be.
const READERS_MAX: i32 = 1 << 30;

/// A lock of 24 bytes, free when zero.
#[repr(C)]
pub struct RwMutex {
    writers: Mutex,
    writer_sema: AtomicU32,
    reader_sema: AtomicU32,
    /// Readers in or waiting; less [`READERS_MAX`] while a writer has it or waits.
    readers: AtomicI32,
    /// Readers that the writer waits for.
    leaving: AtomicI32,
}

impl Default for RwMutex {
    fn default() -> Self {
        Self::new()
    }
}

impl RwMutex {
    gort_sync::const_unless_loom! {
        /// A free lock.
        pub fn new() -> Self {
            Self {
                writers: Mutex::new(),
                writer_sema: AtomicU32::new(0),
                reader_sema: AtomicU32::new(0),
                readers: AtomicI32::new(0),
                leaving: AtomicI32::new(0),
            }
        }
    }

    /// Takes it as a reader.
    pub fn rlock_in(&self, table: &Table) {
        // ORD[X1] AcqRel: what the last writer did; to the next one: that we are in.
        if self.readers.fetch_add(1, AcqRel) < -1 {
            table.acquire(&self.reader_sema, false, WaitReason::RwMutexRLock, NEVER);
        }
    }

    /// Takes it as a reader if no writer has it or waits.
    pub fn try_rlock(&self) -> bool {
        let mut readers = self.readers.load(Relaxed); // Relaxed: only compared.
        while readers >= 0 {
            // ORD[X1] AcqRel: as in `rlock_in`.
            match self.readers.compare_exchange(readers, readers + 1, AcqRel, Relaxed) {
                Ok(_) => return true,
                Err(now) => readers = now,
            }
        }
        false
    }

    /// Gives it back as a reader. Ends the program if no reader has it.
    pub fn runlock_in(&self, table: &Table) {
        // ORD[X2] AcqRel: what we did.
        let before = self.readers.fetch_sub(1, AcqRel);
        if before > 0 {
            return;
        }
        if before == 0 || before == -READERS_MAX {
            crate::fatal(format_args!("sync: RUnlock of unlocked RWMutex"));
        }
        // A writer waits for those who were in before it came.
        // ORD[X2] AcqRel: what we did.
        if self.leaving.fetch_sub(1, AcqRel) == 1 {
            table.release(&self.writer_sema, false);
        }
    }

    /// Takes it as the writer.
    pub fn lock_in(&self, table: &Table) {
        self.writers.lock_in(table, NEVER);
        // ORD[X1] AcqRel: from here on readers wait; what those who left did.
        let readers = self.readers.fetch_sub(READERS_MAX, AcqRel);
        // ORD[X1] AcqRel: what those who left meanwhile did.
        if readers != 0 && self.leaving.fetch_add(readers, AcqRel) + readers != 0 {
            table.acquire(&self.writer_sema, false, WaitReason::RwMutexLock, NEVER);
        }
    }

    /// Takes it as the writer if nobody has it.
    pub fn try_lock_in(&self, table: &Table) -> bool {
        if !self.writers.try_lock() {
            return false;
        }
        // ORD[X1] AcqRel: what those who left did. Relaxed: nothing is read then.
        let free = self.readers.compare_exchange(0, -READERS_MAX, AcqRel, Relaxed).is_ok();
        if !free {
            self.writers.unlock_in(table);
        }
        free
    }

    /// Gives it back as the writer: first to the readers that wait, then to writers. Ends the program if no writer has it.
    pub fn unlock_in(&self, table: &Table) {
        // ORD[X2] AcqRel: what we did.
        let readers = self.readers.fetch_add(READERS_MAX, AcqRel) + READERS_MAX;
        if readers >= READERS_MAX {
            crate::fatal(format_args!("sync: Unlock of unlocked RWMutex"));
        }
        (0..readers).for_each(|_| {
            table.release(&self.reader_sema, false);
        });
        self.writers.unlock_in(table);
    }
}

#[cfg(not(loom))]
impl RwMutex {
    /// Takes it as a reader.
    pub fn rlock(&self) {
        self.rlock_in(&crate::sema::TABLE);
    }
    /// Gives it back as a reader.
    pub fn runlock(&self) {
        self.runlock_in(&crate::sema::TABLE);
    }
    /// Takes it as the writer.
    pub fn lock(&self) {
        self.lock_in(&crate::sema::TABLE);
    }
    /// Takes it as the writer if nobody has it.
    pub fn try_lock(&self) -> bool {
        self.try_lock_in(&crate::sema::TABLE)
    }
    /// Gives it back as the writer.
    pub fn unlock(&self) {
        self.unlock_in(&crate::sema::TABLE);
    }
}
