//! Spinning with growing pauses before a thread sleeps.
//!
//! Used by the futex lock of `gort-sys` and by lock-free loops that lost a race.

use crate::hint::spin_loop;

/// Rounds after which spinning has had its chance; the sum of pauses is about a microsecond.
#[cfg(not(loom))]
const ROUNDS_MAX: u32 = 6;
#[cfg(loom)]
const ROUNDS_MAX: u32 = 1;

/// Doubling pauses: 1, 2, 4, ... pause instructions a round.
#[derive(Default)]
pub struct Backoff {
    round: u32,
}

impl Backoff {
    /// A fresh back-off.
    pub const fn new() -> Self {
        Self { round: 0 }
    }

    /// Pauses once more. `false` when the caller should sleep instead of asking again.
    pub fn spin(&mut self) -> bool {
        if self.round >= ROUNDS_MAX {
            return false;
        }
        for _ in 0..1u32 << self.round {
            spin_loop();
        }
        self.round += 1;
        true
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn gives_up_after_a_bounded_number_of_rounds() {
        let mut backoff = Backoff::new();
        let rounds = (0..100).filter(|_| backoff.spin()).count();
        assert_eq!(rounds, ROUNDS_MAX as usize);
    }
}
