//! Text out, without allocating, locking or buffering: one line, one `write`.
//!
//! Two kinds of end are told apart, as Go's HACKING.md does: [`fatal`] is the caller's fault and names the call that
//! the user made; [`throw`] is ours, a broken invariant.

use core::fmt::{self, Write};

/// A line under construction, on the stack. What does not fit is cut off.
pub struct Line {
    bytes: [u8; Line::CAPACITY],
    len: usize,
}

impl Line {
    /// The longest line.
    pub const CAPACITY: usize = 512;

    /// An empty line.
    pub const fn new() -> Self {
        Self { bytes: [0; Self::CAPACITY], len: 0 }
    }

    /// What has been written so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Default for Line {
    fn default() -> Self {
        Self::new()
    }
}

impl Write for Line {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        let n = s.len().min(Self::CAPACITY - self.len);
        self.bytes[self.len..self.len + n].copy_from_slice(&s.as_bytes()[..n]);
        self.len += n;
        Ok(())
    }
}

/// Writes all bytes to a descriptor. Gives up on the first error; `errno` stays as it was.
#[cfg(not(loom))]
pub fn write_all(fd: i32, mut bytes: &[u8]) -> Result<(), crate::Errno> {
    while !bytes.is_empty() {
        // SAFETY: reads the given bytes.
        let raw = unsafe {
            crate::arch::syscall6(
                libc::SYS_write as usize,
                [fd as usize, bytes.as_ptr() as usize, bytes.len(), 0, 0, 0],
            )
        };
        match crate::Errno::check(raw) {
            Ok(n) => bytes = &bytes[n..],
            Err(e) if e.0 == libc::EINTR => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// A descriptor as a place to format to, line by line through a stack buffer.
#[cfg(not(loom))]
pub struct Fd {
    fd: i32,
    line: Line,
    error: Option<crate::Errno>,
}

#[cfg(not(loom))]
impl Fd {
    /// Formats to `fd` from here on.
    pub const fn new(fd: i32) -> Self {
        Self { fd, line: Line::new(), error: None }
    }

    /// Writes what is still buffered; the first error since the start, if there was one.
    pub fn finish(mut self) -> Result<(), crate::Errno> {
        self.flush();
        self.error.map_or(Ok(()), Err)
    }

    fn flush(&mut self) {
        if let Err(e) = write_all(self.fd, self.line.as_bytes()) {
            self.error.get_or_insert(e);
        }
        self.line.len = 0;
    }
}

#[cfg(not(loom))]
impl Write for Fd {
    fn write_str(&mut self, mut s: &str) -> fmt::Result {
        while !s.is_empty() {
            if self.line.len == Line::CAPACITY {
                self.flush();
            }
            let mut n = s.len().min(Line::CAPACITY - self.line.len);
            while !s.is_char_boundary(n) {
                n -= 1;
            }
            if n == 0 {
                self.flush();
                continue;
            }
            let _ = self.line.write_str(&s[..n]);
            s = &s[n..];
        }
        Ok(())
    }
}

/// A C stream (`FILE *`) as a place to format to.
#[cfg(not(loom))]
pub struct Stream(*mut core::ffi::c_void);

#[cfg(not(loom))]
impl Stream {
    /// Formats to `stream` from here on.
    ///
    /// # Safety
    /// An open C stream, for as long as this value is used.
    pub const unsafe fn new(stream: *mut core::ffi::c_void) -> Self {
        Self(stream)
    }
}

#[cfg(not(loom))]
impl Write for Stream {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        // SAFETY: an open stream, by the contract of `new`; reads the given bytes.
        let n = unsafe { libc::fwrite(s.as_ptr().cast(), 1, s.len(), self.0.cast()) };
        if n == s.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

/// Writes a whole file, made anew. The path is at most 4,095 bytes.
#[cfg(not(loom))]
pub fn write_file(path: &[u8], bytes: &[u8]) -> Result<(), crate::Errno> {
    let mut name = [0u8; 4096];
    name.get_mut(..path.len())
        .filter(|n| n.len() < 4096)
        .ok_or(crate::Errno(libc::ENAMETOOLONG))?
        .copy_from_slice(path);
    let flags = (libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC | libc::O_CLOEXEC) as usize;
    // SAFETY: opens a file by a name that ends with a zero byte.
    let fd = crate::Errno::check(unsafe {
        crate::arch::syscall6(
            libc::SYS_openat as usize,
            [libc::AT_FDCWD as usize, name.as_ptr() as usize, flags, 0o644, 0, 0],
        )
    })?;
    let written = write_all(fd as i32, bytes);
    // SAFETY: opened above.
    unsafe { crate::arch::syscall6(libc::SYS_close as usize, [fd, 0, 0, 0, 0, 0]) };
    written
}

/// One line on standard error; the program goes on.
#[cfg(not(loom))]
pub fn note(message: fmt::Arguments<'_>) {
    let mut line = Line::new();
    let _ = writeln!(line, "gort: {message}");
    let _ = write_all(2, line.as_bytes());
}

/// Ends the process because Rust code of this library panicked: for panic handlers.
#[cfg(not(loom))]
#[cold]
pub fn panicked(info: &core::panic::PanicInfo<'_>) -> ! {
    stop(format_args!("gort: internal error: {info}"))
}

/// Ends the process because of a caller's mistake: one line on standard error that names the call, the address and
/// the fault, then `SIGABRT`.
#[cfg(not(loom))]
#[cold]
pub fn fatal(call: &str, addr: usize, fault: fmt::Arguments<'_>) -> ! {
    stop(format_args!("gort: {call}({addr:#x}): {fault}"))
}

/// Ends the process because an invariant of this library is broken.
#[cfg(not(loom))]
#[cold]
pub fn throw(what: &str) -> ! {
    stop(format_args!("gort: internal error: {what}"))
}

#[cfg(not(loom))]
fn stop(message: fmt::Arguments<'_>) -> ! {
    let mut line = Line::new();
    let _ = line.write_fmt(message);
    line.len = line.len.min(Line::CAPACITY - 1);
    let _ = line.write_str("\n");
    let _ = write_all(2, line.as_bytes());
    // SAFETY: ends the process.
    unsafe { libc::abort() }
}

/// As in ordinary builds; a model fails by panicking.
#[cfg(loom)]
pub fn fatal(call: &str, addr: usize, fault: fmt::Arguments<'_>) -> ! {
    panic!("gort: {call}({addr:#x}): {fault}")
}

/// As in ordinary builds; a model fails by panicking.
#[cfg(loom)]
pub fn throw(what: &str) -> ! {
    panic!("gort: internal error: {what}")
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_off_at_its_capacity() {
        let mut line = Line::new();
        for _ in 0..100 {
            write!(line, "0123456789").unwrap();
        }
        assert_eq!(line.as_bytes().len(), Line::CAPACITY);
    }

    #[test]
    fn long_text_reaches_the_descriptor_whole() {
        let mut ends = [0; 2];
        // SAFETY: fills two descriptors.
        assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
        let text = "täglich ".repeat(700);
        let mut fd = Fd::new(ends[1]);
        fd.write_str(&text).unwrap();
        fd.finish().unwrap();
        // SAFETY: our own descriptor.
        unsafe { libc::close(ends[1]) };
        let mut read = Vec::new();
        let mut buffer = [0u8; 4096];
        loop {
            // SAFETY: reads into our own buffer.
            let n = unsafe { libc::read(ends[0], buffer.as_mut_ptr().cast(), buffer.len()) };
            if n <= 0 {
                break;
            }
            read.extend_from_slice(&buffer[..n as usize]);
        }
        assert_eq!(read, text.as_bytes());
    }
}
