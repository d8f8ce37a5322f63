//! Blocks of more than 32 KiB: spans of their own.
//!
//! Follows `allocLarge` of Go's `mcache.go`. Such a block starts at a page, grows in place while the pages behind it are
//! free, and is zero without being cleared when its pages come fresh from the OS. A freed block waits for a while in the
//! heap for a request of about its size (`parked` there).

use crate::malloc::{HEAP, Malloc};
use crate::misuse::{self, Fault};
use core::ptr::with_exposed_provenance_mut;
use gort_mspan::{Kind, PAGE_SIZE, Span, SpanRef};

/// Larger blocks are mappings of their own.
pub(crate) const LARGE_MAX: usize = 32 << 20;

impl Malloc {
    /// A block of its own span or mapping, at a multiple of `align` bytes (a power of two).
    pub(crate) fn alloc_large(&self, size: usize, align: usize) -> Option<*mut u8> {
        self.tick();
        if size > LARGE_MAX || align > LARGE_MAX {
            // Where address space is scarce, the heap may still have room.
            return self.alloc_huge(size, align).or_else(|| self.alloc_whole(size, align));
        }
        self.alloc_whole(size, align)
    }

    fn alloc_whole(&self, size: usize, align: usize) -> Option<*mut u8> {
        if size > isize::MAX as usize {
            return None;
        }
        let pages = size.div_ceil(PAGE_SIZE).max(1);
        let span = if align <= PAGE_SIZE {
            HEAP.alloc_large(pages)?
        } else {
            HEAP.alloc_whole(Kind::Malloc, pages, align / PAGE_SIZE)?
        };
        // SAFETY: records live as long as the heap.
        Some(with_exposed_provenance_mut(unsafe { span.as_ref() }.base()))
    }

    /// Takes a large block back.
    pub(crate) fn free_large(&self, block: *mut u8, span: &Span, call: &'static str) {
        if span.base() != block.addr() {
            misuse::stop(call, block, Fault::Interior(span.base()));
        }
        // SAFETY: a large block whose only user gives it up.
        if !unsafe { HEAP.free_large(SpanRef::from(span)) } {
            misuse::stop(call, block, Fault::DoubleFree);
        }
        self.tick();
    }

    /// Whether a fresh block from `alloc_large` may hold anything but zero.
    pub(crate) fn large_needs_zero(&self, block: *mut u8) -> bool {
        match HEAP.malloc_span_of(block.addr()) {
            // SAFETY: a large block's user owns its span.
            Some(span) => unsafe { span.with_body(|body| body.need_zero) },
            // A mapping of its own is fresh.
            None => false,
        }
    }
}
