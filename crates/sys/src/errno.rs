//! Error numbers as values.

use core::fmt;

/// What the kernel answered instead of a result.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Errno(pub i32);

impl Errno {
    /// Out of memory, address space or mappings.
    pub const ENOMEM: Self = Self(libc::ENOMEM);
    /// An argument that the call does not take.
    pub const EINVAL: Self = Self(libc::EINVAL);
    /// No such thing.
    pub const ENOENT: Self = Self(libc::ENOENT);
    /// Not supported.
    pub const ENOTSUP: Self = Self(libc::ENOTSUP);
    /// Something is there already.
    pub const EEXIST: Self = Self(libc::EEXIST);
    /// It would have to wait.
    pub const EAGAIN: Self = Self(libc::EAGAIN);
    /// In use, or running already.
    pub const EBUSY: Self = Self(libc::EBUSY);
    /// The other end is closed.
    pub const EPIPE: Self = Self(libc::EPIPE);
    /// A deadline passed.
    pub const ETIMEDOUT: Self = Self(libc::ETIMEDOUT);

    /// Reads a raw system call result: small negative numbers are errors.
    #[cfg_attr(loom, allow(dead_code))]
    pub(crate) fn check(raw: isize) -> Result<usize, Self> {
        if (-4095..0).contains(&raw) { Err(Self(-raw as i32)) } else { Ok(raw as usize) }
    }

    /// The calling thread's C `errno`.
    pub fn get() -> Self {
        // SAFETY: as in `set`.
        Self(unsafe { *libc::__errno_location() })
    }

    /// Stores this number in the calling thread's C `errno`.
    pub fn set(self) {
        // SAFETY: glibc returns the address of the calling thread's errno, valid while the thread lives.
        unsafe { *libc::__errno_location() = self.0 }
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ENOMEM => f.write_str("ENOMEM"),
            Self::EINVAL => f.write_str("EINVAL"),
            Self::EEXIST => f.write_str("EEXIST"),
            Self::ETIMEDOUT => f.write_str("ETIMEDOUT"),
            Self(n) => write!(f, "errno {n}"),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn splits_results_from_errors_at_minus_4095() {
        assert_eq!(Errno::check(0), Ok(0));
        assert_eq!(Errno::check(-12), Err(Errno::ENOMEM));
        assert_eq!(Errno::check(-4095), Err(Errno(4095)));
        assert_eq!(Errno::check(-4096), Ok(-4096isize as usize));
    }
}
