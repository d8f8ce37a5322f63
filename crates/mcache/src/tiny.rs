//! The tiny allocator: several small pointer-free objects in one block of 16 bytes.
//!
//! Follows `mallocgcTiny` in Go's `malloc.go`. The block lives as long as any object in it, so this is for memory that a
//! collector frees, or that is dropped as a whole; nothing here can be freed alone.

use core::ptr::NonNull;

/// Bytes of a block; objects are smaller.
pub const TINY_BLOCK: usize = 16;

/// The block that is being filled.
#[derive(Default)]
pub struct Tiny {
    block: Option<NonNull<u8>>,
    used: usize,
}

impl Tiny {
    /// An allocator that has no block yet.
    pub const fn new() -> Self {
        Self { block: None, used: 0 }
    }

    /// `size` bytes, fewer than 16, aligned as their size asks for (8 for multiples of 8, then 4, then 2). `fresh` gives
    /// a new zeroed block when the current one has no room; `None` when it gives none.
    ///
    /// # Safety
    /// What `fresh` gives is 16 bytes, aligned to 16 and zero.
    pub unsafe fn alloc(
        &mut self,
        size: usize,
        fresh: impl FnOnce() -> Option<NonNull<u8>>,
    ) -> Option<NonNull<u8>> {
        debug_assert!(size < TINY_BLOCK);
        let align = match size {
            _ if size.is_multiple_of(8) => 8,
            _ if size.is_multiple_of(4) => 4,
            _ if size.is_multiple_of(2) => 2,
            _ => 1,
        };
        let start = self.used.next_multiple_of(align);
        if let Some(block) = self.block.filter(|_| start + size <= TINY_BLOCK) {
            self.used = start + size;
            // SAFETY: inside the block.
            return Some(unsafe { block.add(start) });
        }
        let block = fresh()?;
        // As in Go, the block with more room left stays.
        if self.block.is_none() || size < self.used {
            self.block = Some(block);
            self.used = size;
        }
        Some(block)
    }

    /// Forgets the current block, as a collector asks before it frees what nobody holds.
    pub fn reset(&mut self) {
        *self = Self::new();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn objects_share_a_block_and_keep_their_alignment() {
        #[repr(align(16))]
        struct Block([u8; 16]);
        let mut blocks = [const { Block([0; 16]) }; 3];
        let bases: Vec<usize> = blocks.iter().map(|b| b.0.as_ptr() as usize).collect();
        let mut fresh = blocks.iter_mut().map(|b| NonNull::from(&mut b.0).cast::<u8>());
        let mut tiny = Tiny::new();
        // (size, block, offset)
        for (size, block, offset) in
            [(1, 0, 0), (4, 0, 4), (2, 0, 8), (1, 0, 10), (5, 0, 11), (8, 1, 0), (8, 1, 8), (3, 2, 0)]
        {
            // SAFETY: blocks of 16 zeroed, aligned bytes.
            let p = unsafe { tiny.alloc(size, || fresh.next()) }.unwrap();
            assert_eq!(p.as_ptr() as usize, bases[block] + offset, "size {size}");
        }
        // SAFETY: as above.
        assert_eq!(unsafe { tiny.alloc(15, || None) }, None);
    }
}
