//! Makes the n-th OS call of the process fail, to walk every error path.
//!
//! With the feature `fault`, the environment variable `GORT_FAULT_AT=n` makes the n-th call that passes through
//! [`check`] answer `ENOMEM`, once; `GORT_FAULT_FROM=n` all calls from the n-th on. A test runs a program with n = 1,
//! 2, 3, ... until nothing fails any more. Without the feature every check is a constant `Ok`.

use crate::Errno;

/// The kinds of OS call that can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// None to Reserved.
    Reserve,
    /// Reserved to Ready.
    Commit,
    /// None to Ready.
    Map,
    /// To None.
    Unmap,
    /// Pages given back.
    Discard,
    /// Growing or moving a mapping.
    Remap,
    /// Guard pages.
    Guard,
    /// A per-thread key of the C library.
    ThreadKey,
}

/// Whether this call goes ahead.
#[cfg(any(loom, not(feature = "fault")))]
#[inline(always)]
pub fn check(_: Call) -> Result<(), Errno> {
    Ok(())
}

#[cfg(all(feature = "fault", not(loom)))]
pub use counting::{calls, check};

#[cfg(all(feature = "fault", not(loom)))]
mod counting {
    use super::{Call, Errno};
    use gort_sync::atomic::{AtomicU64, Ordering};

    static CALLS: AtomicU64 = AtomicU64::new(0);

    fn asked(name: &[u8]) -> Option<u64> {
        crate::env::var(name).and_then(crate::env::parse_u64)
    }

    /// How many calls there were.
    pub fn calls() -> u64 {
        CALLS.load(Ordering::Relaxed) // Relaxed: a count.
    }

    /// Whether this call goes ahead.
    pub fn check(_: Call) -> Result<(), Errno> {
        // Relaxed: a count; tests that need an exact call run on one thread.
        let n = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
        let fails = asked(b"GORT_FAULT_AT").is_some_and(|at| at == n)
            || asked(b"GORT_FAULT_FROM").is_some_and(|from| from <= n);
        if fails { Err(Errno::ENOMEM) } else { Ok(()) }
    }
}
