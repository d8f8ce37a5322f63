//! Starting the scheduler, and GOMAXPROCS.
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | B1 | `start_slow` says that it has started | Release | B2 | the Ps |
//! | B2 | `ensure_started` asks | Acquire | B1 | the same |
//!
//! Model: `tests/loom_waiter.rs`: publication by one word, as there.

use crate::sched::{PROCS_MAX, Sched};
use gort_sync::atomic::Ordering::{Acquire, Relaxed, Release};
use gort_sys::{Errno, cpus, env, native};

impl Sched {
    /// Starts the scheduler, unless it has: Ps, no thread yet. Every goroutine that is started calls this.
    #[inline]
    pub fn ensure_started(&'static self) -> Result<(), Errno> {
        // ORD[B2] Acquire: the Ps.
        if self.started.load(Acquire) != 0 { Ok(()) } else { self.start_slow(None).map(drop) }
    }

    /// Starts it with so many Ps. `false` when it has started already, and nothing changes.
    pub fn start_with(&'static self, procs: usize) -> Result<bool, Errno> {
        self.start_slow(Some(procs))
    }

    #[cold]
    fn start_slow(&'static self, procs: Option<usize>) -> Result<bool, Errno> {
        let _starting = self.starting.lock();
        // Relaxed: under the lock.
        if self.started.load(Relaxed) != 0 {
            return Ok(false);
        }
        native::barrier_register();
        crate::overflow::watch();
        let procs = procs.filter(|n| *n > 0).or_else(asked_procs).unwrap_or_else(cpus::default_procs);
        self.set_procs(procs.min(PROCS_MAX) as u32)?;
        // ORD[B1] Release: the Ps.
        self.started.store(1, Release);
        Ok(true)
    }

    /// Changes GOMAXPROCS if `n` is positive; the former value (GO-17). Ps that go out of use finish what they run.
    pub fn max_procs(&'static self, n: i32) -> Result<u32, Errno> {
        self.ensure_started()?;
        if n < 1 {
            return Ok(self.procs.load(Relaxed)); // Relaxed: a number.
        }
        let old = self.set_procs((n as usize).min(PROCS_MAX) as u32)?;
        (0..self.idle.idle_ps()).for_each(|_| self.wake_p());
        Ok(old)
    }
}

/// The environment variables that the scheduler reads.
pub const KNOBS: &[env::Knob] = &[env::Knob {
    name: "GOMAXPROCS",
    default: "all",
    meaning: "how many goroutines run at the same time; as many as there are processors if nothing is said",
}];

/// What the environment asks for.
fn asked_procs() -> Option<usize> {
    env::var(b"GOMAXPROCS").and_then(env::parse_u64).map(|n| n as usize).filter(|n| *n > 0)
}
