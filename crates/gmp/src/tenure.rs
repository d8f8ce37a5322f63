//! Whether an M still has its P: the hand-shake between an M that runs a goroutine and sysmon, which may take its P away.
//!
//! A goroutine that blocks in the kernel, or computes for long, keeps its thread but need not keep its P. Go interrupts it by
//! a signal; that is no way to treat C, which may be in the middle of malloc. Here the goroutine stays where it is and only
//! the P goes, to another M; the loss is noticed at the goroutine's next call of the runtime.
//!
//! So each call of the runtime must make sure of the P, and hold on to it for the call. It is the commonest thing that the
//! runtime does, and taking a P the rarest, so all the cost is put on the side of the taker: a lock with a bias, after the
//! "quickly reacquirable locks" of Dice, Moir and Scherer (2003).
//!
//! ```text
//!     M:       inside = 1;   compiler's barrier;   look at `wanted`           two moves and a branch
//!     taker:   wanted = 1;   barrier of all processors;   look at `inside`    microseconds
//! ```
//!
//! The taker's barrier (Linux's membarrier) makes every running thread execute a fence at some point of its instruction stream. If
//! that point is before the M's store, the M's look comes after and finds `wanted`; if it is after the store, the taker finds
//! `inside`. Either way they do not both go ahead. An M that finds `wanted` waits for the lock under which the taker decides.
//!
//! # States
//! `inside` is nought only while the M runs a goroutine's own code. An M on its own stack, or asleep, is inside.
//!
//! # Invariants
//! I1. `wanted` changes under `deciding` only.
//! I2. Whoever took the P leaves `wanted` set; the M clears it, under `deciding`, when it notices.
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | T1 | `enter` store, compiler fence, load | SeqCst fence by T2's | T2 | `inside`; or to us: `wanted` |
//! | T2 | `take` store, barrier of all, load | SeqCst fence | T1 | `wanted`; or to us: `inside` |
//! | T3 | `leave` store | Release | T4 | what the M did with its P |
//! | T4 | `take` load | Acquire | T3 | the same, to the next owner of the P |
//!
//! Model: `tests/loom_tenure.rs`; there both sides have a fence.

use gort_sync::atomic::AtomicU32;
use gort_sync::atomic::Ordering::{Acquire, Relaxed, Release};
use gort_sys::lock::Mutex;

/// One M's side of the hand-shake.
pub struct Tenure {
    inside: AtomicU32,
    wanted: AtomicU32,
    deciding: Mutex<()>,
}

impl Default for Tenure {
    fn default() -> Self {
        Self::new()
    }
}

impl Tenure {
    /// An M that is inside of the runtime.
    pub fn new() -> Self {
        Self { inside: AtomicU32::new(1), wanted: AtomicU32::new(0), deciding: Mutex::new(()) }
    }

    /// Whether the M is inside already. The M only.
    #[inline]
    pub fn is_inside(&self) -> bool {
        self.inside.load(Relaxed) != 0 // Relaxed: our own.
    }

    /// Enters the runtime; `true` if the P was taken since [`Tenure::leave`]. The M only.
    #[inline]
    #[must_use]
    pub fn enter(&self) -> bool {
        self.inside.store(1, Relaxed); // Relaxed: ordered by T1.
        // ORD[T1] The taker's barrier is the processor's half of this fence.
        #[cfg(not(loom))]
        gort_sync::atomic::compiler_fence(gort_sync::atomic::Ordering::SeqCst);
        #[cfg(loom)]
        gort_sync::atomic::fence(gort_sync::atomic::Ordering::SeqCst);
        // Relaxed: decided under the lock.
        self.wanted.load(Relaxed) != 0 && self.enter_slow()
    }

    #[cold]
    fn enter_slow(&self) -> bool {
        let _deciding = self.deciding.lock();
        // Relaxed: under the lock (I1).
        self.wanted.swap(0, Relaxed) != 0
    }

    /// Leaves the runtime, for the goroutine's own code. The M only.
    #[inline]
    pub fn leave(&self) {
        // ORD[T3] Release: whoever takes the P sees what we did with it.
        self.inside.store(0, Release);
    }

    /// Whether the goroutine should call the runtime soon: its P is wanted, or gone.
    #[inline]
    pub fn is_wanted(&self) -> bool {
        self.wanted.load(Relaxed) != 0 // Relaxed: a hint; `enter` decides.
    }

    /// Takes the P away if the M is outside of the runtime and `still_its_p` holds; whether it did. Anybody but the M.
    ///
    /// `barrier` executes a full barrier on all threads of the process.
    pub fn take(&self, barrier: impl FnOnce() -> bool, still_its_p: impl FnOnce() -> bool) -> bool {
        let _deciding = self.deciding.lock();
        // Relaxed: under the lock (I1).
        if self.wanted.load(Relaxed) != 0 {
            return false; // Taken once, and not yet noticed.
        }
        self.wanted.store(1, Relaxed); // Relaxed: ordered by T2.
        // ORD[T2] The barrier of all: either the M's next look finds `wanted`, or we find `inside`.
        let ordered = barrier();
        // ORD[T4] Acquire: what the M did with its P.
        let taken = ordered && self.inside.load(Acquire) == 0 && still_its_p();
        if !taken {
            self.wanted.store(0, Relaxed); // Relaxed: under the lock; an M that saw it waits there.
        }
        taken
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_p_is_taken_outside_only_and_the_loss_is_noticed_once() {
        let tenure = Tenure::new();
        assert!(!tenure.take(|| true, || true), "inside");
        tenure.leave();
        assert!(!tenure.take(|| true, || false), "not its P any more");
        assert!(!tenure.take(|| false, || true), "no barrier, no taking");
        assert!(!tenure.is_wanted());
        assert!(tenure.take(|| true, || true));
        assert!(tenure.is_wanted());
        assert!(!tenure.take(|| true, || true), "twice");
        assert!(tenure.enter());
        assert!(!tenure.enter());
    }
}
