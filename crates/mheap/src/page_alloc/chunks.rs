//! The bits of all chunks, in groups that are placed as the window grows.
//!
//! Follows the two levels of Go's `chunks` array. A group is 16 chunks, 2 KiB of bits for 64 MiB of pages, so an address
//! space limit is not eaten up by tables.

use super::bits::Chunk;
use core::ops::{Index, IndexMut, Range};
use core::ptr::{NonNull, null_mut};
use gort_sync::Zeroed;
use gort_sys::offheap::{Persistent, SparseTable};

/// Chunks of a group.
const GROUP: usize = 16;

#[expect(dead_code, reason = "read through a pointer to its first chunk")]
struct Group([Chunk; GROUP]);

/// A group, or none.
struct Slot(*mut Group);

// SAFETY: plain integers; zero is chunks whose pages are free and not scavenged.
unsafe impl Zeroed for Group {
    fn zeroed() -> Self {
        Self(core::array::from_fn(|_| Chunk::default()))
    }
}

// SAFETY: zero is the null pointer.
unsafe impl Zeroed for Slot {
    fn zeroed() -> Self {
        Self(null_mut())
    }
}

// SAFETY: the groups belong to the table, which is plain data in its owner's hands.
unsafe impl Send for Slot {}

/// Chunks by number. Only those that were made ready may be asked for.
pub(super) struct Chunks(SparseTable<Slot>);

impl Chunks {
    /// Room for `chunks` chunks; `None` when there is no address space.
    pub(super) fn new(chunks: usize) -> Option<Self> {
        SparseTable::reserve(chunks.div_ceil(GROUP)).ok().map(Self)
    }

    /// Makes chunks usable, all of their bits clear if they are new.
    pub(super) fn make_ready(&mut self, chunks: Range<usize>, source: &Persistent) -> Option<()> {
        let groups = chunks.start / GROUP..chunks.end.div_ceil(GROUP);
        self.0.make_ready(groups.clone()).ok()?;
        for group in groups {
            if self.0[group].0.is_null() {
                self.0[group].0 = source.place_mut::<Group>()?.as_ptr();
            }
        }
        Some(())
    }

    fn at(&self, chunk: usize) -> NonNull<Chunk> {
        match NonNull::new(self.0[chunk / GROUP].0) {
            // SAFETY: inside of the group.
            Some(group) => unsafe { group.cast::<Chunk>().add(chunk % GROUP) },
            None => gort_sys::io::throw("page allocator: no such chunk"),
        }
    }
}

impl Index<usize> for Chunks {
    type Output = Chunk;
    #[inline]
    fn index(&self, chunk: usize) -> &Chunk {
        // SAFETY: placed for ever, borrowed with the table.
        unsafe { self.at(chunk).as_ref() }
    }
}

impl IndexMut<usize> for Chunks {
    #[inline]
    fn index_mut(&mut self, chunk: usize) -> &mut Chunk {
        // SAFETY: placed for ever, borrowed exclusively with the table.
        unsafe { self.at(chunk).as_mut() }
    }
}
