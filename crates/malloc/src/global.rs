//! The allocator as Rust's.

use crate::MALLOC;
use core::alloc::{GlobalAlloc, Layout};

/// gort's allocator, for `#[global_allocator]`.
///
/// ```
/// #[global_allocator]
/// static GLOBAL: gort_malloc::Gort = gort_malloc::Gort;
///
/// fn main() {
///     let words: Vec<String> = (0..1000).map(|i| format!("word {i}")).collect();
///     assert_eq!(words[999], "word 999");
/// }
/// ```
///
/// It needs no start and costs nothing before the first allocation. Programs that link `libgort` have it already, under
/// the names of C.
#[derive(Clone, Copy, Default, Debug)]
pub struct Gort;

// SAFETY: blocks are as large and as aligned as asked for, disjoint, and stay until they are freed.
unsafe impl GlobalAlloc for Gort {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= 16 {
            MALLOC.malloc(layout.size())
        } else {
            MALLOC.aligned_alloc(layout.align(), layout.size())
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= 16 {
            return MALLOC.calloc(1, layout.size());
        }
        let block = MALLOC.aligned_alloc(layout.align(), layout.size());
        if !block.is_null() {
            // SAFETY: a fresh block of that size.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        // SAFETY: the caller's block, by contract.
        unsafe { MALLOC.free(block) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.align() <= 16 {
            // SAFETY: the caller's block; the size is not nought, by contract.
            return unsafe { MALLOC.realloc(block, size) };
        }
        let new = MALLOC.aligned_alloc(layout.align(), size);
        if new.is_null() { new } else { MALLOC.move_to(block, layout.size(), new, size) }
    }
}
