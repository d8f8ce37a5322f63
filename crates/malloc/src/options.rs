//! The environment: one table of knobs, read once at the start.
//!
//! `gort env` prints the table. Under `AT_SECURE` none is read (MA-16).

use gort_sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use gort_sys::env;

pub use gort_sys::env::Knob;

/// All environment variables that the memory column reads.
pub const KNOBS: &[Knob] = &[
    Knob {
        name: "GORT_CHECK",
        default: "0",
        meaning: "2: every misuse stops at the call; 3: also zeroes on free, checks that on reuse, and guards large blocks",
    },
    Knob {
        name: "GORT_PROFILE_RATE",
        default: "0",
        meaning: "mean bytes between sampled allocations for the heap profile; 0: no sampling; 512K is a good rate",
    },
    Knob {
        name: "GORT_PROFILE",
        default: "",
        meaning: "file that the heap profile is written to at exit (pprof format); %p stands for the process's number",
    },
    Knob { name: "GORT_STATS", default: "0", meaning: "1: a report of the heap on standard error at exit" },
];

/// From this rate on a sampled block gets a span of its own: at worst an eighth more memory.
const APART_RATE_MIN: usize = 64 << 10;

/// How allocations are sampled; [`crate::sample`] says more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sampling {
    /// Not at all.
    Off,
    /// Sampled blocks have spans of their own, so the other blocks can be freed fast.
    Apart,
    /// Sampled blocks are like all others, and every free looks whether it meets one.
    InPlace,
}

/// The knobs' values.
pub(crate) struct Options {
    check: AtomicU8,
    profile_rate: AtomicUsize,
}

// Relaxed, all below: set once at the start, before it is published.
impl Options {
    pub(crate) const fn new() -> Self {
        Self { check: AtomicU8::new(0), profile_rate: AtomicUsize::new(0) }
    }

    /// Reads the environment. What cannot be understood counts as not set.
    pub(crate) fn read(&self) {
        let number = |name: &[u8]| env::var(name).and_then(env::parse_u64);
        self.check.store(number(b"GORT_CHECK").unwrap_or(0).min(3) as u8, Ordering::Relaxed);
        self.profile_rate.store(number(b"GORT_PROFILE_RATE").unwrap_or(0) as usize, Ordering::Relaxed);
    }

    /// Level of checking: 0, 2 or 3 (1 counts as 2).
    #[inline]
    pub(crate) fn check(&self) -> u8 {
        self.check.load(Ordering::Relaxed)
    }

    /// Mean bytes between samples; nought: no sampling.
    #[inline]
    pub(crate) fn profile_rate(&self) -> usize {
        self.profile_rate.load(Ordering::Relaxed)
    }

    /// How allocations are sampled.
    #[inline]
    pub(crate) fn sampling(&self) -> Sampling {
        match (self.profile_rate(), self.check()) {
            (0, _) => Sampling::Off,
            (APART_RATE_MIN.., 0) => Sampling::Apart,
            _ => Sampling::InPlace,
        }
    }

    /// Whether all fast paths may work.
    pub(crate) fn is_plain(&self) -> bool {
        self.check() == 0 && self.sampling() == Sampling::Off
    }
}
