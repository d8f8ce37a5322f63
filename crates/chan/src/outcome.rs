//! What becomes of an operation on a channel, and what is left to do when the lock is dropped.

use crate::chan::NOW;
use alloc::alloc::{Layout, handle_alloc_error};
use gort_gmp::timer::NEVER;
use gort_gmp::{WaitReason, Waiter};

/// Why there is no channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MakeError {
    /// The element is too large (CH-2).
    ElementSize,
    /// So many elements do not fit the address space (CH-1), or the memory.
    OutOfMemory,
}

/// What became of a send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sent {
    /// The value went over.
    Yes,
    /// The channel is closed: Go panics with `send on closed channel` (CH-5).
    Closed,
    /// It would have to wait, or the deadline came.
    No,
}

/// What became of a receive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Received {
    /// A value.
    Value,
    /// The channel is closed and empty; the place of the value was zeroed (CH-6).
    Closed,
    /// It would have to wait, or the deadline came.
    No,
}

/// What became of a close.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Closed {
    /// It is closed now.
    Yes,
    /// It was before: Go panics with `close of closed channel` (CH-4).
    Before,
}

/// Whom to ready after the lock is dropped.
#[must_use]
pub(crate) struct Wake(pub(crate) *const Waiter);

impl Wake {
    pub(crate) const NOBODY: Self = Self(core::ptr::null());

    /// # Safety
    /// Taken out of a queue and claimed, and not readied yet.
    pub(crate) unsafe fn ready(self) {
        if !self.0.is_null() {
            // SAFETY: the caller's.
            unsafe { Waiter::ready(self.0) };
        }
    }
}

/// Whether a deadline has passed.
pub(crate) fn is_over(when: u64) -> bool {
    when == NOW || (when != NEVER && gort_sys::clock::now_ns() >= when)
}

/// Waits for ever, as a nil channel does (CH-3, SE-1).
pub fn block_forever(reason: WaitReason) -> ! {
    let waiter = Waiter::new();
    loop {
        // SAFETY: nobody readies it.
        unsafe { waiter.park(reason, gort_sys::context::nothing, 0) };
    }
}

/// Ends the program where there is no memory: for the typed channel.
pub(crate) fn out_of_memory() -> ! {
    handle_alloc_error(Layout::new::<crate::RawChan>())
}
