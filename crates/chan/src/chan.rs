//! The channel, of elements that are bytes.
//!
//! Follows Go's `chan.go`. One lock; a ring of elements behind the record; a queue of waiting senders and one of receivers. A value
//! goes straight to the memory of a waiting receiver, past the ring (CH-8); a sender that waits for room puts its value into the
//! slot that a receiver has just emptied (CH-9). Nobody is readied under the lock.
//!
//! # Invariants
//! I1. At least one of the two queues is empty, but for waiters of a select that stands in both.
//! I2. `len > 0` implies that nobody waits to receive, and `len < cap` that nobody waits to send; but for waiters that
//!     somebody else has claimed.
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | C1 | `looks_full`, `looks_empty`, `is_closed` load hints | Acquire | C2 | in this order: see below |
//! | C2 | `note` and `close` store hints, under the lock | Release | C1 | the same |
//! | C3 | `drop_ref` | Release, then Acquire fence | C3 | all uses, to who frees it |
//!
//! A send that does not block may answer from the hints that the channel is full (CH-13): `closed` is read first, so that it was
//! open when it was full at the latest. A receive reads emptiness, then `closed`, then emptiness again: a channel that is
//! closed is not refilled.
//!
//! Model: `tests/loom_chan.rs`.

use crate::outcome::Wake;
pub use crate::outcome::block_forever;
pub use crate::outcome::{Closed, MakeError, Received, Sent};
pub(crate) use crate::outcome::{is_over, out_of_memory};
use crate::queue::{Place, Queue};
use alloc::alloc::{Layout, alloc, dealloc};
use core::ptr::{NonNull, copy_nonoverlapping, write_bytes};
use gort_gmp::timer::NEVER;
use gort_gmp::{WaitReason, Waiter};
use gort_sync::atomic::Ordering::{Acquire, Relaxed, Release};
use gort_sync::atomic::{AtomicU32, AtomicUsize, fence};
use gort_sync::cell::UnsafeCell;
use gort_sys::lock::Lock;

/// The largest element, and a byte more (CH-2).
pub const ELEM_LIMIT: usize = 64 << 10;

/// How long to wait: not at all.
pub const NOW: u64 = 0;

/// A channel of elements that are bytes. Reference counted by hand; the typed one is [`crate::Chan`].
pub struct RawChan {
    pub(crate) lock: Lock,
    refs: AtomicU32,
    elem: usize,
    cap: usize,
    /// A timer's: it shows neither length nor capacity (CH-11).
    is_timer: bool,
    closed: AtomicU32,
    len: AtomicUsize,
    /// Somebody waits to receive, or to send.
    waiting: [AtomicU32; 2],
    state: UnsafeCell<State>,
}

/// What the lock guards.
pub(crate) struct State {
    pub(crate) receivers: Queue,
    pub(crate) senders: Queue,
    pub(crate) closed: bool,
    len: usize,
    first: usize,
    ring: *mut u8,
}

// SAFETY: the state is under the lock; elements are bytes, whose meaning the users answer for.
unsafe impl Send for RawChan {}
// SAFETY: as above.
unsafe impl Sync for RawChan {}

impl RawChan {
    fn layout(elem: usize, cap: usize) -> Result<(Layout, usize), MakeError> {
        if elem >= ELEM_LIMIT {
            return Err(MakeError::ElementSize);
        }
        let bytes = elem.checked_mul(cap).ok_or(MakeError::OutOfMemory)?;
        let ring = Layout::from_size_align(bytes, 16).map_err(|_| MakeError::OutOfMemory)?;
        let (all, at) = Layout::new::<Self>().extend(ring).map_err(|_| MakeError::OutOfMemory)?;
        Ok((all.pad_to_align(), at))
    }

    /// A channel with room for `cap` elements, and one reference.
    pub fn make(elem: usize, cap: usize) -> Result<NonNull<Self>, MakeError> {
        Self::make_as(elem, cap, false)
    }

    pub(crate) fn make_as(elem: usize, cap: usize, is_timer: bool) -> Result<NonNull<Self>, MakeError> {
        let (layout, ring) = Self::layout(elem, cap)?;
        // SAFETY: the record has a size.
        let at = unsafe { alloc(layout) };
        let chan = NonNull::new(at.cast::<Self>()).ok_or(MakeError::OutOfMemory)?;
        // SAFETY: inside of the allocation.
        let ring = unsafe { at.add(ring) };
        let state =
            State { receivers: Queue::new(), senders: Queue::new(), closed: false, len: 0, first: 0, ring };
        // SAFETY: fresh memory, large and aligned enough.
        unsafe {
            chan.write(Self {
                lock: Lock::new(),
                refs: AtomicU32::new(1),
                elem,
                cap,
                is_timer,
                closed: AtomicU32::new(0),
                len: AtomicUsize::new(0),
                waiting: [AtomicU32::new(0), AtomicU32::new(0)],
                state: UnsafeCell::new(state),
            });
        }
        Ok(chan)
    }

    /// One more reference.
    pub fn add_ref(&self) {
        self.refs.fetch_add(1, Relaxed); // Relaxed: the caller has one already.
    }

    /// One reference less; the last one frees the channel. Elements in it are forgotten.
    ///
    /// # Safety
    /// The caller's reference.
    pub unsafe fn drop_ref(this: NonNull<Self>) {
        // SAFETY: alive while there is a reference.
        let chan = unsafe { this.as_ref() };
        // ORD[C3] Release: our uses.
        if chan.refs.fetch_sub(1, Release) == 1 {
            // ORD[C3] Acquire: everybody's uses.
            fence(Acquire);
            if let Ok((layout, _)) = Self::layout(chan.elem, chan.cap) {
                // SAFETY: the last reference; made with this layout.
                unsafe {
                    this.drop_in_place();
                    dealloc(this.as_ptr().cast(), layout);
                }
            }
        }
    }

    /// Whether the caller's reference is the only one.
    pub(crate) fn is_last_ref(&self) -> bool {
        self.refs.load(Acquire) == 1 // ORD[C3] Acquire: everybody's uses.
    }

    /// Bytes of an element.
    pub fn elem_size(&self) -> usize {
        self.elem
    }

    /// How many elements are in it (CH-11).
    pub fn len(&self) -> usize {
        if self.is_timer { 0 } else { self.len.load(Relaxed) } // Relaxed: a number, stale at once.
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many elements it has room for.
    pub fn cap(&self) -> usize {
        if self.is_timer { 0 } else { self.cap }
    }

    /// The state, for who holds the lock.
    #[allow(clippy::mut_from_ref, reason = "the lock makes it exclusive")]
    pub(crate) unsafe fn state(&self) -> &mut State {
        // SAFETY: the caller holds the lock.
        self.state.with_mut(|state| unsafe { &mut *state })
    }

    /// Brings the hints up to date and gives the lock back.
    ///
    /// # Safety
    /// The caller holds the lock.
    #[inline]
    pub(crate) unsafe fn unlock(&self) {
        self.note();
        // SAFETY: the caller's.
        unsafe { self.lock.release() };
    }

    #[cfg(loom)]
    pub(crate) fn note(&self) {
        // Models leave the hints out: nobody in them looks without the lock.
    }

    #[cfg(not(loom))]
    pub(crate) fn note(&self) {
        // SAFETY: called under the lock.
        let state = unsafe { self.state() };
        // ORD[C2] Release: in this order.
        self.len.store(state.len, Release);
        // ORD[C2] Release: as above.
        self.waiting[0].store(!state.receivers.is_empty() as u32, Release);
        // ORD[C2] Release: as above.
        self.waiting[1].store(!state.senders.is_empty() as u32, Release);
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Acquire) != 0 // ORD[C1] Acquire: what follows is read later.
    }

    fn looks_full(&self) -> bool {
        match self.cap {
            0 => self.waiting[0].load(Acquire) == 0, // ORD[C1] Acquire.
            cap => self.len.load(Acquire) == cap,    // ORD[C1] Acquire.
        }
    }

    fn looks_empty(&self) -> bool {
        match self.cap {
            0 => self.waiting[1].load(Acquire) == 0, // ORD[C1] Acquire.
            _ => self.len.load(Acquire) == 0,        // ORD[C1] Acquire.
        }
    }

    /// Sends the element at `elem`, waiting until `when` at most ([`NOW`], [`NEVER`]).
    ///
    /// # Safety
    /// `elem` can be read, as many bytes as an element has.
    pub unsafe fn send(&self, elem: *const u8, when: u64) -> Sent {
        if when == NOW && !self.is_closed() && self.looks_full() {
            return Sent::No;
        }
        self.lock.acquire();
        // SAFETY: locked; the caller's element.
        if let Some((sent, wakes)) = unsafe { self.try_send(elem) } {
            // SAFETY: locked; and who was taken out of the queue is ours to ready.
            unsafe {
                self.unlock();
                wakes.ready();
            }
            return sent;
        }
        if is_over(when) {
            // SAFETY: locked.
            unsafe { self.unlock() };
            return Sent::No;
        }
        let waiter = Waiter::new();
        let mut place = Place::new(&waiter, elem.cast_mut(), 0, when == NEVER);
        // SAFETY: locked; the place stays until we have been readied, or removed it.
        let woken = unsafe {
            self.state().senders.push(&mut place);
            self.note();
            self.wait(&waiter, WaitReason::ChanSend, when)
        };
        if !woken {
            // SAFETY: locked by us.
            unsafe { self.leave(|state| state.senders.remove(&mut place)) };
            return Sent::No;
        }
        // Afresh: the waker wrote it.
        // SAFETY: our own.
        if unsafe { (&raw const place.ok).read_volatile() } { Sent::Yes } else { Sent::Closed }
    }

    /// Receives an element to `elem` (null: discarded), waiting until `when` at most.
    ///
    /// # Safety
    /// `elem` is null or can be written, as many bytes as an element has.
    pub unsafe fn recv(&self, elem: *mut u8, when: u64) -> Received {
        if when == NOW && self.looks_empty() {
            if !self.is_closed() {
                return Received::No;
            }
            if self.looks_empty() {
                // SAFETY: the caller's.
                unsafe { self.zero(elem) };
                return Received::Closed;
            }
        }
        self.lock.acquire();
        // SAFETY: locked; the caller's element.
        if let Some((received, wakes)) = unsafe { self.try_recv(elem) } {
            // SAFETY: locked; and who was taken out of the queue is ours to ready.
            unsafe {
                self.unlock();
                wakes.ready();
            }
            return received;
        }
        if is_over(when) {
            // SAFETY: locked.
            unsafe { self.unlock() };
            return Received::No;
        }
        let waiter = Waiter::new();
        let mut place = Place::new(&waiter, elem, 0, when == NEVER);
        // SAFETY: locked; the place stays until we have been readied, or removed it.
        let woken = unsafe {
            self.state().receivers.push(&mut place);
            self.note();
            self.wait(&waiter, WaitReason::ChanReceive, when)
        };
        if !woken {
            // SAFETY: locked by us.
            unsafe { self.leave(|state| state.receivers.remove(&mut place)) };
            return Received::No;
        }
        // Afresh: the waker wrote it.
        // SAFETY: our own.
        if unsafe { (&raw const place.ok).read_volatile() } { Received::Value } else { Received::Closed }
    }

    /// Parks; the lock is dropped once the stack is at rest.
    unsafe fn wait(&self, waiter: &Waiter, reason: WaitReason, when: u64) -> bool {
        let lock = (&raw const self.lock).expose_provenance();
        // SAFETY: whoever takes us out of the queue readies us, under the lock that is dropped after the switch.
        unsafe { waiter.park_until(reason, when, gort_gmp::unlock, lock) }
    }

    /// Leaves a queue after a deadline.
    unsafe fn leave(&self, remove: impl FnOnce(&mut State)) {
        self.lock.acquire();
        // SAFETY: locked.
        unsafe {
            remove(self.state());
            self.unlock();
        }
    }

    /// What a send can do at once, under the lock.
    pub(crate) unsafe fn try_send(&self, elem: *const u8) -> Option<(Sent, Wake)> {
        // SAFETY: the caller holds the lock; elements have `self.elem` bytes on either side.
        unsafe {
            let state = self.state();
            if state.closed {
                return Some((Sent::Closed, Wake::NOBODY));
            }
            if let Some(receiver) = state.receivers.take() {
                self.copy(elem, (*receiver).elem);
                (*receiver).ok = true;
                return Some((Sent::Yes, Wake((*receiver).waiter)));
            }
            if state.len == self.cap {
                return None;
            }
            self.copy(elem, self.slot(state, state.first + state.len));
            state.len += 1;
            Some((Sent::Yes, Wake::NOBODY))
        }
    }

    /// What a receive can do at once, under the lock.
    pub(crate) unsafe fn try_recv(&self, elem: *mut u8) -> Option<(Received, Wake)> {
        // SAFETY: the caller holds the lock; elements have `self.elem` bytes on either side.
        unsafe {
            let state = self.state();
            if state.closed && state.len == 0 {
                self.zero(elem);
                return Some((Received::Closed, Wake::NOBODY));
            }
            let sender = state.senders.take();
            if state.len == 0 {
                // Unbuffered: from sender to receiver.
                let sender = sender?;
                self.copy((*sender).elem, elem);
                (*sender).ok = true;
                return Some((Received::Value, Wake((*sender).waiter)));
            }
            let first = self.slot(state, state.first);
            self.copy(first, elem);
            state.first = if state.first + 1 == self.cap { 0 } else { state.first + 1 };
            let wake = match sender {
                Some(sender) => {
                    // The ring was full: the slot that came free is its tail.
                    self.copy((*sender).elem, first);
                    (*sender).ok = true;
                    Wake((*sender).waiter)
                }
                None => {
                    state.len -= 1;
                    Wake::NOBODY
                }
            };
            Some((Received::Value, wake))
        }
    }

    /// Closes the channel: whoever waits to receive gets nothing, whoever waits to send is told (CH-7).
    pub fn close(&self) -> Closed {
        self.lock.acquire();
        // SAFETY: locked.
        let state = unsafe { self.state() };
        if state.closed {
            // SAFETY: locked.
            unsafe { self.unlock() };
            return Closed::Before;
        }
        state.closed = true;
        self.closed.store(1, Release); // ORD[C2] Release: the length before it.
        let mut wakes = Queue::new();
        let mut n = 0usize;
        while let Some(place) = state.receivers.take() {
            // SAFETY: taken out and claimed: ours until we ready it.
            unsafe {
                self.zero((*place).elem);
                (*place).ok = false;
                wakes.push(place);
            }
            n += 1;
        }
        while let Some(place) = state.senders.take() {
            // SAFETY: as above.
            unsafe {
                (*place).ok = false;
                wakes.push(place);
            }
            n += 1;
        }
        // SAFETY: locked.
        unsafe { self.unlock() };
        for _ in 0..n {
            if let Some(waiter) = wakes.take_claimed() {
                // SAFETY: taken out and claimed above.
                unsafe { Waiter::ready(waiter) };
            }
        }
        Closed::Yes
    }

    /// Forgets what is in the ring: for a timer's channel that is stopped (TI-1).
    pub(crate) fn drain(&self) {
        self.lock.acquire();
        // SAFETY: locked.
        unsafe {
            self.state().len = 0;
            self.unlock();
        }
    }

    /// The slot of number `at`, counted from the first of the ring, once around at most. Without a division: it would cost more
    /// than everything else here.
    unsafe fn slot(&self, state: &State, at: usize) -> *mut u8 {
        let at = if at >= self.cap { at - self.cap } else { at };
        // SAFETY: inside of the ring.
        unsafe { state.ring.add(at * self.elem) }
    }

    unsafe fn copy(&self, from: *const u8, to: *mut u8) {
        if !to.is_null() && self.elem > 0 {
            // SAFETY: the callers' elements.
            unsafe {
                match self.elem {
                    8 => to.cast::<[u8; 8]>().write_unaligned(from.cast::<[u8; 8]>().read_unaligned()),
                    n => copy_nonoverlapping(from, to, n),
                }
            }
        }
    }

    pub(crate) unsafe fn zero(&self, elem: *mut u8) {
        if !elem.is_null() {
            // SAFETY: the caller's element.
            unsafe { write_bytes(elem, 0, self.elem) };
        }
    }
}
