//! Time, from the kernel's shared page where it has one.

/// Nanoseconds since some fixed moment, exact.
pub fn now_ns() -> u64 {
    read(libc::CLOCK_MONOTONIC)
}

/// Nanoseconds since the same moment, as of the last tick of the kernel (1 to 10 ms old), several times cheaper.
pub fn coarse_ns() -> u64 {
    read(libc::CLOCK_MONOTONIC_COARSE)
}

/// Nanoseconds since 1970, as the machine's clock says.
pub fn wall_ns() -> u64 {
    read(libc::CLOCK_REALTIME)
}

#[cfg(not(loom))]
fn read(clock: libc::clockid_t) -> u64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes the given record; both clocks exist since Linux 2.6.32, so the call cannot fail.
    unsafe { libc::clock_gettime(clock, &mut t) };
    t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64
}

#[cfg(loom)]
fn read(_: libc::clockid_t) -> u64 {
    0
}
