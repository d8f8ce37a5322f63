//! A lock-free stack of record numbers (Treiber's stack), safe against the ABA fault by a version count.
//!
//! Follows Go's `lfstack.go`, which packs a pointer and a count into 64 bits; numbers instead of pointers leave
//! 32 bits to the count and need no assumption about address width. The records stay where they are: the stack
//! holds only the head, and asks its user for the link of a record by number.
//!
//! # Invariants
//! I1. A record is in at most one stack, once; its link belongs to the stack while it is in.
//! I2. The version grows with every push, so a head that was popped and pushed again differs from what it was.
//!     Pops need not count: a head that two pops saw alike can only come back through a push.
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | S1 | `push` head exchange | Release | S2 | the link, and what the pusher wrote into the record |
//! | S2 | `pop` head load | Acquire | S1 | the same |
//!
//! Model: `tests/loom_index_stack.rs`.

use crate::atomic::{AtomicU32, AtomicU64, Ordering};

/// The number that ends the chain; no record may have it.
pub const NONE: u32 = u32::MAX;

/// Head of a stack of records numbered by `u32`. 8 bytes; empty when made.
pub struct IndexStack {
    /// Version in the high half, number of the top record in the low half.
    head: AtomicU64,
}

impl Default for IndexStack {
    fn default() -> Self {
        Self::new()
    }
}

impl IndexStack {
    crate::const_unless_loom! {
        /// An empty stack.
        pub fn new() -> Self {
            Self { head: AtomicU64::new(NONE as u64) }
        }
    }

    /// Puts record `index` on top. `link` is that record's link word. O(1), lock-free.
    pub fn push(&self, index: u32, link: &AtomicU32) {
        debug_assert!(index != NONE);
        let mut head = self.head.load(Ordering::Relaxed); // Relaxed: only compared by the exchange below.
        loop {
            link.store(head as u32, Ordering::Relaxed); // Relaxed: published by S1.
            let next = (head >> 32).wrapping_add(1) << 32 | index as u64;
            // ORD[S1] Release: the link above. Relaxed on failure: only compared again.
            match self.head.compare_exchange_weak(head, next, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Takes the top record; `None` when the stack is empty. `link_of` gives the link word of a record. O(1),
    /// lock-free.
    ///
    /// The link that is read may be stale, even of a record that was popped meanwhile; then the exchange fails (I2).
    /// So the link words must stay readable for as long as the stack lives.
    pub fn pop<'a>(&self, link_of: impl Fn(u32) -> &'a AtomicU32) -> Option<u32> {
        // ORD[S2] Acquire: we read the link that S1 published.
        let mut head = self.head.load(Ordering::Acquire);
        loop {
            let index = head as u32;
            if index == NONE {
                return None;
            }
            let below = link_of(index).load(Ordering::Relaxed); // Relaxed: visible by S2.
            let next = head & !(u32::MAX as u64) | below as u64;
            // ORD[S2] Acquire on failure too, since the loop then reads another link.
            match self.head.compare_exchange_weak(head, next, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return Some(index),
                Err(now) => head = now,
            }
        }
    }

    /// Whether the stack was empty at some moment during the call.
    pub fn is_empty(&self) -> bool {
        self.head.load(Ordering::Relaxed) as u32 == NONE // Relaxed: a hint, stale at once.
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn pops_in_reverse_order_of_pushes() {
        let links: Vec<AtomicU32> = (0..4).map(|_| AtomicU32::new(NONE)).collect();
        let stack = IndexStack::new();
        assert!(stack.is_empty());
        for i in 0..4 {
            stack.push(i, &links[i as usize]);
        }
        let popped: Vec<u32> = core::iter::from_fn(|| stack.pop(|i| &links[i as usize])).collect();
        assert_eq!(popped, [3, 2, 1, 0]);
        assert!(stack.is_empty());
    }
}
