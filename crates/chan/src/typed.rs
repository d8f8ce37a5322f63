//! A channel of Rust values.

use crate::chan::{Closed, NOW, RawChan, Received, Sent, out_of_memory};
use core::marker::PhantomData;
use core::mem::{ManuallyDrop, MaybeUninit};
use core::ptr::NonNull;
use gort_gmp::timer::NEVER;

/// A channel of values; clones are the same channel.
///
/// ```
/// use gort_chan::Chan;
/// let chan = Chan::new(1);
/// chan.send(5).unwrap();
/// assert_eq!(chan.recv(), Some(5));
/// assert!(chan.close());
/// assert_eq!(chan.recv(), None);
/// assert_eq!(chan.send(6), Err(6), "closed");
/// ```
pub struct Chan<T: Send> {
    raw: NonNull<RawChan>,
    values: PhantomData<fn(T) -> T>,
}

// SAFETY: values move from thread to thread.
unsafe impl<T: Send> Send for Chan<T> {}
// SAFETY: as above; all methods take the lock.
unsafe impl<T: Send> Sync for Chan<T> {}

impl<T: Send> Chan<T> {
    /// A channel with room for `cap` values. Values are at most 64 KiB, and aligned to 16 at most.
    pub fn new(cap: usize) -> Self {
        const { assert!(size_of::<T>() < crate::chan::ELEM_LIMIT && align_of::<T>() <= 16, "box the values") };
        match RawChan::make(size_of::<T>(), cap) {
            Ok(raw) => Self { raw, values: PhantomData },
            Err(_) => out_of_memory(),
        }
    }

    /// The channel of bytes below, for a select.
    pub fn raw(&self) -> &RawChan {
        // SAFETY: alive while we have a reference.
        unsafe { self.raw.as_ref() }
    }

    /// Sends; the value comes back when the channel is closed.
    pub fn send(&self, value: T) -> Result<(), T> {
        match self.send_until(value, NEVER) {
            (Sent::Yes, _) => Ok(()),
            (_, Some(value)) => Err(value),
            (_, None) => Ok(()),
        }
    }

    /// Sends if that needs no waiting; else the value comes back, and whether the channel was closed.
    pub fn try_send(&self, value: T) -> Result<(), (T, Sent)> {
        match self.send_until(value, NOW) {
            (sent, Some(value)) => Err((value, sent)),
            (_, None) => Ok(()),
        }
    }

    /// Sends until a moment; the value comes back if it did not go over.
    pub fn send_until(&self, value: T, when: u64) -> (Sent, Option<T>) {
        let value = ManuallyDrop::new(value);
        // SAFETY: the value, which is forgotten if it went over.
        let sent = unsafe { self.raw().send((&raw const value).cast(), when) };
        (sent, (sent != Sent::Yes).then(|| ManuallyDrop::into_inner(value)))
    }

    /// Receives; `None` when the channel is closed and empty.
    pub fn recv(&self) -> Option<T> {
        self.recv_until(NEVER).ok().flatten()
    }

    /// Receives if that needs no waiting. `Err`: it would have to wait. `Ok(None)`: closed.
    pub fn try_recv(&self) -> Result<Option<T>, Received> {
        self.recv_until(NOW)
    }

    /// Receives until a moment.
    pub fn recv_until(&self, when: u64) -> Result<Option<T>, Received> {
        let mut value = MaybeUninit::<T>::uninit();
        // SAFETY: room for a value.
        match unsafe { self.raw().recv(value.as_mut_ptr().cast(), when) } {
            // SAFETY: a value was received.
            Received::Value => Ok(Some(unsafe { value.assume_init() })),
            Received::Closed => Ok(None),
            Received::No => Err(Received::No),
        }
    }

    /// Closes the channel; `false` when it was closed before.
    pub fn close(&self) -> bool {
        self.raw().close() == Closed::Yes
    }
}

impl<T: Send> Clone for Chan<T> {
    fn clone(&self) -> Self {
        self.raw().add_ref();
        Self { raw: self.raw, values: PhantomData }
    }
}

impl<T: Send> Drop for Chan<T> {
    fn drop(&mut self) {
        if core::mem::needs_drop::<T>() && self.raw().is_last_ref() {
            // Nobody else has it: the values that are left are ours.
            while let Ok(Some(value)) = self.try_recv() {
                drop(value);
            }
        }
        // SAFETY: our reference.
        unsafe { RawChan::drop_ref(self.raw) };
    }
}
