//! Where goroutines' stacks come from: slabs of dense slots, each with a guard below and the G record on top.
//!
//! ```text
//!     slot:  | guard | stack, grows down as its pages are touched ............ | G | colour |
//!            low                                                       top = address of the G
//! ```
//!
//! Slots of one size lie side by side in one mapping, so eight neighbours of the usual 256 KiB share a page of page tables, and
//! a million parked goroutines cost a page each and an eighth of another. The *colour* shifts record and stack from slot to
//! slot, by 128 bytes, sixteen in turn: without it the hot words of all goroutines would compete for the same few sets of the
//! cache. Slots are never unmapped; [`Stacks::trim`] gives the memory of dead ones back.
//!
//! Departs from Go, whose stacks start at 2 KiB and are copied when they grow: addresses in a C stack cannot be found and
//! changed. What grows here is memory, up to the slot's size.

use crate::g::{G, GList};
use crate::sched::Sched;
use core::cell::Cell;
use core::ptr::{NonNull, null_mut};
use gort_sys::lock::Mutex;
use gort_sys::offheap::Persistent;
use gort_sys::{Errno, mem, stack_mem};

/// The smallest slot: 16 KiB.
const MIN_SHIFT: u32 = 14;
/// The largest slot: 1 GiB.
const MAX_SHIFT: u32 = 30;
/// Slot sizes: the powers of two between.
const CLASSES: usize = (MAX_SHIFT - MIN_SHIFT + 1) as usize;
/// The class of goroutines that ask for nothing: 256 KiB.
pub(crate) const DEFAULT_CLASS: u32 = 18 - MIN_SHIFT;
/// Address space asked for at a time.
const SLAB_BYTES: usize = 64 << 20;
/// Bytes between the colours of neighbours, and how many there are.
const COLOUR_BYTES: usize = 128;
const COLOURS: usize = 16;

/// Bytes of a slot.
pub(crate) const fn slot_bytes(class: u32) -> usize {
    1 << (class + MIN_SHIFT)
}

/// Bytes of a slot's guard: wide, so that a large frame does not step over it, and small beside the slot.
fn guard_bytes(class: u32) -> usize {
    (slot_bytes(class) / 16).clamp(mem::page_size(), 64 << 10)
}

/// The class whose stacks have at least so many bytes; `None` when there is none.
pub(crate) fn class_for(bytes: usize) -> Option<u32> {
    if bytes == 0 {
        return Some(DEFAULT_CLASS);
    }
    let fits = |class: &u32| {
        slot_bytes(*class) >= guard_bytes(*class) + size_of::<G>() + COLOUR_BYTES * COLOURS + bytes
    };
    (0..CLASSES as u32).find(fits)
}

/// One mapping of slots.
struct Slab {
    base: usize,
    len: usize,
    class: u32,
    next: *mut Slab,
}

/// The room that is left in a class's newest slab, and its dead goroutines.
struct Class {
    next: usize,
    end: usize,
    dead: GList,
    /// Dead ones whose memory was given back.
    cold: GList,
}

/// All stacks of a scheduler.
pub(crate) struct Stacks {
    classes: Mutex<[Class; CLASSES]>,
    /// The newest slab. Under the lock.
    slabs: Cell<*mut Slab>,
}

// SAFETY: lists and slabs belong to whoever holds the lock.
unsafe impl Send for Stacks {}
// SAFETY: as above.
unsafe impl Sync for Stacks {}
// SAFETY: as above.
unsafe impl Send for Class {}

impl Stacks {
    pub(crate) const fn new() -> Self {
        Self {
            classes: Mutex::new(
                [const { Class { next: 0, end: 0, dead: GList::new(), cold: GList::new() } }; CLASSES],
            ),
            slabs: Cell::new(null_mut()),
        }
    }

    /// A dead goroutine, with its stack: one of the pool, or a new one.
    pub(crate) fn take(&self, sched: &'static Sched, class: u32) -> Result<&'static G, Errno> {
        let mut classes = self.classes.lock();
        let pool = &mut classes[class as usize];
        if let Some(g) = pool.dead.pop().or_else(|| pool.cold.pop()) {
            return Ok(g);
        }
        if pool.next == pool.end {
            self.grow(&sched.source, pool, class)?;
        }
        let low = pool.next;
        let guard = guard_bytes(class);
        // SAFETY: inside of our slab, and not handed out yet.
        unsafe { stack_mem::guard(low, guard) }.inspect_err(|_| explain_map_limit())?;
        pool.next += slot_bytes(class);
        drop(classes);
        let at = record_of(low, class);
        // SAFETY: the top of a slot that is ours, aligned.
        unsafe {
            at.write(G::new(sched, low, class, guard as u32));
            Ok(&*at)
        }
    }

    /// Takes several dead goroutines of the usual class; how many there were.
    pub(crate) fn take_dead(&self, into: &GList, n: u32) -> u32 {
        let classes = self.classes.lock();
        let pool = &classes[DEFAULT_CLASS as usize];
        let mut taken = 0;
        while taken < n
            && let Some(g) = pool.dead.pop()
        {
            into.push(g);
            taken += 1;
        }
        taken
    }

    /// Gives `n` dead goroutines of a list back.
    pub(crate) fn give(&self, list: &GList, n: u32) {
        let classes = self.classes.lock();
        for _ in 0..n {
            if let Some(g) = list.pop() {
                classes[g.class as usize].dead.push(g);
            }
        }
    }

    /// Gives one dead goroutine back.
    pub(crate) fn give_one(&self, g: &G) {
        self.classes.lock()[g.class as usize].dead.push(g);
    }

    fn grow(&self, source: &Persistent, pool: &mut Class, class: u32) -> Result<(), Errno> {
        let slot = slot_bytes(class);
        let mut len = SLAB_BYTES.max(slot);
        // Smaller where address space is short.
        let base = loop {
            match stack_mem::map(len) {
                Ok(base) => break base,
                Err(e) if len <= slot => return Err(e),
                Err(_) => len = (len / 8).max(slot),
            }
        };
        let record = source.alloc(size_of::<Slab>(), align_of::<Slab>()).ok_or(Errno::ENOMEM)?.cast::<Slab>();
        let next = self.slabs.get();
        // SAFETY: fresh memory of that size.
        unsafe { record.write(Slab { base, len, class, next }) };
        self.slabs.set(record.as_ptr());
        (pool.next, pool.end) = (base, base + len);
        Ok(())
    }

    /// Calls `f` with every record, alive or dead. Under the lock of the stacks: `f` starts and ends no goroutine.
    pub(crate) fn each(&self, mut f: impl FnMut(&'static G)) {
        let classes = self.classes.lock();
        let mut next = NonNull::new(self.slabs.get());
        while let Some(slab) = next {
            // SAFETY: whole, never freed.
            let slab = unsafe { slab.as_ref() };
            let pool = &classes[slab.class as usize];
            let end = if pool.end == slab.base + slab.len { pool.next } else { slab.base + slab.len };
            for low in (slab.base..end).step_by(slot_bytes(slab.class)) {
                // SAFETY: slots below `end` have been handed out, each with its record.
                f(unsafe { &*record_of(low, slab.class) });
            }
            next = NonNull::new(slab.next);
        }
    }

    /// Gives the memory of up to `n` dead goroutines back, but for the page of the record. For quiet moments; `false` when
    /// nothing is left to do.
    pub(crate) fn trim(&self, n: usize) -> bool {
        let page = mem::page_size();
        for _ in 0..n {
            let classes = self.classes.lock();
            let Some(pool) = classes.iter().find(|pool| pool.dead.len() > 0) else { return false };
            if let Some(g) = pool.dead.pop() {
                let end = g.top() & !(page - 1);
                let start = g.low + g.guard as usize;
                // SAFETY: the stack of a dead goroutine that is in nobody's hands; the record's page stays.
                unsafe { mem::discard(start, end - start) };
                pool.cold.push(g);
            }
        }
        true
    }
}

/// Where the record of a slot is.
fn record_of(low: usize, class: u32) -> *mut G {
    let colour = (low / slot_bytes(class)) % COLOURS;
    let at = low + slot_bytes(class) - colour * COLOUR_BYTES - size_of::<G>();
    core::ptr::with_exposed_provenance_mut(at & !(align_of::<G>() - 1))
}

#[cold]
fn explain_map_limit() {
    gort_sys::io::note(format_args!(
        "no guard for another stack: out of mappings (vm.max_map_count) or of memory"
    ));
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn classes_hold_what_they_are_asked_for() {
        assert_eq!(class_for(0), Some(DEFAULT_CLASS));
        for bytes in [1, 8 << 10, 64 << 10, 200 << 10, 1 << 20, 500 << 20] {
            let class = class_for(bytes).unwrap();
            let usable = slot_bytes(class) - guard_bytes(class) - size_of::<G>() - COLOUR_BYTES * COLOURS;
            assert!(usable >= bytes, "{bytes}");
            assert!(bytes < 16 << 10 || slot_bytes(class) < 4 * bytes, "{bytes}: no more than needed");
        }
        assert_eq!(class_for(1 << 30), None);
    }

    #[test]
    fn slots_are_dense_listed_and_used_again() {
        let sched = Sched::leak();
        let a = sched.stacks.take(sched, DEFAULT_CLASS).unwrap();
        let b = sched.stacks.take(sched, DEFAULT_CLASS).unwrap();
        assert_eq!(b.low - a.low, slot_bytes(DEFAULT_CLASS));
        let mut seen = Vec::new();
        sched.stacks.each(|g| seen.push(g.low));
        assert_eq!(seen, [a.low, b.low]);
        sched.stacks.give_one(a);
        assert!(core::ptr::eq(sched.stacks.take(sched, DEFAULT_CLASS).unwrap(), a));
        sched.stacks.give_one(b);
        assert!(!sched.stacks.trim(2), "one to do, then none");
        assert!(core::ptr::eq(sched.stacks.take(sched, DEFAULT_CLASS).unwrap(), b));
    }
}
