//! Records found by a function's address, made once: where closures without an environment are kept.
//!
//! A hash table of chains. A node is pushed in front of its chain and never leaves it, so that looking up takes no lock, and
//! what was found stays.
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | P1 | `find_or_insert` exchange of the chain's head | Release | P2 | the node's contents |
//! | P2 | load of the head | Acquire | P1 | the same; further nodes came before, through the same head |
//!
//! Model: `tests/loom_plain.rs`.

use core::ptr::{NonNull, null_mut};
use gort_sync::atomic::{AtomicPtr, Ordering};

#[cfg(not(loom))]
const CHAINS: usize = 256;
#[cfg(loom)]
const CHAINS: usize = 1;

/// A record in a chain.
pub struct Node<T> {
    value: T,
    key: usize,
    /// Changed only before the node is in the chain.
    next: AtomicPtr<Node<T>>,
}

/// Records by address.
pub struct Table<T: 'static> {
    chains: [AtomicPtr<Node<T>>; CHAINS],
}

// SAFETY: nodes are shared and never freed.
unsafe impl<T: Sync> Sync for Table<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Table<T> {}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Bytes of a node.
pub const fn node_size<T>() -> usize {
    size_of::<Node<T>>()
}

/// Makes a node.
///
/// # Safety
/// `at` is memory for a node, for ever.
pub unsafe fn place<T>(at: NonNull<u8>, key: usize, value: T) -> NonNull<Node<T>> {
    let node = at.cast::<Node<T>>();
    // SAFETY: the caller's.
    unsafe { node.write(Node { value, key, next: AtomicPtr::new(null_mut()) }) };
    node
}

impl<T> Table<T> {
    gort_sync::const_unless_loom! {
        /// An empty table.
        pub fn new() -> Self {
            Self { chains: empty() }
        }
    }

    /// The record of `key`; if there is none, that of the node which `make` gives. When two threads make one at once, one
    /// of the nodes is lost. `None` when `make` gives none.
    pub fn find_or_insert(&self, key: usize, make: impl FnOnce() -> Option<NonNull<Node<T>>>) -> Option<&T> {
        let chain = &self.chains[key.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as usize) >> 56 & (CHAINS - 1)];
        // ORD[P2] Acquire: we read the nodes.
        let mut head = chain.load(Ordering::Acquire);
        if let Some(found) = find(head, null_mut(), key) {
            return Some(found);
        }
        // SAFETY: a node that nobody else knows yet.
        let node = unsafe { make()?.as_ref() };
        loop {
            node.next.store(head, Ordering::Relaxed); // Relaxed: published by P1.
            let new = core::ptr::from_ref(node).cast_mut();
            // ORD[P1] Release: the node. ORD[P2] Acquire on failure: we read the nodes that came meanwhile.
            match chain.compare_exchange(head, new, Ordering::Release, Ordering::Acquire) {
                Ok(_) => return Some(&node.value),
                Err(now) => {
                    if let Some(found) = find(now, head, key) {
                        return Some(found);
                    }
                    head = now;
                }
            }
        }
    }
}

#[cfg(not(loom))]
const fn empty<T>() -> [AtomicPtr<Node<T>>; CHAINS] {
    [const { AtomicPtr::new(null_mut()) }; CHAINS]
}
#[cfg(loom)]
fn empty<T>() -> [AtomicPtr<Node<T>>; CHAINS] {
    core::array::from_fn(|_| AtomicPtr::new(null_mut()))
}

/// The record of `key` among the nodes from `from` on, before `end`.
fn find<'a, T>(mut from: *mut Node<T>, end: *mut Node<T>, key: usize) -> Option<&'a T> {
    while from != end {
        // SAFETY: nodes of a chain live for ever.
        let node = unsafe { &*from };
        if node.key == key {
            return Some(&node.value);
        }
        from = node.next.load(Ordering::Relaxed); // Relaxed: visible by P2.
    }
    None
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn many_keys_are_found_again_from_many_threads() {
        static TABLE: Table<usize> = Table::new();
        let node = |key| {
            let memory = Box::leak(Box::new(core::mem::MaybeUninit::<Node<usize>>::uninit()));
            // SAFETY: leaked memory of that size.
            Some(unsafe { place(NonNull::from(memory).cast(), key, key * 3) })
        };
        let find_all = move || -> Vec<usize> {
            (0..2000)
                .map(|i| core::ptr::from_ref(TABLE.find_or_insert(i * 16, || node(i * 16)).unwrap()).addr())
                .collect()
        };
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(find_all)).collect();
        let found: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
        assert!(found.iter().all(|f| *f == found[0]));
        assert_eq!(TABLE.find_or_insert(16, || None), Some(&48));
        assert_eq!(TABLE.find_or_insert(7, || None), None);
    }
}
