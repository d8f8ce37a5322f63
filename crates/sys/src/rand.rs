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
