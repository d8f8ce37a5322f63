//! Where the records of this crate lie: memory that is never given back, as types and itabs are never forgotten.
//!
//! Under loom records are boxes that leak, since loom's atomics are objects.

use core::ffi::CStr;
use core::fmt::{self, Write};
use gort_sync::atomic::AtomicPtr;

#[cfg(not(loom))]
static RECORDS: gort_sys::offheap::Persistent = gort_sys::offheap::Persistent::new();

/// Bytes of address space that the records take.
#[cfg(not(loom))]
pub fn mapped_bytes() -> usize {
    RECORDS.mapped_bytes()
}

/// A record holding `value`, for ever; `None` when the OS has no memory.
pub(crate) fn place<T>(value: T) -> Option<&'static T> {
    #[cfg(not(loom))]
    {
        let at = RECORDS.alloc(size_of::<T>(), align_of::<T>())?.cast::<T>();
        // SAFETY: large and aligned enough, ours alone, and never given back.
        unsafe {
            at.write(value);
            Some(at.as_ref())
        }
    }
    #[cfg(loom)]
    Some(Box::leak(Box::new(value)))
}

/// A slice with the items of an iterator that knows its length.
pub(crate) fn slice<T: Copy + 'static>(items: impl ExactSizeIterator<Item = T>) -> Option<&'static mut [T]> {
    let len = items.len();
    if len == 0 {
        return Some(&mut []);
    }
    let at = bytes(size_of::<T>().checked_mul(len)?, align_of::<T>())?.cast::<T>();
    let mut written = 0;
    for item in items.take(len) {
        // SAFETY: inside the block, which is ours.
        unsafe { at.add(written).write(item) };
        written += 1;
    }
    // SAFETY: that many items were written.
    Some(unsafe { core::slice::from_raw_parts_mut(at, written) })
}

/// Zeroed bytes.
pub(crate) fn bytes(size: usize, align: usize) -> Option<*mut u8> {
    #[cfg(not(loom))]
    return RECORDS.alloc(size, align).map(core::ptr::NonNull::as_ptr);
    #[cfg(loom)]
    {
        let words = vec![0u64; size.div_ceil(8)];
        assert!(align <= 8);
        Some(Box::leak(words.into_boxed_slice()).as_mut_ptr().cast())
    }
}

/// Part of a record that is published by an atomic: in a model, reading the record without having seen its writes fails. Nothing in
/// ordinary builds.
pub(crate) struct Witness(#[cfg(loom)] gort_sync::cell::UnsafeCell<u8>);

// SAFETY: written when it is made, read afterwards; the models check that.
#[cfg(loom)]
unsafe impl Sync for Witness {}

impl Witness {
    /// Written now.
    pub(crate) fn new() -> Self {
        #[cfg(not(loom))]
        return Self();
        #[cfg(loom)]
        Self(gort_sync::cell::UnsafeCell::new(0))
    }

    /// Read now.
    #[inline]
    pub(crate) fn see(&self) {
        #[cfg(loom)]
        self.0.with(|_| ());
    }
}

/// An array of null pointers.
#[cfg(not(loom))]
pub(crate) const fn nulls<T, const N: usize>() -> [AtomicPtr<T>; N] {
    [const { AtomicPtr::new(core::ptr::null_mut()) }; N]
}

/// An array of null pointers.
#[cfg(loom)]
pub(crate) fn nulls<T, const N: usize>() -> [AtomicPtr<T>; N] {
    core::array::from_fn(|_| AtomicPtr::new(core::ptr::null_mut()))
}

/// Counts what is written to it.
struct Counter(usize);

impl Write for Counter {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.0 += s.len();
        Ok(())
    }
}

/// Writes into a buffer; what does not fit is cut off and still counted.
pub(crate) struct Cursor<'a> {
    buffer: &'a mut [u8],
    pub(crate) len: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, len: 0 }
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) {
        let start = self.len.min(self.buffer.len());
        let room = &mut self.buffer[start..];
        let n = bytes.len().min(room.len());
        room[..n].copy_from_slice(&bytes[..n]);
        self.len += bytes.len();
    }
}

impl Write for Cursor<'_> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.put(s.as_bytes());
        Ok(())
    }
}

/// The text that `write` writes, which it writes twice: to count, and to keep.
pub(crate) fn text(write: impl Fn(&mut dyn Write) -> fmt::Result) -> Option<&'static CStr> {
    let mut counter = Counter(0);
    write(&mut counter).ok()?;
    let size = counter.0 + 1;
    let at = bytes(size, 1)?;
    // SAFETY: that many bytes, ours alone.
    let buffer = unsafe { core::slice::from_raw_parts_mut(at, size) };
    write(&mut Cursor::new(&mut buffer[..size - 1])).ok()?;
    CStr::from_bytes_until_nul(buffer).ok()
}

/// Bytes as text; what is no UTF-8 becomes the replacement character.
pub(crate) fn write_lossy(out: &mut dyn Write, bytes: &[u8]) -> fmt::Result {
    for chunk in bytes.utf8_chunks() {
        out.write_str(chunk.valid())?;
        if !chunk.invalid().is_empty() {
            out.write_char(char::REPLACEMENT_CHARACTER)?;
        }
    }
    Ok(())
}

/// A slice with the items of an iterator that gives `len` of them.
pub(crate) fn collect<T: Copy + 'static>(
    items: impl Iterator<Item = T>,
    len: usize,
) -> Option<&'static mut [T]> {
    slice(Counted { items, left: len })
}

/// An iterator whose length was counted beforehand.
struct Counted<I> {
    items: I,
    left: usize,
}

impl<I: Iterator> Iterator for Counted<I> {
    type Item = I::Item;
    fn next(&mut self) -> Option<I::Item> {
        self.left = self.left.saturating_sub(1);
        self.items.next()
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<I: Iterator> ExactSizeIterator for Counted<I> {}
