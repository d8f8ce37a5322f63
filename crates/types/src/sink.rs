//! Where text goes that may hold any bytes, as C strings do.

use crate::records::Cursor;
use core::fmt::{self, Write};

/// Takes bytes.
pub trait Sink {
    /// Appends.
    fn put(&mut self, bytes: &[u8]);
}

/// A [`Sink`] as a place to format to.
pub struct Text<'a>(pub &'a mut dyn Sink);

impl Write for Text<'_> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.0.put(s.as_bytes());
        Ok(())
    }
}

/// A buffer of fixed size, which counts what does not fit, as `snprintf` does.
pub struct Buffer<'a>(Cursor<'a>);

impl<'a> Buffer<'a> {
    /// Writes to `bytes` from its start.
    pub fn new(bytes: &'a mut [u8]) -> Self {
        Self(Cursor::new(bytes))
    }

    /// Bytes written, and those that found no room.
    pub fn total(&self) -> usize {
        self.0.len
    }
}

impl Sink for Buffer<'_> {
    fn put(&mut self, bytes: &[u8]) {
        self.0.put(bytes);
    }
}
