//! Blocks with a mapping of their own: more than 32 MiB, or large and grown by `realloc`.
//!
//! The kernel moves page tables instead of bytes when such a block grows (`mremap`), and has the memory back the moment it
//! is freed. A table from address to length, open addressing with linear probing, remembers them; it lives in a mapping
//! that doubles.
//!
//! # Invariants
//! I1. Every entry is reachable from its home slot without crossing an empty one.
//! I2. At most half of the slots are in use.

use crate::malloc::{HEAP, Malloc};
use crate::misuse::{self, Fault};
use core::ptr::with_exposed_provenance_mut;
use gort_mheap::Lookup;
use gort_sys::lock::{Lock, Mutex};
use gort_sys::{mem, rand};

/// One block.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry {
    /// Nought: empty.
    addr: usize,
    len: usize,
}

/// Lengths by address.
pub(crate) struct HugeTable(Mutex<Slots>);

struct Slots {
    at: usize,
    /// Nought, or a power of two.
    slots: usize,
    used: usize,
    bytes: usize,
    peak: usize,
}

impl HugeTable {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Slots { at: 0, slots: 0, used: 0, bytes: 0, peak: 0 }))
    }

    /// Bytes of the block that starts at `addr`.
    pub(crate) fn len_of(&self, addr: usize) -> Option<usize> {
        self.0.lock().get(addr).map(|entry| entry.len)
    }

    /// The start of the block that holds `addr`: for messages, so it may take its time.
    fn block_around(&self, addr: usize) -> Option<usize> {
        let slots = self.0.lock();
        slots.all().iter().find(|e| e.addr != 0 && addr.wrapping_sub(e.addr) < e.len).map(|e| e.addr)
    }

    /// Notes a block. `false` when there is no memory for that.
    fn insert(&self, addr: usize, len: usize) -> bool {
        self.0.lock().insert(Entry { addr, len })
    }

    fn remove(&self, addr: usize) -> Option<usize> {
        self.0.lock().remove(addr).map(|entry| entry.len)
    }

    /// Blocks, bytes, and the most bytes that there were.
    pub(crate) fn figures(&self) -> (usize, usize, usize) {
        let slots = self.0.lock();
        (slots.used, slots.bytes, slots.peak)
    }

    /// The bare lock, for a fork.
    pub(crate) fn raw_lock(&self) -> &Lock {
        self.0.raw()
    }
}

impl Slots {
    fn all(&self) -> &[Entry] {
        if self.slots == 0 {
            return &[];
        }
        // SAFETY: a mapping of so many entries, ours; zero bytes are empty entries.
        unsafe { core::slice::from_raw_parts(with_exposed_provenance_mut::<Entry>(self.at), self.slots) }
    }

    fn all_mut(&mut self) -> &mut [Entry] {
        if self.slots == 0 {
            return &mut [];
        }
        // SAFETY: as above.
        unsafe { core::slice::from_raw_parts_mut(with_exposed_provenance_mut::<Entry>(self.at), self.slots) }
    }

    fn home(&self, addr: usize) -> usize {
        rand::mix(addr as u64) as usize & (self.slots - 1)
    }

    /// The slot of `addr`, or the empty one where it would go.
    fn slot(&self, addr: usize) -> usize {
        let mut at = self.home(addr);
        while self.all()[at].addr != addr && self.all()[at].addr != 0 {
            at = (at + 1) & (self.slots - 1);
        }
        at
    }

    fn get(&self, addr: usize) -> Option<Entry> {
        if self.slots == 0 || addr == 0 {
            return None;
        }
        Some(self.all()[self.slot(addr)]).filter(|entry| entry.addr == addr)
    }

    fn insert(&mut self, entry: Entry) -> bool {
        if (self.used + 1) * 2 > self.slots && !self.grow() {
            return false;
        }
        let at = self.slot(entry.addr);
        self.all_mut()[at] = entry;
        self.used += 1;
        self.bytes += entry.len;
        self.peak = self.peak.max(self.bytes);
        true
    }

    fn remove(&mut self, addr: usize) -> Option<Entry> {
        let entry = self.get(addr)?;
        let mask = self.slots - 1;
        let mut hole = self.slot(addr);
        let mut at = hole;
        // Move entries back over the hole as long as that brings them no further than their home (I1).
        loop {
            at = (at + 1) & mask;
            let next = self.all()[at];
            if next.addr == 0 {
                break;
            }
            if (at.wrapping_sub(self.home(next.addr)) & mask) >= (at.wrapping_sub(hole) & mask) {
                self.all_mut()[hole] = next;
                hole = at;
            }
        }
        self.all_mut()[hole] = Entry { addr: 0, len: 0 };
        self.used -= 1;
        self.bytes -= entry.len;
        Some(entry)
    }

    fn grow(&mut self) -> bool {
        let slots = (self.slots * 2).max(mem::page_size() / size_of::<Entry>());
        let Ok(at) = mem::map(slots * size_of::<Entry>()) else { return false };
        let old = core::mem::replace(self, Self { at, slots, used: 0, bytes: 0, peak: self.peak });
        old.all().iter().filter(|entry| entry.addr != 0).for_each(|entry| {
            self.insert(*entry);
        });
        if old.slots != 0 {
            // SAFETY: the old table, which nobody uses any more.
            unsafe { mem::unmap(old.at, old.slots * size_of::<Entry>()) };
        }
        true
    }
}

impl Malloc {
    /// A block with a mapping of its own.
    #[cold]
    pub(crate) fn alloc_huge(&self, size: usize, align: usize) -> Option<*mut u8> {
        if size > isize::MAX as usize {
            return None;
        }
        let len = mem::round_to_pages(size.max(1))?;
        let at = mem::map_aligned(len, align).ok()?;
        self.adopt_huge(at, len, 0)
    }

    /// Notes a fresh mapping, and `front` bytes of guard below it, as a block.
    pub(crate) fn adopt_huge(&self, at: usize, len: usize, front: usize) -> Option<*mut u8> {
        if !self.huge.insert(at, len) {
            // SAFETY: the caller's fresh mapping.
            unsafe { mem::unmap(at - front, len + front) };
            return None;
        }
        HEAP.note_outside_taken(len);
        Some(with_exposed_provenance_mut(at))
    }

    /// Takes back a block that lies in no span of malloc's: a huge one, or none at all.
    #[cold]
    pub(crate) fn free_huge(&self, block: *mut u8, call: &'static str) {
        match self.huge.remove(block.addr()) {
            Some(len) => {
                HEAP.note_outside_given(len);
                let front = if self.options.check() >= 3 { mem::page_size() } else { 0 };
                // SAFETY: the block's mapping and its guard, whose user gives it up.
                unsafe { mem::unmap(block.addr() - front, len + front) };
            }
            None => misuse::stop(call, block, self.fault_of_foreign(block)),
        }
    }

    /// Grows or shrinks a huge block; the kernel may move it.
    pub(crate) fn resize_huge(&self, block: *mut u8, old: usize, size: usize) -> Option<*mut u8> {
        let len = mem::round_to_pages(size)?;
        if len == old {
            return Some(block);
        }
        // Locked throughout: the old address may be another block's the moment that it is free.
        let mut slots = self.huge.0.lock();
        // SAFETY: the block's whole mapping, its user's to move.
        let at = unsafe { mem::remap(block.addr(), old, len, true) }.ok()?;
        HEAP.note_outside_given(old);
        HEAP.note_outside_taken(len);
        slots.remove(block.addr());
        // One was just removed, so the table need not grow.
        slots.insert(Entry { addr: at, len });
        Some(with_exposed_provenance_mut(at))
    }

    /// What is wrong with an address that is in no span in use and is no huge block.
    pub(crate) fn fault_of_foreign(&self, block: *const u8) -> Fault {
        if HEAP.lookup(block.addr()) == Lookup::Freed {
            return Fault::DoubleFree;
        }
        match self.huge.block_around(block.addr()) {
            Some(start) => Fault::Interior(start),
            None if !block.addr().is_multiple_of(16) => Fault::Misaligned,
            None => Fault::Foreign,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_a_map_under_random_inserts_and_removes() {
        let table = HugeTable::new();
        let mut model = std::collections::BTreeMap::new();
        let mut state = 9;
        for _ in 0..20_000 {
            state = rand::mix(state);
            let addr = (1 + state as usize % 700) << 12;
            if state >> 60 < 9 && !model.contains_key(&addr) {
                assert!(table.insert(addr, addr + 1));
                model.insert(addr, addr + 1);
            } else {
                assert_eq!(table.remove(addr), model.remove(&addr));
            }
            assert_eq!(table.len_of(addr), model.get(&addr).copied());
        }
        let (blocks, bytes, _) = table.figures();
        assert_eq!((blocks, bytes), (model.len(), model.values().sum()));
        assert!(model.iter().all(|(addr, len)| table.len_of(*addr) == Some(*len)));
    }
}
