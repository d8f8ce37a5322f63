//! The local run queue of a P: a ring and one slot in front of it.
//!
//! Follows `runqput`, `runqget` and `runqgrab` of Go's `proc.go`. The owner puts at the tail and takes at the head; others
//! take half from the head. The slot `next` holds what was readied last: it runs next and shares the time slice of who readied it,
//! so a pair that wakes each other is one unit to the scheduler, and no third waits behind it (GO-7, GO-8).
//!
//! The length is a parameter, so that models fill the ring with a few records.
//!
//! # Invariants
//! I1. `tail - head <= N`. Only the owner moves `tail` and writes slots; `head` moves by exchange, whoever does it.
//! I2. A slot is written only where `tail - head < N`, hence by nobody else's reader: who read a slot that the owner has
//!     written since fails to move `head`.
//! I3. Others change `next` from a record to null only.
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | Q1 | `put` stores the tail | Release | Q2 | the slot, and the record behind it |
//! | Q2 | `grab` loads the tail | Acquire | Q1 | the same |
//! | Q3 | takers exchange the head | Release | Q4 | that they have read their slots |
//! | Q4 | `put` and takers load the head | Acquire | Q3 | the same, before a slot is written again |
//! | Q5 | `put` swaps `next` in | AcqRel | Q6 | the record |
//! | Q6 | takers exchange `next` for null | Acquire | Q5 | the same |
//!
//! Model: `tests/loom_runq.rs`.

use core::ptr::{NonNull, null_mut};
use gort_sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use gort_sync::atomic::{AtomicPtr, AtomicU32};

/// A queue of pointers to records, `N` (a power of two) and one more.
pub struct RunQueue<T, const N: usize> {
    head: AtomicU32,
    tail: AtomicU32,
    next: AtomicPtr<T>,
    ring: [AtomicPtr<T>; N],
}

impl<T, const N: usize> Default for RunQueue<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize> RunQueue<T, N> {
    /// An empty queue.
    pub fn new() -> Self {
        const { assert!(N.is_power_of_two() && N >= 2) };
        Self {
            head: AtomicU32::new(0),
            tail: AtomicU32::new(0),
            next: AtomicPtr::new(null_mut()),
            ring: core::array::from_fn(|_| AtomicPtr::new(null_mut())),
        }
    }

    fn slot(&self, at: u32) -> &AtomicPtr<T> {
        &self.ring[at as usize & (N - 1)]
    }

    /// Puts a record in front, and the one that was there at the tail. The owner only.
    ///
    /// A full ring gives half of its records and the one in hand to `overflow`, oldest first.
    #[inline]
    pub fn put_next(&self, record: NonNull<T>, overflow: impl FnMut(NonNull<T>)) {
        // ORD[Q5] Release: the record. Acquire: we pass the old one on, by Q1.
        if let Some(old) = NonNull::new(self.next.swap(record.as_ptr(), AcqRel)) {
            self.put(old, overflow);
        }
    }

    /// Puts a record at the tail. The owner only; `overflow` as in [`RunQueue::put_next`].
    #[inline]
    pub fn put(&self, record: NonNull<T>, overflow: impl FnMut(NonNull<T>)) {
        // ORD[Q4] Acquire: takers have read the slot that we are about to write.
        let head = self.head.load(Acquire);
        let tail = self.tail.load(Relaxed); // Relaxed: the owner is its only writer.
        if tail.wrapping_sub(head) < N as u32 {
            self.slot(tail).store(record.as_ptr(), Relaxed); // Relaxed: published by Q1.
            // ORD[Q1] Release: the slot, and the record behind it.
            self.tail.store(tail.wrapping_add(1), Release);
        } else {
            self.put_slow(record, overflow);
        }
    }

    #[cold]
    fn put_slow(&self, record: NonNull<T>, mut overflow: impl FnMut(NonNull<T>)) {
        loop {
            // ORD[Q4] Acquire: as in `put`.
            let head = self.head.load(Acquire);
            let tail = self.tail.load(Relaxed); // Relaxed: as in `put`.
            let half = N as u32 / 2;
            if tail.wrapping_sub(head) < N as u32 {
                return self.put(record, overflow); // Somebody took some meanwhile.
            }
            // ORD[Q3] Release: nothing of ours to show; the order of the table.
            if self.head.compare_exchange(head, head.wrapping_add(half), Release, Relaxed).is_ok() {
                // The slots are ours, and stay as they are until we put again.
                (0..half).filter_map(|i| self.read(head.wrapping_add(i))).for_each(&mut overflow);
                return overflow(record);
            }
        }
    }

    fn read(&self, at: u32) -> Option<NonNull<T>> {
        NonNull::new(self.slot(at).load(Relaxed)) // Relaxed: visible by Q2, or our own.
    }

    /// The record in front: it shares the running time slice. The owner only.
    #[inline]
    pub fn take_next(&self) -> Option<NonNull<T>> {
        let next = self.next.load(Relaxed); // Relaxed: only compared; a record is read after Q6.
        if next.is_null() {
            return None;
        }
        // ORD[Q6] Acquire: the record. It can fail only because a thief was faster (I3).
        self.next.compare_exchange(next, null_mut(), Acquire, Relaxed).ok().and_then(NonNull::new)
    }

    /// The record at the head of the ring. The owner only.
    #[inline]
    pub fn take(&self) -> Option<NonNull<T>> {
        // ORD[Q4] Acquire: others' taking.
        let mut head = self.head.load(Acquire);
        loop {
            let tail = self.tail.load(Relaxed); // Relaxed: the owner is its only writer.
            if tail == head {
                return None;
            }
            let record = self.read(head);
            // ORD[Q3] Release; ORD[Q4] Acquire on failure, for the next round.
            match self.head.compare_exchange_weak(head, head.wrapping_add(1), Release, Acquire) {
                Ok(_) => return record,
                Err(now) => head = now,
            }
        }
    }

    /// Takes half of another's records, one of them to run; the rest goes to the tail of our ring. The owner of `self`
    /// only, whose ring is empty. With `even_next`, and if the ring has nothing, the record in front.
    pub fn steal_from(&self, victim: &Self, even_next: bool) -> Option<NonNull<T>> {
        let own = self.len();
        if own != 0 {
            gort_sys::io::throw("steal: our own ring is not empty"); // What is stolen would overwrite it.
        }
        let tail = self.tail.load(Relaxed); // Relaxed: the owner is its only writer.
        let mut n = victim.grab(self, tail);
        if n == 0 {
            return if even_next { victim.take_next() } else { None };
        }
        n -= 1;
        let record = self.read(tail.wrapping_add(n));
        if n > 0 {
            // ORD[Q1] Release: the slots that we have written, and what we saw of the records by Q2.
            self.tail.store(tail.wrapping_add(n), Release);
        }
        record
    }

    /// Moves half of the records, rounded up, to the slots of `into` from `at` on; how many.
    fn grab(&self, into: &Self, at: u32) -> u32 {
        loop {
            // ORD[Q4] Acquire: others' taking.
            let head = self.head.load(Acquire);
            // ORD[Q2] Acquire: the slots and the records.
            let tail = self.tail.load(Acquire);
            let len = tail.wrapping_sub(head);
            let n = len - len / 2;
            if n == 0 {
                return 0;
            }
            if n > N as u32 / 2 {
                continue; // The two loads do not belong together.
            }
            for i in 0..n {
                let record = self.slot(head.wrapping_add(i)).load(Relaxed); // Relaxed: visible by Q2.
                into.slot(at.wrapping_add(i)).store(record, Relaxed); // Relaxed: published by Q1.
            }
            // ORD[Q3] Release: we have read the slots; if the owner wrote one of them, this fails (I2).
            if self.head.compare_exchange(head, head.wrapping_add(n), Release, Relaxed).is_ok() {
                return n;
            }
        }
    }

    /// Records in the ring, at some moment during the call.
    pub fn len(&self) -> u32 {
        // ORD[Q4] Acquire, so that the tail is not older than the head.
        let head = self.head.load(Acquire);
        let tail = self.tail.load(Relaxed); // Relaxed: a hint, or the owner's.
        tail.wrapping_sub(head)
    }

    /// Whether the slot in front is taken, at some moment during the call.
    pub fn has_next(&self) -> bool {
        !self.next.load(Relaxed).is_null() // Relaxed: a hint.
    }

    /// Whether there was nothing, ring and front, at some moment during the call.
    pub fn is_empty(&self) -> bool {
        loop {
            // ORD[Q4] Acquire: the three loads in order.
            let head = self.head.load(Acquire);
            // ORD[Q2] Acquire: as above.
            let tail = self.tail.load(Acquire);
            // ORD[Q6] Acquire: as above.
            let next = self.next.load(Acquire);
            // A record may have been kicked from the front to the ring between the loads. Relaxed: only compared.
            if tail == self.tail.load(Relaxed) {
                return head == tail && next.is_null();
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    type Queue = RunQueue<u32, 8>;

    fn record(values: &mut [u32], i: usize) -> NonNull<u32> {
        NonNull::from(&mut values[i])
    }

    fn value(record: Option<NonNull<u32>>) -> Option<u32> {
        // SAFETY: the tests' own records.
        record.map(|r| unsafe { *r.as_ptr() })
    }

    fn full() -> (Vec<u32>, Queue) {
        let mut values: Vec<u32> = (0..16).collect();
        let queue = Queue::new();
        (0..8).for_each(|i| queue.put(record(&mut values, i), |_| panic!("overflow")));
        (values, queue)
    }

    /// GO-7: what is readied goes in front, and what was in front to the tail.
    #[test]
    fn go_07_the_last_one_readied_runs_first() {
        let mut values = vec![0, 1, 2, 3];
        let queue = Queue::new();
        (1..4).for_each(|i| queue.put_next(record(&mut values, i), |_| panic!("overflow")));
        let order: Vec<_> =
            std::iter::from_fn(|| value(queue.take_next().or_else(|| queue.take()))).collect();
        assert_eq!(order, [3, 1, 2]);
        assert!(queue.is_empty());
    }

    /// GO-9: a full ring gives away its older half and the new record, as one batch.
    #[test]
    fn go_09_overflow_takes_half_and_the_new_one() {
        let (mut values, queue) = full();
        let mut batch = Vec::new();
        queue.put(record(&mut values, 8), |r| batch.extend(value(Some(r))));
        assert_eq!(batch, [0, 1, 2, 3, 8]);
        assert_eq!(queue.len(), 4);
        assert_eq!(value(queue.take()), Some(4));
    }

    /// GO-11: a thief takes half, rounded up, and the front only when asked and when there is nothing else.
    #[test]
    fn go_11_a_thief_takes_half_rounded_up() {
        for (len, taken, left) in [(8, 4, 4), (5, 3, 2), (1, 1, 0)] {
            let (mut values, queue) = full();
            (0..8 - len).for_each(|_| assert!(queue.take().is_some()));
            queue.put_next(record(&mut values, 9), |_| panic!("overflow"));
            let thief = Queue::new();
            let first = value(thief.steal_from(&queue, true));
            assert_eq!(first, Some(8 - len as u32 + taken - 1), "the last one taken runs at once");
            assert_eq!((thief.len(), queue.len()), (taken - 1, left), "of {len}");
        }
        let mut values = vec![7];
        let queue = Queue::new();
        queue.put_next(record(&mut values, 0), |_| panic!("overflow"));
        let thief = Queue::new();
        assert_eq!(value(thief.steal_from(&queue, false)), None);
        assert_eq!(value(thief.steal_from(&queue, true)), Some(7));
    }
}
