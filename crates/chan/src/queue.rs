//! The wait queue of one direction of a channel, and one place in it.
//!
//! Go's `sudog` and `waitq`. A place lies on the stack of who waits, since a C stack does not move. First in, first out (CH-10);
//! a waiter that stands in several queues, or has a deadline, must be claimed by who takes it out, and is passed over when
//! somebody else was faster.

use core::ptr::null_mut;
use gort_gmp::Waiter;

/// One who waits in one queue. Everything in it is under the channel's lock, until it has been taken out.
pub(crate) struct Place {
    pub(crate) waiter: *const Waiter,
    /// Where the value comes from or goes to; null to discard it.
    pub(crate) elem: *mut u8,
    /// Number of the select case.
    pub(crate) index: u32,
    /// The waiter stands nowhere else and has no deadline: no claim is needed.
    pub(crate) alone: bool,
    /// What the waker says: a value went over.
    pub(crate) ok: bool,
    queued: bool,
    next: *mut Place,
    prev: *mut Place,
}

impl Place {
    pub(crate) fn new(waiter: *const Waiter, elem: *mut u8, index: u32, alone: bool) -> Self {
        Self { waiter, elem, index, alone, ok: false, queued: false, next: null_mut(), prev: null_mut() }
    }
}

/// Who waits, oldest first.
pub(crate) struct Queue {
    first: *mut Place,
    last: *mut Place,
}

impl Queue {
    pub(crate) const fn new() -> Self {
        Self { first: null_mut(), last: null_mut() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_null()
    }

    /// Puts a place at the end.
    ///
    /// # Safety
    /// It stays where it is until it is taken out or removed.
    pub(crate) unsafe fn push(&mut self, place: *mut Place) {
        // SAFETY: the caller's; queued places are alive.
        unsafe {
            (*place).queued = true;
            (*place).next = null_mut();
            (*place).prev = self.last;
            match self.last.is_null() {
                true => self.first = place,
                false => (*self.last).next = place,
            }
        }
        self.last = place;
    }

    /// Takes the oldest out whose waiter is ours to ready.
    pub(crate) fn take(&mut self) -> Option<*mut Place> {
        while !self.first.is_null() {
            let place = self.first;
            // SAFETY: queued places are alive, and so are their waiters.
            unsafe {
                self.unlink(place);
                if (*place).alone || (*(*place).waiter).claim((*place).index + 1) {
                    return Some(place);
                }
            }
        }
        None
    }

    /// Takes the waiter of the oldest place out, who was claimed before.
    pub(crate) fn take_claimed(&mut self) -> Option<*const Waiter> {
        let place = self.first;
        if place.is_null() {
            return None;
        }
        // SAFETY: it waits to be readied, so it is alive.
        unsafe {
            self.unlink(place);
            Some((*place).waiter)
        }
    }

    /// Takes a place out, wherever it is, if it still is in the queue.
    ///
    /// # Safety
    /// It is in this queue, or was.
    pub(crate) unsafe fn remove(&mut self, place: *mut Place) {
        // SAFETY: the caller's.
        unsafe {
            if (*place).queued {
                self.unlink(place);
            }
        }
    }

    /// # Safety
    /// The place is in this queue.
    unsafe fn unlink(&mut self, place: *mut Place) {
        // SAFETY: queued places are alive.
        unsafe {
            let (next, prev) = ((*place).next, (*place).prev);
            match prev.is_null() {
                true => self.first = next,
                false => (*prev).next = next,
            }
            match next.is_null() {
                true => self.last = prev,
                false => (*next).prev = prev,
            }
            (*place).queued = false;
        }
    }
}
