//! Segregated fit as an allocator of its own.
//!
//! The third of the three general strategies (bump and free list are in `gort-mheap`), and the one that malloc is
//! built on: blocks of one size share a slab, so that allocation is finding a set bit and no block needs a header.
//! This one manages offsets of a range, safely and on one thread; the runtime's spans do the same with caches before
//! it. Wilson et al., "Dynamic Storage Allocation: A Survey and Critical Review" (1995), section 3.6, is the classic
//! description.
//!
//! | wins | loses |
//! |---|---|
//! | constant time, no search, no header; free blocks need no coalescing | rounding to classes (5 % here, on the mean); a slab whose blocks are all free but one stays |

use crate::free_bits::FreeBits;
use crate::size_class::{CLASSES, PAGE_SIZE, SizeClass};

/// Bytes of a slab.
pub const SLAB: usize = 8 * PAGE_SIZE;

/// An allocator of offsets in a range of `SLABS` slabs, for requests of up to 4,096 bytes.
///
/// ```
/// use gort_mspan::strategy::SegregatedFit;
///
/// let mut range = SegregatedFit::<4>::new();
/// let a = range.alloc(100).unwrap();
/// let b = range.alloc(100).unwrap();
/// assert_eq!(b - a, 112); // the class of 100
/// range.free(a).unwrap();
/// assert_eq!(range.alloc(97), Some(a));
/// ```
pub struct SegregatedFit<const SLABS: usize> {
    slabs: [Slab; SLABS],
    /// A slab of each class that may have a free block.
    current: [usize; CLASSES],
}

struct Slab {
    class: SizeClass,
    free: usize,
    bits: FreeBits,
}

/// What is wrong with a freed offset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FreeError {
    /// No block starts there.
    NotABlock,
    /// The block is free already.
    DoubleFree,
}

impl<const SLABS: usize> Default for SegregatedFit<SLABS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const SLABS: usize> SegregatedFit<SLABS> {
    /// An allocator whose whole range is free.
    pub const fn new() -> Self {
        Self {
            slabs: [const { Slab { class: SizeClass::NONE, free: 0, bits: FreeBits::EMPTY } }; SLABS],
            current: [0; CLASSES],
        }
    }

    /// Offset of a free block of at least `size` bytes; `None` when the range is used up or `size` is above 4,096.
    /// Constant time while the class's current slab has free blocks; otherwise a look at each slab.
    pub fn alloc(&mut self, size: usize) -> Option<usize> {
        let class = SizeClass::of(size).filter(|class| class.is_small())?;
        let at = self.slab_with_room(class)?;
        self.current[class.index()] = at;
        let slab = &mut self.slabs[at];
        let mut index = 0;
        slab.free -= slab.bits.take_up_to(0, 1, |i| index = i);
        Some(at * SLAB + index * class.size())
    }

    fn slab_with_room(&mut self, class: SizeClass) -> Option<usize> {
        let has_room = |slab: &Slab| slab.class == class && slab.free > 0;
        let current = self.current[class.index()];
        if self.slabs.get(current).is_some_and(has_room) {
            return Some(current);
        }
        if let Some(at) = self.slabs.iter().position(has_room) {
            return Some(at);
        }
        let at = self.slabs.iter().position(|slab| slab.class == SizeClass::NONE)?;
        let blocks = Self::blocks(class);
        self.slabs[at] = Slab { class, free: blocks, bits: FreeBits::full(blocks) };
        Some(at)
    }

    /// How many blocks of a class are in a slab: as many as fit, and as the bitmap has bits for.
    fn blocks(class: SizeClass) -> usize {
        (SLAB / class.size()).min(crate::size_class::BLOCKS_MAX)
    }

    /// Gives the block at `offset` back. A slab whose blocks are all free serves any class again.
    pub fn free(&mut self, offset: usize) -> Result<(), FreeError> {
        let slab = self.slabs.get_mut(offset / SLAB).ok_or(FreeError::NotABlock)?;
        let size = slab.class.size();
        if size == 0
            || !(offset % SLAB).is_multiple_of(size)
            || offset % SLAB / size >= Self::blocks(slab.class)
        {
            return Err(FreeError::NotABlock);
        }
        if !slab.bits.set_free(offset % SLAB / size) {
            return Err(FreeError::DoubleFree);
        }
        slab.free += 1;
        if slab.free == Self::blocks(slab.class) {
            slab.class = SizeClass::NONE;
        }
        Ok(())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_apart() {
        let mut range = SegregatedFit::<2>::new();
        let a = range.alloc(64).unwrap();
        let _b = range.alloc(64).unwrap();
        for (offset, error) in [
            (a + 16, FreeError::NotABlock),
            (SLAB, FreeError::NotABlock),
            (2 * SLAB, FreeError::NotABlock),
            (a + 128, FreeError::DoubleFree),
        ] {
            assert_eq!(range.free(offset), Err(error), "{offset}");
        }
        assert_eq!(range.free(a), Ok(()));
        assert_eq!(range.free(a), Err(FreeError::DoubleFree));
        assert_eq!(range.alloc(4097), None);
    }

    /// Random allocations and frees against a map of bytes: blocks never overlap, and all can be had again.
    #[test]
    fn agrees_with_a_map_of_bytes() {
        let mut state = 7u64;
        let mut random = move |n: usize| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as usize % n
        };
        let mut range = SegregatedFit::<8>::new();
        let mut owner = vec![0u32; 8 * SLAB];
        let mut live: Vec<(usize, usize)> = Vec::new();
        for step in 1..30_000u32 {
            if random(5) < 3 {
                let size = 1 + random(4096);
                let Some(at) = range.alloc(size) else { continue };
                assert!(owner[at..at + size].iter().all(|o| *o == 0));
                owner[at..at + size].fill(step);
                live.push((at, size));
            } else if !live.is_empty() {
                let (at, size) = live.swap_remove(random(live.len()));
                assert_eq!(range.free(at), Ok(()));
                owner[at..at + size].fill(0);
            }
        }
        live.drain(..).for_each(|(at, _)| assert_eq!(range.free(at), Ok(())));
        assert!(range.slabs.iter().all(|slab| slab.class == SizeClass::NONE));
    }
}
