//! A lock-free table that only grows: a trie over the bits of a hash.
//!
//! Go keeps its itabs and its types made by reflection in hash tables that are copied when they fill; readers may hold the old
//! one, which the collector frees. Without a collector a table that never moves is simpler: every node stays where it is, a new
//! one is hung below an empty link by one exchange, and nothing is retired, so readers need no epoch. Depth grows with the
//! logarithm of the number of records, at four ways a level.
//!
//! ```text
//!        root ──▶ node h=…0110 ─┬─ 00 ──▶ ·
//!                               ├─ 01 ──▶ node h=…01 10 01 …
//!                               ├─ 10 ──▶ ·        the next two bits of the hash choose the link
//!                               └─ 11 ──▶ node
//! ```
//!
//! # Invariants
//! I1. A link goes from null to a node once, and never changes again.
//! I2. A node's hash and record do not change after it was linked.
//! I3. Of two nodes with equal keys only one is ever linked: whoever would link the second meets the first on its way, since
//!     both walk the same links (I1).
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | T1 | `intern` exchange of a null link | Release | T2 | the node: hash, record, null links |
//! | T2 | link load in `find` and `intern` | Acquire | T1 | the same |
//!
//! Model: `tests/loom_trie.rs`. A node that lost the race for its own key is not used again; there is at most one for each
//! thread that asked at that moment.

use crate::records;
use gort_sync::atomic::AtomicPtr;
use gort_sync::atomic::Ordering::{Acquire, Release};

const WAYS: usize = 4;

/// A set of records `R`, found by hash and comparison.
pub struct Trie<R> {
    root: AtomicPtr<Node<R>>,
}

/// A record in a [`Trie`].
struct Node<R> {
    hash: u64,
    record: R,
    links: [AtomicPtr<Node<R>>; WAYS],
}

impl<R: 'static> Default for Trie<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: 'static> Trie<R> {
    gort_sync::const_unless_loom! {
        /// An empty table.
        pub fn new() -> Self {
            Self { root: AtomicPtr::new(core::ptr::null_mut()) }
        }
    }

    /// The record with that hash that `same` accepts. Wait-free.
    pub fn find(&self, hash: u64, same: impl Fn(&R) -> bool) -> Option<&'static R> {
        self.walk(hash, &same).ok()
    }

    /// As [`Trie::find`]; where there is none, the record that `make` gives, once. `None` when `make` gives none or there is no
    /// memory. Of several threads that ask at a time all get the same record. Lock-free.
    pub fn intern(
        &self,
        hash: u64,
        same: impl Fn(&R) -> bool,
        make: impl FnOnce() -> Option<R>,
    ) -> Option<&'static R> {
        let mut at = match self.walk(hash, &same) {
            Ok(found) => return Some(found),
            Err(at) => at,
        };
        let links = core::array::from_fn(|_| AtomicPtr::new(core::ptr::null_mut()));
        let node = records::place(Node { hash, record: make()?, links })?;
        let new = core::ptr::from_ref(node).cast_mut();
        loop {
            // ORD[T1] Release: the node's contents. ORD[T2] Acquire on failure: we go on to read the winner's node.
            match at.link.compare_exchange(core::ptr::null_mut(), new, Release, Acquire) {
                Ok(_) => return Some(&node.record),
                Err(_) => match at.walk(hash, &same) {
                    Ok(found) => return Some(found),
                    Err(further) => at = further,
                },
            }
        }
    }

    fn walk(&self, hash: u64, same: &impl Fn(&R) -> bool) -> Result<&'static R, End<'_, R>> {
        End { link: &self.root, bits: hash }.walk(hash, same)
    }
}

/// A link, and the bits of the hash that choose among the links below it.
struct End<'a, R> {
    link: &'a AtomicPtr<Node<R>>,
    bits: u64,
}

impl<'a, R: 'static> End<'a, R> {
    /// Follows the hash from here: to a record that is the same, or to the null link where it belongs.
    fn walk(self, hash: u64, same: &impl Fn(&R) -> bool) -> Result<&'static R, End<'a, R>> {
        let mut at = self;
        loop {
            // ORD[T2] Acquire: we read the node.
            // SAFETY: null or a node, which is never given back.
            let Some(node) = (unsafe { at.link.load(Acquire).as_ref::<'static>() }) else {
                return Err(at);
            };
            if node.hash == hash && same(&node.record) {
                return Ok(&node.record);
            }
            at = End { link: &node.links[at.bits as usize % WAYS], bits: at.bits.rotate_right(2) };
        }
    }
}

/// Mixes words into a hash, one after the other: the high and the low half of a product.
#[inline]
pub(crate) const fn mix(hash: u64, word: u64) -> u64 {
    let product = (hash ^ word ^ 0x9e37_79b9_7f4a_7c15) as u128 * 0xd6e8_feb8_6659_fd93_u128;
    (product >> 64) as u64 ^ product as u64
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn keys_are_kept_apart_even_under_one_hash() {
        let trie = Trie::<(u64, u64)>::new();
        for (hash, count) in [(0, 40), (7, 40), (u64::MAX, 3)] {
            for key in 0..count {
                assert!(trie.find(hash, |r| *r == (hash, key)).is_none());
                let made = trie.intern(hash, |r| *r == (hash, key), || Some((hash, key))).unwrap();
                let again = trie.intern(hash, |r| *r == (hash, key), || None).unwrap();
                assert!(core::ptr::eq(made, again));
            }
        }
        assert_eq!(trie.find(7, |r| r.1 == 39), Some(&(7, 39)));
    }

    #[test]
    fn a_record_that_cannot_be_made_leaves_no_trace() {
        let trie = Trie::<u32>::new();
        assert!(trie.intern(1, |r| *r == 1, || None).is_none());
        assert!(trie.find(1, |_| true).is_none());
    }

    #[test]
    fn depth_stays_logarithmic() {
        let trie = Trie::<u64>::new();
        let (n, steps) = (1 << 14, core::cell::Cell::new(0u64));
        for key in 0..n {
            trie.intern(mix(0, key), |r| *r == key, || Some(key)).unwrap();
        }
        for key in 0..n {
            // `same` runs only where the hashes agree, so we count the nodes by walking with a hash that is nowhere.
            let mut at = trie.root.load(Acquire);
            let mut bits = mix(0, key) ^ 1;
            // SAFETY: nodes are never given back.
            while let Some(node) = unsafe { at.as_ref() } {
                steps.set(steps.get() + 1);
                at = node.links[bits as usize % WAYS].load(Acquire);
                bits = bits.rotate_right(2);
            }
        }
        assert!(steps.get() / n < 12, "{} steps on average", steps.get() / n);
    }
}
