//! realloc, calloc, aligned requests, sized frees, and how large a block is.

use crate::malloc::{HEAP, Malloc};
use crate::misuse::{self, Fault};
use crate::options::Sampling;
use crate::{boot, large::LARGE_MAX};
use core::ptr::null_mut;
use gort_mcache::magazine::{ThreadWords, push};
use gort_mspan::size_class::{CLASS_BY_16, SIZE_MAX, SMALL_MAX};
use gort_mspan::span::SpanState;
use gort_mspan::{PAGE_SIZE, SizeClass, Span, SpanRef};
use gort_sys::Errno;

/// A large block that has to move and is at least this large gets a mapping of its own, which grows without copying.
const REMAP_MIN: usize = 1 << 20;

/// Where a block lives.
pub(crate) enum Place<'a> {
    /// In a span of this class.
    Class(SizeClass),
    /// It is a span.
    Large(&'a Span),
    /// It is a mapping of this many bytes.
    Huge(usize),
}

impl Place<'_> {
    /// Bytes of the block.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Class(class) => class.size(),
            Self::Large(span) => span.bytes(),
            Self::Huge(len) => *len,
        }
    }
}

impl Malloc {
    /// A zeroed block of `count` times `size` bytes; null, with `errno` at `ENOMEM`, when that overflows or there is no
    /// memory.
    #[inline]
    pub fn calloc(&self, count: usize, size: usize) -> *mut u8 {
        let Some(total) = count.checked_mul(size) else {
            Errno::ENOMEM.set();
            return null_mut();
        };
        let block = self.malloc(total);
        if !block.is_null() && (total <= SIZE_MAX || self.needs_zero(block)) {
            // SAFETY: a fresh block of at least `total` bytes.
            unsafe { block.write_bytes(0, total) };
        }
        block
    }

    /// Whether a fresh block of more than `SIZE_MAX` bytes may hold anything but zero.
    fn needs_zero(&self, block: *mut u8) -> bool {
        self.options.check() != 0 || (!boot::owns(block) && self.large_needs_zero(block))
    }

    /// A block of at least `size` bytes at a multiple of `align`, a power of two; null, with `errno` at `ENOMEM`, when
    /// there is none.
    pub fn aligned_alloc(&self, align: usize, size: usize) -> *mut u8 {
        if align <= 16 {
            return self.malloc(size);
        }
        self.alloc(size, align)
    }

    /// Changes a block's size, keeping the contents up to the smaller one; the block may move. Null, with `errno` at
    /// `ENOMEM` and the block as it was, when there is no memory. A null block is a `malloc`; a size of nought is a
    /// `free`, and the answer null.
    ///
    /// # Safety
    /// As for [`Malloc::free`] when it answers a block, or the size is nought.
    pub unsafe fn realloc(&self, block: *mut u8, size: usize) -> *mut u8 {
        if block.is_null() {
            return self.malloc(size);
        }
        if size == 0 {
            // SAFETY: passed on.
            unsafe { self.free_named(block, "realloc") };
            return null_mut();
        }
        if boot::owns(block) {
            // SAFETY: a block of the array.
            let old = unsafe { boot::size(block) };
            return self.move_to(block, old, self.malloc(size), size);
        }
        if self.options.check() != 0 {
            return self.realloc_checked(block, size);
        }
        let place = self.place_of(block, "realloc");
        if self.options.sampling() != Sampling::Off {
            return self.realloc_sampled(block, &place, size);
        }
        match self.resize_in_place(block, &place, size) {
            Some(same) => same,
            None => self.move_to(block, place.bytes(), self.alloc_to_move(&place, size), size),
        }
    }

    /// As the rest of [`Malloc::realloc`], when allocations are sampled: the old block is freed for the profile, and the
    /// new one is allocated, though it may be the same.
    #[cold]
    fn realloc_sampled(&self, block: *mut u8, place: &Place<'_>, size: usize) -> *mut u8 {
        if let Place::Class(_) = place {
            // Stays in its class, and in the profile as it is, or goes the usual way.
            return match self.resize_in_place(block, place, size) {
                Some(same) => same,
                None => self.move_to(block, place.bytes(), self.malloc(size), size),
            };
        }
        // Before anything else: the address may be another block's soon. Should there be no memory, the block is lost to
        // the profile.
        self.sample_free(block);
        match self.resize_in_place(block, place, size) {
            Some(same) => {
                self.sample_in_place(same, size);
                same
            }
            None => self.move_to(block, place.bytes(), self.malloc(size), size),
        }
    }

    /// The block where it is, if it can have the size there (a huge one may be moved by the kernel).
    fn resize_in_place(&self, block: *mut u8, place: &Place<'_>, size: usize) -> Option<*mut u8> {
        match place {
            // Half of a block may stay unused; more is worth a copy.
            Place::Class(class) => (size <= class.size() && size > class.size() / 2).then_some(block),
            Place::Large(span) => {
                if size <= SIZE_MAX || size > LARGE_MAX {
                    return None;
                }
                let pages = size.div_ceil(PAGE_SIZE);
                // SAFETY: a large block's user owns its span.
                let fits = pages == span.pages() || unsafe { HEAP.resize_whole(SpanRef::from(*span), pages) };
                fits.then_some(block)
            }
            Place::Huge(old) => {
                if size <= SIZE_MAX {
                    return None;
                }
                // Growing, a sixteenth more in advance: address space only, until it is touched.
                let wanted = if size > *old { size.checked_add(size / 16)? } else { size };
                if size <= *old && size > *old - *old / 8 {
                    return Some(block);
                }
                self.resize_huge(block, *old, wanted).or_else(|| self.resize_huge(block, *old, size))
            }
        }
    }

    /// A block for the contents of one that cannot stay.
    fn alloc_to_move(&self, place: &Place<'_>, size: usize) -> *mut u8 {
        let grows = size > place.bytes();
        let block = if matches!(place, Place::Large(_)) && grows && size >= REMAP_MIN {
            self.alloc_huge(size, 1).unwrap_or(null_mut())
        } else {
            null_mut()
        };
        if block.is_null() { self.malloc(size) } else { block }
    }

    /// Copies what fits and frees the old block, if there is a new one.
    pub(crate) fn move_to(&self, old: *mut u8, old_size: usize, new: *mut u8, size: usize) -> *mut u8 {
        if !new.is_null() {
            // SAFETY: two blocks, of these sizes at least; the old one's user gives it up.
            unsafe {
                new.copy_from_nonoverlapping(old, old_size.min(size));
                self.free_named(old, "realloc");
            }
        } else {
            Errno::ENOMEM.set();
        }
        new
    }

    /// Bytes that the user of a block may write; nought for null. Stops the program when `block` is none.
    #[expect(clippy::not_unsafe_ptr_arg_deref, reason = "read only when it is an address of our own array")]
    pub fn usable_size(&self, block: *const u8) -> usize {
        const CALL: &str = "malloc_usable_size";
        if block.is_null() {
            return 0;
        }
        if boot::owns(block) {
            // SAFETY: a block of the array.
            return unsafe { boot::size(block) };
        }
        if self.options.check() != 0 {
            return self.checked_size(block, CALL);
        }
        self.place_of(block, CALL).bytes()
    }

    /// Where a block lives; stops the program when the address starts none.
    pub(crate) fn place_of(&self, block: *const u8, call: &'static str) -> Place<'_> {
        let addr = block.addr();
        let Some(span) = HEAP.malloc_span_of(addr) else {
            return match self.huge.len_of(addr) {
                Some(len) => Place::Huge(len),
                None => misuse::stop(call, block, self.fault_of_foreign(block)),
            };
        };
        if let Err(fault) = span.index_of(addr) {
            misuse::stop(call, block, fault.into());
        }
        match span.class().size_class() {
            SizeClass::NONE if span.state() == SpanState::Parked => {
                misuse::stop(call, block, Fault::DoubleFree)
            }
            SizeClass::NONE => Place::Large(span),
            class => Place::Class(class),
        }
    }

    /// As [`Malloc::free`] for a block whose user says how large he asked it to be. A size that cannot be stops the
    /// program: larger than the block, or (`exact`: when the block cannot have been shrunk by `realloc`) of another class.
    ///
    /// # Safety
    /// As for `free`.
    #[inline(always)]
    pub unsafe fn free_sized(
        &self,
        block: *mut u8,
        size: usize,
        align: usize,
        exact: bool,
        call: &'static str,
    ) {
        if align <= 16
            && size <= SMALL_MAX
            && let Some(class) = HEAP.classes().class_of(block.addr())
        {
            // SAFETY: the size is small, for which the table is long enough; no size has class 0.
            let asked = unsafe { *CLASS_BY_16.get_unchecked((size + 15) >> 4) } as usize;
            // SAFETY: the class is that of the block's page, and not 0.
            if asked == class && unsafe { push(&ThreadWords, class, block) } {
                return;
            }
        }
        // SAFETY: passed on.
        unsafe { self.free_sized_slow(block, size, align, exact, call) }
    }

    #[inline(never)]
    unsafe fn free_sized_slow(
        &self,
        block: *mut u8,
        size: usize,
        align: usize,
        exact: bool,
        call: &'static str,
    ) {
        let class = HEAP.classes().class_of(block.addr());
        let asked = if align <= 16 { SizeClass::of(size) } else { SizeClass::of_aligned(size, align) };
        // Where the table does not answer, a checking mode may be on, which knows every size.
        if class.is_none() || asked.filter(|asked| asked.is_small()).map(SizeClass::index) != class {
            self.check_size(block, size, align, exact, call);
        }
        // SAFETY: passed on.
        unsafe { self.free_named(block, call) }
    }

    /// Whether a block can have been asked for with this size.
    #[cold]
    fn check_size(&self, block: *mut u8, size: usize, align: usize, exact: bool, call: &'static str) {
        if block.is_null() || boot::owns(block) {
            return;
        }
        if self.options.check() != 0 {
            let asked = self.checked_size(block, call);
            // Here realloc leaves no block where it is.
            if size != asked {
                misuse::stop(call, block, Fault::WrongSize(size, asked));
            }
            return;
        }
        let place = self.place_of(block, call);
        let asked = if align <= 16 { SizeClass::of(size) } else { SizeClass::of_aligned(size, align) };
        let is_right = match place {
            // As `resize_in_place` leaves blocks.
            Place::Class(class) => asked == Some(class) || (!exact && size > class.size() / 2),
            // A span of its own may be that of a small block that was sampled.
            Place::Large(_) if asked.is_some() => self.sampled_size(block) == Some(size),
            Place::Large(_) | Place::Huge(_) => asked.is_none(),
        };
        if size > place.bytes() || !is_right {
            misuse::stop(call, block, Fault::WrongSize(size, place.bytes()));
        }
    }
}
