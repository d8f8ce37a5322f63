//! Numbers to hand out and take back, and counts of references: what thunks and closures are kept by.
//!
//! [`Slots`] hands out numbers 0, 1, 2, ...; freed ones first, from a lock-free stack, else the next fresh one, under a lock
//! that also grows the store. [`Slots::publish`] gives a cell a number once, however many threads ask at the same time.
//!
//! # Invariants
//! I1. A number is with one user, or in the stack, or still fresh.
//! I2. The store has a link word for every number that is not fresh; it never loses one.
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | T1 | `publish` exchange of the cell | Release | T2 | what `fill` wrote for the number |
//! | T2 | `publish` load of the cell | Acquire | T1 | the same |
//! | C1 | `Count::down` | Release | C2 | what the holder did with the object |
//! | C2 | `Count::down` fence at nought | Acquire | C1 | the same, before the object is taken apart |
//!
//! Models: `tests/loom_slots.rs`, `tests/loom_count.rs`.

use gort_sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence};
use gort_sync::index_stack::IndexStack;
use gort_sys::lock::Mutex;

/// Where the slots themselves lie.
pub trait Store {
    /// The link word of a number.
    fn link(&self, number: u32) -> &AtomicU32;
    /// Makes room for a fresh number; whether there is room.
    fn grow(&self, number: u32) -> bool;
}

/// Numbers to hand out.
pub struct Slots {
    free: IndexStack,
    fresh: Mutex<u32>,
}

impl Default for Slots {
    fn default() -> Self {
        Self::new()
    }
}

impl Slots {
    gort_sync::const_unless_loom! {
        /// All numbers are fresh.
        pub fn new() -> Self {
            Self { free: IndexStack::new(), fresh: Mutex::new(0) }
        }
    }

    /// A number for the caller alone; `None` when the store cannot grow.
    pub fn take(&self, store: &impl Store) -> Option<u32> {
        self.free.pop(|i| store.link(i)).or_else(|| {
            let mut fresh = self.fresh.lock();
            let number = *fresh;
            store.grow(number).then(|| {
                *fresh += 1;
                number
            })
        })
    }

    /// Takes a number back.
    pub fn give(&self, store: &impl Store, number: u32) {
        self.free.push(number, store.link(number));
    }

    /// How many numbers were ever handed out.
    pub fn high_water(&self) -> u32 {
        *self.fresh.lock()
    }

    /// The number in `cell`, which holds it plus one; if there is none, a new one, for which `fill` has run. Of several
    /// threads that ask at once, one gives the number; the others' go back.
    pub fn publish(&self, store: &impl Store, cell: &AtomicU32, fill: impl FnOnce(u32)) -> Option<u32> {
        // ORD[T2] Acquire: we hand on what `fill` wrote.
        if let Some(number) = cell.load(Ordering::Acquire).checked_sub(1) {
            return Some(number);
        }
        let number = self.take(store)?;
        fill(number);
        // ORD[T1] Release: what `fill` wrote. ORD[T2] Acquire on failure: as above.
        match cell.compare_exchange(0, number + 1, Ordering::Release, Ordering::Acquire) {
            Ok(_) => Some(number),
            Err(other) => {
                self.give(store, number);
                Some(other - 1)
            }
        }
    }
}

/// References to an object; 0 stands for an object that is never freed.
pub struct Count(AtomicUsize);

impl Count {
    /// One reference.
    pub fn new() -> Self {
        Self(AtomicUsize::new(1))
    }

    /// References are not counted.
    pub fn unlimited() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// One more.
    pub fn up(&self) {
        // Relaxed, both: the caller has a reference, so the count is no news; 0 never changes.
        if self.0.load(Ordering::Relaxed) != 0 {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// One less; whether that was the last.
    #[must_use]
    pub fn down(&self) -> bool {
        // Relaxed: 0 never changes.
        if self.0.load(Ordering::Relaxed) == 0 {
            return false;
        }
        // ORD[C1] Release: what this holder did with the object.
        if self.0.fetch_sub(1, Ordering::Release) != 1 {
            return false;
        }
        // ORD[C2] Acquire: what all holders did.
        fence(Ordering::Acquire);
        true
    }
}

impl Default for Count {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    struct Links([AtomicU32; 4]);
    impl Store for Links {
        fn link(&self, number: u32) -> &AtomicU32 {
            &self.0[number as usize]
        }
        fn grow(&self, number: u32) -> bool {
            number < 4
        }
    }

    #[test]
    fn freed_numbers_come_first_and_the_store_has_an_end() {
        let (store, slots) = (Links([const { AtomicU32::new(0) }; 4]), Slots::new());
        let all: Vec<_> = (0..5).map(|_| slots.take(&store)).collect();
        assert_eq!(all, [Some(0), Some(1), Some(2), Some(3), None]);
        slots.give(&store, 2);
        assert_eq!(slots.take(&store), Some(2));
        assert_eq!(slots.high_water(), 4);
    }
}
