//! A value that shares its cache line with nothing else.

use core::ops::{Deref, DerefMut};

/// Aligned to 128 bytes: two lines, since Intel's adjacent-line prefetcher and some aarch64 cores fetch pairs.
#[repr(align(128))]
#[derive(Default)]
pub struct CachePadded<T>(T);

impl<T> CachePadded<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Gives the value back.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for CachePadded<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for CachePadded<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}
