//! How many processors the process may use: affinity, and the limit of its control groups.
//!
//! Departs from Go, which reads the limit of the process's own group alone: a limit on any ancestor holds as well
//! (golang/go#81180), so all of them are asked. Only version 2 of control groups, under its usual mount point.

use crate::Errno;
use crate::arch::syscall6;

/// Processors in the affinity mask of the calling thread.
pub fn affinity() -> usize {
    let mut mask = [0u64; 128];
    // SAFETY: the kernel writes at most that many bytes.
    let n = unsafe {
        syscall6(
            libc::SYS_sched_getaffinity as usize,
            [0, size_of_val(&mask), mask.as_mut_ptr().addr(), 0, 0, 0],
        )
    };
    match n {
        1.. => mask.iter().map(|word| word.count_ones() as usize).sum::<usize>().max(1),
        _ => 1,
    }
}

/// The smallest processor limit of the process's control groups, in thousandths of a processor.
pub fn group_limit() -> Option<u64> {
    let mut text = [0u8; 1024];
    let n = read(b"/proc/self/cgroup\0", &mut text).ok()?;
    let own = text[..n].split(|c| *c == b'\n').find_map(|line| line.strip_prefix(b"0::/"))?;
    let mut least: Option<u64> = None;
    let mut len = own.len();
    loop {
        if let Some(limit) = limit_of(&own[..len]) {
            least = Some(least.map_or(limit, |l| l.min(limit)));
        }
        if len == 0 {
            return least;
        }
        len = own[..len].iter().rposition(|c| *c == b'/').unwrap_or(0);
    }
}

/// The limit of one group.
fn limit_of(group: &[u8]) -> Option<u64> {
    let mut path = [0u8; 1200];
    let mut len = 0;
    for part in [b"/sys/fs/cgroup/" as &[u8], group, b"/cpu.max\0"] {
        path.get_mut(len..len + part.len())?.copy_from_slice(part);
        len += part.len();
    }
    let mut text = [0u8; 64];
    let n = read(&path[..len], &mut text).ok()?;
    parse_limit(&text[..n])
}

/// `QUOTA PERIOD` in microseconds, or `max PERIOD`.
fn parse_limit(text: &[u8]) -> Option<u64> {
    let mut fields = text.trim_ascii().split(|c| *c == b' ');
    let quota = crate::env::parse_u64(fields.next()?)?;
    let period = crate::env::parse_u64(fields.next()?)?;
    quota.checked_mul(1000)?.checked_div(period)
}

/// What GOMAXPROCS is when nobody says: the affinity, and no more than the group limit rounded up, but not below two for
/// the limit's sake.
pub fn default_procs() -> usize {
    procs_for(affinity(), group_limit())
}

fn procs_for(cpus: usize, limit_milli: Option<u64>) -> usize {
    match limit_milli {
        Some(milli) => cpus.min((milli.div_ceil(1000) as usize).max(2)),
        None => cpus,
    }
}

/// The start of a file, by a name that ends with a zero byte.
pub(crate) fn read(name: &[u8], into: &mut [u8]) -> Result<usize, Errno> {
    debug_assert_eq!(name.last(), Some(&0));
    let flags = (libc::O_RDONLY | libc::O_CLOEXEC) as usize;
    // SAFETY: opens a file for reading, reads into the given bytes, closes it.
    unsafe {
        let fd = Errno::check(syscall6(
            libc::SYS_openat as usize,
            [libc::AT_FDCWD as usize, name.as_ptr().addr(), flags, 0, 0, 0],
        ))?;
        let n = syscall6(libc::SYS_read as usize, [fd, into.as_mut_ptr().addr(), into.len(), 0, 0, 0]);
        syscall6(libc::SYS_close as usize, [fd, 0, 0, 0, 0, 0]);
        Errno::check(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_parsed() {
        for (text, milli) in [
            ("max 100000\n", None),
            ("200000 100000\n", Some(2000)),
            ("150000 100000\n", Some(1500)),
            ("1000 0\n", None),
            ("", None),
        ] {
            assert_eq!(parse_limit(text.as_bytes()), milli, "{text:?}");
        }
    }

    /// GO-17: the default is the affinity, bounded by the limit rounded up, but not below 2.
    #[test]
    fn go_17_default_of_gomaxprocs() {
        for (cpus, milli, procs) in
            [(8, None, 8), (8, Some(2500), 3), (8, Some(500), 2), (1, Some(500), 1), (4, Some(64_000), 4)]
        {
            assert_eq!(procs_for(cpus, milli), procs, "{cpus} {milli:?}");
        }
    }

    #[test]
    fn this_process_has_a_processor() {
        assert!(affinity() >= 1);
        assert!((1..=affinity()).contains(&default_procs()));
    }
}
