//! A few random bits at start.

/// 64 bits that differ from run to run; no call to the OS.
///
/// The kernel gives each program 16 random bytes (`AT_RANDOM`). The C library takes its stack guard and pointer guard
/// from them, so they are mixed here and never shown.
pub fn start_seed() -> u64 {
    // SAFETY: reads the auxiliary vector.
    let bytes = unsafe { libc::getauxval(libc::AT_RANDOM) } as *const [u8; 16];
    if bytes.is_null() {
        return crate::clock::now_ns();
    }
    // SAFETY: the kernel put 16 bytes there, for the life of the process.
    let bytes = unsafe { bytes.read_unaligned() };
    let (low, high) = bytes.split_at(8);
    let word = |half: &[u8]| half.iter().fold(0u64, |w, b| w << 8 | *b as u64);
    mix(word(low) ^ mix(word(high)))
}

/// A bijection that spreads every input bit over the word (the finaliser of splitmix64, Steele et al. 2014).
pub fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

/// Choices read from bytes: a fuzzer's input, or noise from a seed. A replay of actions draws from here until nothing is
/// left, so that the same bytes always give the same actions.
pub struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    /// The choices that these bytes stand for.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether all bytes were used.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A number below `n`, from as many bytes as that takes; missing ones count as nought.
    pub fn below(&mut self, n: usize) -> usize {
        debug_assert!(n > 0);
        let (mut value, mut rest) = (0usize, n - 1);
        while rest > 0 {
            let (first, others) = self.0.split_first().unwrap_or((&0, &[]));
            (value, self.0, rest) = (value << 8 | *first as usize, others, rest >> 8);
        }
        value % n
    }
}

/// Fills `bytes` with noise that depends on `seed` alone.
pub fn fill(bytes: &mut [u8], seed: u64) {
    let mut state = mix(seed);
    for part in bytes.chunks_mut(8) {
        state = mix(state.wrapping_add(seed | 1));
        part.copy_from_slice(&state.to_le_bytes()[..part.len()]);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn choices_stay_below_their_bound_and_end() {
        let mut bytes = [0; 1000];
        fill(&mut bytes, 1);
        let mut choices = Choices::new(&bytes);
        let mut seen = [false; 300];
        while !choices.is_empty() {
            assert_eq!(choices.below(1), 0);
            seen[choices.below(300)] = true;
        }
        assert!(seen.iter().filter(|s| **s).count() > 200, "two bytes each, so 500 draws");
        assert_eq!(choices.below(300), 0);
    }
}
