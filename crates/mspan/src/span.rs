//! The span record.
//!
//! Follows Go's `mspan` (`mheap.go`). 128 bytes, two cache lines: identity and the owner's words in the first, the
//! bitmap in the second.
//!
//! # Who may touch what
//! * *Identity* (base, pages, span class, number of blocks): written by [`Span::open_blocks`] and [`Span::open_whole`]
//!   before the span is published in the heap's page table, constant while it is there. Anyone who holds an address
//!   inside the span, given to the user, may read it.
//! * *State and sweep generation*: atomic.
//! * *Body* (free bits and counts, list links): the owner's. The owner is whoever the span's home says: for malloc's
//!   blocks the holder of the class's lock in `gort-mcentral`; for a collected span the cache that holds it.
//!
//! A record is never overwritten by anything but a span record: one who follows a wild address into a record that is
//! being reused sees some span, dead or alive.
//!
//! # Invariants
//! I1. `free == bits.count()`, and no bit at or above `blocks` is set.
//! I2. No block at an index below `hint` is free.
//! I3. A span is in at most one list, and then `links` are that list's.
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | P1 | `open_*` state store | Release | P2 | the identity |
//! | P2 | `state` load | Acquire | P1 | the identity, to one who met the record by a scan of the heap |
//!
//! Identity fields are relaxed: a user's pointer reached the reader by a path that orders them (the allocation
//! happened before), and a scan comes through P2. Model: loom-tests/tests/span_lookup.rs.

use crate::free_bits::FreeBits;
use crate::size_class::{BLOCKS_MAX, PAGE_SHIFT, PAGE_SIZE, SizeClass};
use crate::span_class::{Kind, SpanClass};
use crate::sweep_gen::SweepGen;
use core::ptr::NonNull;
use gort_sync::Zeroed;
use gort_sync::atomic::{
    AtomicU8, AtomicU16, AtomicU32, AtomicUsize, Ordering::Acquire, Ordering::Relaxed, Ordering::Release,
};
use gort_sync::cell::UnsafeCell;

/// A span record of some heap. Records live as long as their heap.
pub type SpanRef = NonNull<Span>;

/// What a record describes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum SpanState {
    /// Nothing: the record is free.
    Dead = 0,
    /// Blocks of a size class, or one large block.
    InUse = 1,
    /// Memory managed by hand.
    Manual = 2,
    /// A large block without a user, which keeps its pages for the next one.
    Parked = 3,
}

/// Why an address is not the start of a block of a span.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Misplaced {
    /// Inside a block that starts at this address.
    Interior(usize),
    /// In the rest behind the last block, or outside the span.
    Outside,
}

/// A run of pages with one purpose.
#[repr(C, align(64))]
pub struct Span {
    base: AtomicUsize,
    pages: AtomicU32,
    blocks: AtomicU16,
    class: AtomicU8,
    state: AtomicU8,
    sweep_gen: SweepGen,
    body: UnsafeCell<Body>,
}

/// The owner's part of a span.
#[repr(C)]
pub struct Body {
    /// Neighbours in the list that holds the span (I3); for `span_list` alone.
    pub(crate) next: Option<SpanRef>,
    pub(crate) prev: Option<SpanRef>,
    /// How many blocks are free.
    pub free: u16,
    /// Nothing below this index is free.
    pub hint: u16,
    /// Which list of its home the span is in; the home gives the numbers a meaning.
    pub shelf: u8,
    /// Some of the memory may be other than zero.
    pub need_zero: bool,
    /// Which blocks are free.
    pub bits: FreeBits,
}

#[cfg(not(loom))]
static_assertions::const_assert_eq!(size_of::<Span>(), 128);

// SAFETY: identity and state are atomic; the body is touched by its owner alone, see the head.
unsafe impl Sync for Span {}
// SAFETY: nothing in a record is bound to a thread.
unsafe impl Send for Span {}

// SAFETY: zero bytes are a dead record: nought in every atomic, no links, no free bits.
unsafe impl Zeroed for Span {
    fn zeroed() -> Self {
        Self::dead()
    }
}

impl Default for Span {
    fn default() -> Self {
        Self::dead()
    }
}

impl Span {
    gort_sync::const_unless_loom! {
        /// A record that describes nothing.
        pub fn dead() -> Self {
            Self {
                base: AtomicUsize::new(0),
                pages: AtomicU32::new(0),
                blocks: AtomicU16::new(0),
                class: AtomicU8::new(0),
                state: AtomicU8::new(SpanState::Dead as u8),
                sweep_gen: SweepGen::new(),
                body: UnsafeCell::new(Body {
                    next: None,
                    prev: None,
                    free: 0,
                    hint: 0,
                    shelf: 0,
                    need_zero: false,
                    bits: FreeBits::EMPTY,
                }),
            }
        }
    }

    /// Dead to in use: blocks of a class, all free.
    ///
    /// # Safety
    /// The record is dead and the caller's; it is published only afterwards.
    pub unsafe fn open_blocks(&self, base: usize, pages: usize, class: SpanClass, need_zero: bool) {
        let blocks = (pages << PAGE_SHIFT) / class.size_class().size();
        debug_assert!(blocks <= BLOCKS_MAX);
        // SAFETY: the caller owns the record.
        unsafe {
            self.with_body(|body| {
                body.free = blocks as u16;
                body.hint = 0;
                body.shelf = 0;
                body.need_zero = need_zero;
                body.bits = FreeBits::full(blocks);
            });
        }
        self.open(base, pages, blocks, class, SpanState::InUse);
    }

    /// Dead to in use (or manual): one block, the whole span.
    ///
    /// # Safety
    /// The record is dead and the caller's; it is published only afterwards.
    pub unsafe fn open_whole(&self, base: usize, pages: usize, kind: Kind, need_zero: bool) {
        // SAFETY: the caller owns the record.
        unsafe {
            self.with_body(|body| {
                body.free = 0;
                body.need_zero = need_zero;
            });
        }
        let state = if kind == Kind::Manual { SpanState::Manual } else { SpanState::InUse };
        self.open(base, pages, 1, SpanClass::new(kind, SizeClass::NONE), state);
    }

    fn open(&self, base: usize, pages: usize, blocks: usize, class: SpanClass, state: SpanState) {
        debug_assert!(base.is_multiple_of(PAGE_SIZE) && self.state() == SpanState::Dead);
        // Relaxed, all four: published by P1 and by the page table.
        self.base.store(base, Relaxed);
        self.pages.store(pages as u32, Relaxed);
        self.blocks.store(blocks as u16, Relaxed);
        self.class.store(class.number(), Relaxed);
        // ORD[P1] Release: the identity, to one who scans the records.
        self.state.store(state as u8, Release);
    }

    /// In use or manual to dead. The identity stays readable until the record is opened again.
    ///
    /// # Safety
    /// The span is no longer published and has no user; the caller owns the record.
    pub unsafe fn close(&self) {
        self.state.store(SpanState::Dead as u8, Relaxed); // Relaxed: it publishes nothing.
    }

    /// In use to parked.
    ///
    /// # Safety
    /// The span is a large block that has no user, and the caller owns it.
    pub unsafe fn park(&self) {
        self.state.store(SpanState::Parked as u8, Relaxed); // Relaxed: it publishes nothing.
    }

    /// Parked to in use. The memory is as its last user left it.
    ///
    /// # Safety
    /// The caller owns the span, which is parked.
    pub unsafe fn unpark(&self) {
        // SAFETY: the caller owns the body.
        unsafe { self.with_body(|body| body.need_zero = true) };
        self.state.store(SpanState::InUse as u8, Relaxed); // Relaxed: the identity has been published before.
    }

    /// Changes the number of pages of a large block that grew or shrank in place.
    ///
    /// # Safety
    /// The caller owns the span, a large block, and keeps the page table in step.
    pub unsafe fn resize(&self, pages: usize) {
        self.pages.store(pages as u32, Relaxed); // Relaxed: its one user orders the readers.
    }

    /// What the record describes.
    pub fn state(&self) -> SpanState {
        // ORD[P2] Acquire: one who finds the span in use goes on to its identity.
        match self.state.load(Acquire) {
            1 => SpanState::InUse,
            2 => SpanState::Manual,
            3 => SpanState::Parked,
            _ => SpanState::Dead,
        }
    }

    /// Address of the first byte.
    #[inline]
    pub fn base(&self) -> usize {
        self.base.load(Relaxed) // Relaxed: identity, see the head.
    }

    /// Length in pages.
    #[inline]
    pub fn pages(&self) -> usize {
        self.pages.load(Relaxed) as usize // Relaxed: identity, see the head.
    }

    /// Length in bytes.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.pages() << PAGE_SHIFT
    }

    /// Kind and size class.
    #[inline]
    pub fn class(&self) -> SpanClass {
        SpanClass::from_number(self.class.load(Relaxed)) // Relaxed: identity, see the head.
    }

    /// How many blocks there are; 1 for a large block.
    #[inline]
    pub fn blocks(&self) -> usize {
        self.blocks.load(Relaxed) as usize // Relaxed: identity, see the head.
    }

    /// Bytes of a block; the whole span for a large one.
    #[inline]
    pub fn block_size(&self) -> usize {
        match self.class().size_class() {
            SizeClass::NONE => self.bytes(),
            class => class.size(),
        }
    }

    /// Whether the span is one large block.
    #[inline]
    pub fn is_large(&self) -> bool {
        self.class().size_class() == SizeClass::NONE
    }

    /// Where the span stands in the sweep.
    pub fn sweep_gen(&self) -> &SweepGen {
        &self.sweep_gen
    }

    /// Index and start of the block that an address lies in; `None` for the rest behind the last block.
    #[inline]
    pub fn block_of(&self, addr: usize) -> Option<(usize, usize)> {
        let offset = addr.wrapping_sub(self.base());
        if offset >= self.bytes() {
            return None;
        }
        if self.is_large() {
            return Some((0, self.base()));
        }
        let class = self.class().size_class();
        let index = class.index_of_offset(offset);
        (index < self.blocks()).then(|| (index, self.base() + index * class.size()))
    }

    /// Index of the block that starts at an address.
    #[inline]
    pub fn index_of(&self, addr: usize) -> Result<usize, Misplaced> {
        match self.block_of(addr) {
            Some((index, start)) if start == addr => Ok(index),
            Some((_, start)) => Err(Misplaced::Interior(start)),
            None => Err(Misplaced::Outside),
        }
    }

    /// Address of block `index`.
    #[inline]
    pub fn block_addr(&self, index: usize) -> usize {
        self.base() + index * self.block_size()
    }

    /// The owner's part.
    ///
    /// # Safety
    /// The caller is the span's owner, see the head, and does not nest calls for one span.
    #[inline]
    pub unsafe fn with_body<R>(&self, f: impl FnOnce(&mut Body) -> R) -> R {
        // SAFETY: the owner is alone at the body.
        self.body.with_mut(|body| f(unsafe { &mut *body }))
    }
}

impl Body {
    /// Takes up to `count` blocks, lowest first, calling `each` with every index. How many there were.
    #[inline]
    pub fn take_up_to(&mut self, count: usize, mut each: impl FnMut(usize)) -> usize {
        let mut next = self.hint as usize;
        let taken = self.bits.take_up_to(next, count, |index| {
            next = index + 1;
            each(index);
        });
        self.free -= taken as u16;
        self.hint = next as u16;
        taken
    }

    /// Takes blocks, lowest first, until `out` is full or there are none left, and writes what `block` makes of their
    /// indices to `out` from its end downwards. How many there were.
    #[inline]
    pub fn take_down<T>(&mut self, out: &mut [T], block: impl Fn(usize) -> T) -> usize {
        let (taken, next) = self.bits.take_down(self.hint as usize, out, block);
        self.free -= taken as u16;
        self.hint = next as u16;
        taken
    }

    /// Puts block `index` back. `false`, and nothing changes, when it was free already: a double free.
    #[inline]
    #[must_use = "a block that was free already is a double free"]
    pub fn put(&mut self, index: usize) -> bool {
        if !self.bits.set_free(index) {
            return false;
        }
        self.free += 1;
        self.hint = self.hint.min(index as u16);
        true
    }

    /// Checks I1 and I2.
    pub fn check_invariants(&self, blocks: usize) {
        assert_eq!(self.free as usize, self.bits.count());
        assert!((blocks..BLOCKS_MAX).all(|i| !self.bits.is_free(i)));
        assert!((0..self.hint as usize).all(|i| !self.bits.is_free(i)));
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn open(class: SizeClass) -> Span {
        let span = Span::dead();
        // SAFETY: a fresh record of our own.
        unsafe {
            span.open_blocks(PAGE_SIZE * 100, class.span_pages(0), SpanClass::new(Kind::Malloc, class), true)
        };
        span
    }

    #[test]
    fn addresses_resolve_to_blocks() {
        let class = SizeClass::of(48).unwrap();
        let span = open(class);
        let base = PAGE_SIZE * 100;
        assert_eq!(span.blocks(), PAGE_SIZE / 48);
        for (addr, expected) in [
            (base, Ok(0)),
            (base + 48, Ok(1)),
            (base + 47, Err(Misplaced::Interior(base))),
            (base + 49, Err(Misplaced::Interior(base + 48))),
            (base + PAGE_SIZE / 48 * 48, Err(Misplaced::Outside)),
            (base + PAGE_SIZE, Err(Misplaced::Outside)),
            (base - 1, Err(Misplaced::Outside)),
        ] {
            assert_eq!(span.index_of(addr), expected, "{addr}");
        }
    }

    #[test]
    fn a_large_block_is_one_block() {
        let span = Span::dead();
        // SAFETY: a fresh record of our own.
        unsafe { span.open_whole(PAGE_SIZE, 9, Kind::Malloc, false) };
        assert!(span.is_large());
        assert_eq!(span.block_size(), 9 * PAGE_SIZE);
        assert_eq!(span.index_of(PAGE_SIZE), Ok(0));
        assert_eq!(span.index_of(2 * PAGE_SIZE), Err(Misplaced::Interior(PAGE_SIZE)));
        assert_eq!(span.state(), SpanState::InUse);
        // SAFETY: never published.
        unsafe { span.close() };
        assert_eq!(span.state(), SpanState::Dead);
    }

    #[test]
    fn blocks_are_taken_once_and_put_back_once() {
        let span = open(SizeClass::of(256).unwrap());
        let blocks = span.blocks();
        // SAFETY: the test owns the span.
        unsafe {
            span.with_body(|body| {
                let mut taken = Vec::new();
                while body.take_up_to(5, |i| taken.push(i)) > 0 {}
                assert_eq!(taken, (0..blocks).collect::<Vec<_>>());
                body.check_invariants(blocks);
                assert!(body.put(7) && body.put(3) && !body.put(7));
                body.check_invariants(blocks);
                taken.clear();
                assert_eq!(body.take_up_to(5, |i| taken.push(i)), 2);
                assert_eq!(taken, [3, 7]);
                body.check_invariants(blocks);
            });
        }
    }
}
