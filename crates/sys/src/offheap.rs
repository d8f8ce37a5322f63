//! Memory for the runtime's own records. It never comes from malloc and never goes back to it.
//!
//! Three sources. Two allocators, both Go's: [`Persistent`] (`persistentalloc` in `malloc.go`) bumps a pointer through chunks and
//! never frees; [`FixAlloc`] (`mfixalloc.go`) hands out records of one size from a `Persistent` and takes them back. And
//! [`SparseTable`], a long array that gets memory only where it is used.
//!
//! Fresh memory is zero and untouched, so a [`Zeroed`] record costs no page until it is used. Under loom records are
//! constructed on the heap instead, since loom's atomics are objects.
//!
//! # Invariants
//! I1. What `Persistent` has handed out is never unmapped: records may be read at any later time, by anyone.
//! I2. A record freed to a `FixAlloc` is reused only as a record of the same type.

use crate::lock::Mutex;
use crate::mem;
use core::marker::PhantomData;
use core::ptr::NonNull;
use gort_sync::Zeroed;
use gort_sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Bytes asked of the OS at a time; their pages appear only when touched.
const CHUNK: usize = 256 << 10;
/// Requests from this size on get a mapping of their own.
const OWN_MAPPING: usize = CHUNK / 4;

/// Hands out zeroed memory that is never given back. Any thread.
pub struct Persistent {
    chunk: Mutex<Chunk>,
    mapped: AtomicUsize,
}

/// The rest of the current chunk: `next..end`.
struct Chunk {
    next: usize,
    end: usize,
}

impl Default for Persistent {
    fn default() -> Self {
        Self::new()
    }
}

impl Persistent {
    gort_sync::const_unless_loom! {
        /// An allocator that has nothing yet.
        pub fn new() -> Self {
            Self { chunk: Mutex::new(Chunk { next: 0, end: 0 }), mapped: AtomicUsize::new(0) }
        }
    }

    /// Zeroed bytes at a multiple of `align` (a power of two, at most a page); `None` when the OS has no memory.
    pub fn alloc(&self, size: usize, align: usize) -> Option<NonNull<u8>> {
        debug_assert!(align.is_power_of_two() && align <= mem::page_size());
        if size >= OWN_MAPPING {
            let size = mem::round_to_pages(size)?;
            let at = mem::map(size).ok()?;
            self.mapped.fetch_add(size, Relaxed); // Relaxed: statistics.
            return NonNull::new(at as *mut u8);
        }
        let mut chunk = self.chunk.lock();
        let mut start = chunk.next.next_multiple_of(align);
        if chunk.next == 0 || start + size > chunk.end {
            let at = mem::map(CHUNK).ok()?;
            self.mapped.fetch_add(CHUNK, Relaxed); // Relaxed: statistics.
            *chunk = Chunk { next: at, end: at + CHUNK };
            start = at;
        }
        chunk.next = start + size;
        NonNull::new(start as *mut u8)
    }

    /// A record in its zero state, for ever.
    #[cfg(not(loom))]
    pub fn place<T: Zeroed>(&self) -> Option<&'static T> {
        let at = self.alloc(size_of::<T>(), align_of::<T>())?;
        // SAFETY: zeroed, aligned, never reused (I1), and `T` is valid as zero bytes.
        Some(unsafe { at.cast::<T>().as_ref() })
    }

    /// A record in its zero state, for ever.
    #[cfg(loom)]
    pub fn place<T: Zeroed>(&self) -> Option<&'static T> {
        Some(Box::leak(Box::new(T::zeroed())))
    }

    /// As [`Persistent::place`], for the one caller's exclusive use.
    pub fn place_mut<T: Zeroed>(&self) -> Option<NonNull<T>> {
        #[cfg(not(loom))]
        return self.alloc(size_of::<T>(), align_of::<T>()).map(NonNull::cast);
        #[cfg(loom)]
        Some(NonNull::from(Box::leak(Box::new(T::zeroed()))))
    }

    /// The bare lock, for a fork.
    #[cfg(not(loom))]
    pub fn raw_lock(&self) -> &crate::lock::Lock {
        self.chunk.raw()
    }

    /// Bytes of address space taken from the OS.
    pub fn mapped_bytes(&self) -> usize {
        self.mapped.load(Relaxed) // Relaxed: statistics.
    }
}

/// Records of one type, reused. Its user guards it: the methods take `&mut self`.
pub struct FixAlloc<T> {
    #[cfg(not(loom))]
    free: *mut Link,
    in_use: usize,
    records: PhantomData<fn() -> T>,
}

/// What a free record holds.
#[cfg_attr(loom, allow(dead_code))]
struct Link {
    next: *mut Link,
}

// SAFETY: the free records belong to the allocator alone, whichever thread has it.
unsafe impl<T> Send for FixAlloc<T> {}

impl<T> Default for FixAlloc<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> FixAlloc<T> {
    /// An allocator that has nothing yet.
    pub const fn new() -> Self {
        const { assert!(size_of::<T>() >= size_of::<Link>() && align_of::<T>() >= align_of::<Link>()) };
        Self {
            #[cfg(not(loom))]
            free: core::ptr::null_mut(),
            in_use: 0,
            records: PhantomData,
        }
    }

    /// A record holding `value`; `None` when the OS has no memory.
    #[cfg(not(loom))]
    pub fn alloc(&mut self, source: &Persistent, value: T) -> Option<NonNull<T>> {
        let at = match NonNull::new(self.free) {
            Some(link) => {
                // SAFETY: a free record holds a link, and is ours.
                self.free = unsafe { link.as_ref().next };
                link.cast::<T>()
            }
            None => source.alloc(size_of::<T>(), align_of::<T>())?.cast::<T>(),
        };
        // SAFETY: large and aligned enough, and nobody else's.
        unsafe { at.write(value) };
        self.in_use += 1;
        Some(at)
    }

    /// A record holding `value`.
    #[cfg(loom)]
    pub fn alloc(&mut self, _: &Persistent, value: T) -> Option<NonNull<T>> {
        self.in_use += 1;
        Some(NonNull::from(Box::leak(Box::new(value))))
    }

    /// Takes a record back, and drops its value.
    ///
    /// # Safety
    /// The record came from this allocator and nobody uses it any more.
    #[cfg(not(loom))]
    pub unsafe fn free(&mut self, record: NonNull<T>) {
        // SAFETY: the record holds a value and is the caller's to give.
        unsafe {
            record.drop_in_place();
            record.cast::<Link>().write(Link { next: self.free });
        }
        self.free = record.cast().as_ptr();
        self.in_use -= 1;
    }

    /// Takes a record back, and drops its value.
    ///
    /// # Safety
    /// The record came from this allocator and nobody uses it any more.
    #[cfg(loom)]
    pub unsafe fn free(&mut self, record: NonNull<T>) {
        // SAFETY: made by `Box::leak` above.
        drop(unsafe { Box::from_raw(record.as_ptr()) });
        self.in_use -= 1;
    }

    /// Records handed out and not returned.
    pub fn in_use(&self) -> usize {
        self.in_use
    }
}

/// A long array, reserved whole and made ready in parts, each element in its zero state then. Elements of parts that were
/// never made ready read as zero, too.
pub struct SparseTable<T> {
    #[cfg(not(loom))]
    entries: NonNull<T>,
    #[cfg(not(loom))]
    len: usize,
    #[cfg(loom)]
    entries: Vec<T>,
}

// SAFETY: the table owns its elements.
unsafe impl<T: Send> Send for SparseTable<T> {}
// SAFETY: shared access gives shared references only.
unsafe impl<T: Sync> Sync for SparseTable<T> {}

impl<T: Zeroed> SparseTable<T> {
    /// A table of `len` elements; an error when there is no address space.
    #[cfg(not(loom))]
    pub fn reserve(len: usize) -> Result<Self, crate::Errno> {
        let bytes = mem::round_to_pages(len * size_of::<T>()).ok_or(crate::Errno::ENOMEM)?;
        let at = mem::reserve_readable(bytes)?;
        let entries = NonNull::new(core::ptr::with_exposed_provenance_mut(at)).ok_or(crate::Errno::ENOMEM)?;
        Ok(Self { entries, len })
    }

    /// A table of `len` elements.
    #[cfg(loom)]
    pub fn reserve(len: usize) -> Result<Self, crate::Errno> {
        Ok(Self { entries: (0..len).map(|_| T::zeroed()).collect() })
    }

    /// Makes elements writable. Once more does no harm.
    pub fn make_ready(&mut self, part: core::ops::Range<usize>) -> Result<(), crate::Errno> {
        #[cfg(not(loom))]
        {
            let (base, os_page) = (self.entries.as_ptr() as usize, mem::page_size());
            let start = (base + part.start * size_of::<T>()) & !(os_page - 1);
            let end = (base + part.end.min(self.len) * size_of::<T>()).next_multiple_of(os_page);
            // SAFETY: inside our own reservation, which is whole pages.
            unsafe { mem::commit(start, end - start)? };
        }
        let _ = part;
        Ok(())
    }
}

#[cfg(not(loom))]
impl<T> Drop for SparseTable<T> {
    fn drop(&mut self) {
        // `reserve` rounded the same number, so it has an answer.
        if let Some(bytes) = mem::round_to_pages(self.len * size_of::<T>()) {
            // SAFETY: the table's own reservation, which nobody borrows any more. Elements are plain data (`Zeroed`).
            unsafe { mem::unmap(self.entries.as_ptr() as usize, bytes) };
        }
    }
}

impl<T> core::ops::Deref for SparseTable<T> {
    type Target = [T];
    #[cfg(not(loom))]
    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: readable throughout, and zero bytes are a valid `T` (`reserve` asks for it).
        unsafe { core::slice::from_raw_parts(self.entries.as_ptr(), self.len) }
    }
    #[cfg(loom)]
    fn deref(&self) -> &[T] {
        &self.entries
    }
}

impl<T> core::ops::DerefMut for SparseTable<T> {
    #[cfg(not(loom))]
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above; an element that was not made ready faults when written, it does not corrupt.
        unsafe { core::slice::from_raw_parts_mut(self.entries.as_ptr(), self.len) }
    }
    #[cfg(loom)]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.entries
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn persistent_memory_is_zero_aligned_and_disjoint() {
        let source = Persistent::new();
        let mut blocks: Vec<(usize, usize)> = Vec::new();
        for (size, align) in [(1, 1), (24, 8), (64, 64), (4096, 4096), (CHUNK - 8, 8), (100, 16), (70_000, 8)]
        {
            let p = source.alloc(size, align).unwrap().as_ptr();
            assert_eq!(p as usize % align, 0);
            // SAFETY: just allocated.
            let bytes = unsafe { core::slice::from_raw_parts_mut(p, size) };
            assert!(bytes.iter().all(|b| *b == 0));
            bytes.fill(0xff);
            blocks.push((p as usize, size));
        }
        blocks.sort();
        assert!(blocks.windows(2).all(|w| w[0].0 + w[0].1 <= w[1].0));
        assert!(source.mapped_bytes() >= CHUNK * 2);
    }

    #[test]
    fn fixed_records_are_reused_last_in_first_out() {
        let source = Persistent::new();
        let mut records = FixAlloc::<[u64; 4]>::new();
        let a = records.alloc(&source, [1; 4]).unwrap();
        let b = records.alloc(&source, [2; 4]).unwrap();
        assert_eq!(records.in_use(), 2);
        // SAFETY: allocated above, each freed once.
        unsafe {
            records.free(a);
            records.free(b);
        }
        assert_eq!(records.alloc(&source, [3; 4]), Some(b));
        assert_eq!(records.alloc(&source, [4; 4]), Some(a));
        // SAFETY: a live record.
        assert_eq!(unsafe { b.read() }, [3; 4]);
        assert_eq!(records.in_use(), 2);
    }
}
