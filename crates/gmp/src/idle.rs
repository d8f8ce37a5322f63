//! Who wakes whom: the counters between those who make work and those who look for it.
//!
//! Follows Go's `proc.go`, "Worker thread parking/unparking". An M without work that still looks around is *spinning*. Work
//! that is made wakes an M only if there is an idle P and nobody spins: a spinner will find it, and wakes the next one when
//! it does ([`Idle::stop_spinning`] says whether it was the last). So threads are woken one at a time, by need.
//!
//! # No wake-up is lost
//! The danger: work is put into a queue that a spinner has just looked at, and its maker does not wake anybody because it sees
//! the spinner. Then work waits while a P idles. Each side therefore writes first and looks then, with a full fence between:
//!
//! ```text
//!     maker:    put the work;                 fence (W1);  look at `spinning` and `idle_ps`
//!     looker:   give the P up, stop spinning; fence (W2);  look at all queues once more
//! ```
//!
//! Of two such fences one comes first. If the maker's does, the looker's second look finds the work. If the looker's does,
//! the maker sees an idle P and one spinner less; if that was the last one, it wakes an M; if not, the argument goes on with
//! the spinner that is left, which will do the same. The P is given up *before* the spinner stops: else the maker could see
//! no spinner and no idle P, and rely on nobody.
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | W1 | `should_wake` fence | SeqCst | W2 | the work; or to us: the P and the spinner |
//! | W2 | `stop_spinning` fence | SeqCst | W1 | the P and the spinner; or to us: the work |
//!
//! Model: `tests/loom_idle.rs`.

use gort_sync::atomic::Ordering::{Relaxed, SeqCst};
use gort_sync::atomic::{AtomicU32, fence};

/// How many Ms spin and how many Ps idle.
pub struct Idle {
    spinning: AtomicU32,
    idle_ps: AtomicU32,
}

impl Default for Idle {
    fn default() -> Self {
        Self::new()
    }
}

impl Idle {
    gort_sync::const_unless_loom! {
        /// Nobody.
        pub fn new() -> Self {
            Self { spinning: AtomicU32::new(0), idle_ps: AtomicU32::new(0) }
        }
    }

    /// Whether the caller, who has just made work visible, must wake an M. If so, that M counts as spinning already; the
    /// caller starts it, or takes it back by [`Idle::stop_spinning`] when there is no P for it after all.
    #[inline]
    pub fn should_wake(&self) -> bool {
        // ORD[W1] SeqCst fence, with W2: our work is seen by the last spinner, or we see that it is none any more.
        fence(SeqCst);
        // Relaxed: ordered by the fence.
        self.idle_ps.load(Relaxed) != 0 && self.spinning.load(Relaxed) == 0 && self.try_first_spinner()
    }

    #[cold]
    fn try_first_spinner(&self) -> bool {
        // Relaxed: the fence of W1 came before; a failure means that another maker wakes somebody.
        self.spinning.compare_exchange(0, 1, Relaxed, Relaxed).is_ok()
    }

    /// Whether one more may spin: at most half of the busy Ps (GO-12). If so, it counts.
    pub fn start_spinning(&self, procs: u32) -> bool {
        // Relaxed: a heuristic; nothing is lost when it answers no.
        let busy = procs.saturating_sub(self.idle_ps.load(Relaxed));
        if 2 * self.spinning.load(Relaxed) >= busy {
            return false;
        }
        self.spinning.fetch_add(1, Relaxed); // Relaxed: to spin promises only what W2 keeps.
        true
    }

    /// A spinner stops; `true` when it was the last one. One that found work then wakes another; one that found none has
    /// given its P up before and looks at all queues once more.
    pub fn stop_spinning(&self) -> bool {
        let before = self.spinning.fetch_sub(1, Relaxed); // Relaxed: ordered by W2.
        if before == 0 {
            gort_sys::io::throw("idle: more stop spinning than spin");
        }
        // ORD[W2] SeqCst fence, with W1: makers see one spinner less, or we see their work.
        fence(SeqCst);
        before == 1
    }

    /// One that found work on its second look spins again.
    pub fn spin_again(&self) {
        self.spinning.fetch_add(1, Relaxed); // Relaxed: as in `start_spinning`.
    }

    /// Whether nobody spins and no P idles: then a P that comes free should look for work itself.
    pub fn try_sole_spinner(&self) -> bool {
        // Relaxed: a heuristic for one who has looked at the queues under the lock.
        self.spinning.load(Relaxed) + self.idle_ps.load(Relaxed) == 0 && self.try_first_spinner()
    }

    /// A P came to the idle ones. Under the lock of their list.
    pub fn add_idle_p(&self) {
        self.idle_ps.fetch_add(1, Relaxed); // Relaxed: ordered by the W2 that follows.
    }

    /// A P was taken from the idle ones. Under the lock of their list.
    pub fn remove_idle_p(&self) {
        self.idle_ps.fetch_sub(1, Relaxed); // Relaxed: whoever misses it wakes nobody else for it.
    }

    /// How many Ps idle.
    pub fn idle_ps(&self) -> u32 {
        self.idle_ps.load(Relaxed) // Relaxed: a hint.
    }

    /// How many Ms spin.
    pub fn spinning(&self) -> u32 {
        self.spinning.load(Relaxed) // Relaxed: a hint.
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// GO-12: at most half of the busy Ps spin; a maker wakes only when a P idles and nobody spins.
    #[test]
    fn go_12_spinners_are_few_and_wakers_fewer() {
        let idle = Idle::new();
        assert!(!idle.should_wake(), "no P is idle");
        (0..4).for_each(|_| idle.add_idle_p());
        assert!(idle.start_spinning(8), "4 busy, none spins");
        assert!(idle.start_spinning(8));
        assert!(!idle.start_spinning(8), "2 of 4 busy ones spin");
        assert!(!idle.should_wake(), "a spinner will find it");
        assert!(!idle.stop_spinning());
        assert!(idle.stop_spinning(), "the last one");
        assert!(idle.should_wake());
        assert_eq!(idle.spinning(), 1, "the one that was woken");
        assert!(!idle.should_wake(), "once is enough");
    }
}
