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

/// A descriptor put aside for the end of the program, which may have closed its own by then.
#[cfg(not(loom))]
#[derive(Clone, Copy)]
pub struct Kept {
    fd: i32,
    /// Device and number of the file.
    file: (u64, u64),
}

#[cfg(not(loom))]
impl Kept {
    /// Descriptors from this one on are taken: far from those that a program counts on.
    const FIRST: i32 = 200;

    /// Puts a copy of a descriptor aside; a program that is started in our place does not get it.
    pub fn new(fd: i32) -> Option<Self> {
        // SAFETY: duplicates a descriptor.
        let copy = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, Self::FIRST) };
        Some(Self { fd: copy, file: Self::file_of(copy)? })
    }

    /// The descriptor, if it still is the file that was put aside: programs close what they do not know.
    pub fn get(&self) -> Option<i32> {
        (Self::file_of(self.fd)? == self.file).then_some(self.fd)
    }

    fn file_of(fd: i32) -> Option<(u64, u64)> {
        let mut about = core::mem::MaybeUninit::<libc::stat>::uninit();
        // SAFETY: fills the record, or fails.
        unsafe {
            (libc::fstat(fd, about.as_mut_ptr()) == 0).then(|| {
                let about = about.assume_init();
                (about.st_dev, about.st_ino)
            })
        }
    }
}

/// Writes a file whole: whoever opens it sees the old contents or the new. Devices are written as they are. The path is
/// less than 4,000 bytes.
#[cfg(not(loom))]
pub fn write_file(path: &[u8], bytes: &[u8]) -> Result<(), crate::Errno> {
    let name = Name::new(&[path])?;
    if path.starts_with(b"/dev/") || path.starts_with(b"/proc/") {
        return write_to(&name, bytes);
    }
    let mut suffix = Line::new();
    let _ = write!(suffix, ".{}.new", crate::env::process_id());
    let fresh = Name::new(&[path, suffix.as_bytes()])?;
    write_to(&fresh, bytes)?;
    let (from, to) = (fresh.0.as_ptr() as usize, name.0.as_ptr() as usize);
    let here = libc::AT_FDCWD as usize;
    // SAFETY: renames by names that end with a zero byte.
    let raw = unsafe { crate::arch::syscall6(libc::SYS_renameat as usize, [here, from, here, to, 0, 0]) };
    crate::Errno::check(raw).map(|_| ())
}

/// A path as the kernel wants it.
#[cfg(not(loom))]
struct Name([u8; 4096]);

#[cfg(not(loom))]
impl Name {
    fn new(parts: &[&[u8]]) -> Result<Self, crate::Errno> {
        let (mut name, mut len) = (Self([0; 4096]), 0);
        for part in parts {
            let end = len + part.len();
            // The last byte stays nought.
            let room = name.0[..4095].get_mut(len..end).ok_or(crate::Errno(libc::ENAMETOOLONG))?;
            room.copy_from_slice(part);
            len = end;
        }
        Ok(name)
    }
}

#[cfg(not(loom))]
fn write_to(name: &Name, bytes: &[u8]) -> Result<(), crate::Errno> {
    let flags = (libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC | libc::O_CLOEXEC) as usize;
    // SAFETY: opens a file by a name that ends with a zero byte.
    let fd = crate::Errno::check(unsafe {
        crate::arch::syscall6(
            libc::SYS_openat as usize,
            [libc::AT_FDCWD as usize, name.0.as_ptr() as usize, flags, 0o644, 0, 0],
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
    fn a_kept_descriptor_is_known_again_and_another_file_is_not_taken_for_it() {
        let open = |path: &core::ffi::CStr| {
            // SAFETY: opens a file.
            let fd = unsafe { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
            assert!(fd >= 0);
            fd
        };
        let kept = Kept::new(open(c"/dev/null")).unwrap();
        assert!(kept.get().is_some_and(|fd| fd >= Kept::FIRST));
        // SAFETY: our own descriptors.
        unsafe { libc::dup2(open(c"/proc/self/exe"), kept.fd) };
        assert_eq!(kept.get(), None);
        // SAFETY: as above.
        unsafe { libc::close(kept.fd) };
        assert_eq!(kept.get(), None);
        assert!(Kept::new(-1).is_none());
    }

    #[test]
    fn a_file_is_replaced_whole() {
        let path = std::env::temp_dir().join(format!("gort-write-{}", std::process::id()));
        let name = path.as_os_str().as_encoded_bytes();
        for text in ["a long first text", "short"] {
            write_file(name, text.as_bytes()).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(write_file(b"/nowhere/at/all", b"x"), Err(crate::Errno(libc::ENOENT)));
        assert_eq!(write_file(&[b'x'; 4095], b"x"), Err(crate::Errno(libc::ENAMETOOLONG)));
        write_file(b"/dev/null", b"x").unwrap();
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
