//! Memory calls of Linux. See `mem` for their meaning.

use crate::Errno;
use crate::arch::syscall6;
use libc::{
    MADV_DONTNEED, MAP_ANONYMOUS, MAP_FIXED_NOREPLACE, MAP_NORESERVE, MAP_PRIVATE, MREMAP_MAYMOVE, PROT_NONE,
    PROT_READ, PROT_WRITE,
};

/// Linux 6.13; not yet in libc.
const MADV_GUARD_INSTALL: usize = 102;

pub(super) enum Access {
    None,
    ReadWrite,
}

pub(super) fn page_size() -> usize {
    // SAFETY: reads the auxiliary vector.
    unsafe { libc::getauxval(libc::AT_PAGESZ) as usize }
}

fn mmap(addr: usize, len: usize, protection: i32, flags: i32) -> Result<usize, Errno> {
    let flags = (MAP_PRIVATE | MAP_ANONYMOUS | flags) as usize;
    // SAFETY: an anonymous private mapping that replaces nothing (no MAP_FIXED) disturbs no one.
    Errno::check(unsafe {
        syscall6(libc::SYS_mmap as usize, [addr, len, protection as usize, flags, usize::MAX, 0])
    })
}

pub(super) fn reserve(addr: usize, len: usize, exact: bool) -> Result<usize, Errno> {
    mmap(addr, len, PROT_NONE, MAP_NORESERVE | if exact { MAP_FIXED_NOREPLACE } else { 0 })
}

pub(super) fn reserve_readable(len: usize) -> Result<usize, Errno> {
    mmap(0, len, PROT_READ, MAP_NORESERVE)
}

pub(super) fn map(len: usize) -> Result<usize, Errno> {
    mmap(0, len, PROT_READ | PROT_WRITE, 0)
}

pub(super) unsafe fn protect(addr: usize, len: usize, access: Access) -> Result<(), Errno> {
    let protection = match access {
        Access::None => PROT_NONE,
        Access::ReadWrite => PROT_READ | PROT_WRITE,
    };
    // SAFETY: the caller owns the range.
    Errno::check(unsafe {
        syscall6(libc::SYS_mprotect as usize, [addr, len, protection as usize, 0, 0, 0])
    })?;
    Ok(())
}

pub(super) unsafe fn unmap(addr: usize, len: usize) -> bool {
    // SAFETY: the caller owns the range.
    unsafe { syscall6(libc::SYS_munmap as usize, [addr, len, 0, 0, 0, 0]) == 0 }
}

pub(super) unsafe fn discard(addr: usize, len: usize) -> bool {
    // SAFETY: the caller owns the range.
    unsafe { syscall6(libc::SYS_madvise as usize, [addr, len, MADV_DONTNEED as usize, 0, 0, 0]) == 0 }
}

pub(super) unsafe fn remap(addr: usize, old: usize, new: usize, may_move: bool) -> Result<usize, Errno> {
    let flags = if may_move { MREMAP_MAYMOVE as usize } else { 0 };
    // SAFETY: the caller owns the mapping.
    Errno::check(unsafe { syscall6(libc::SYS_mremap as usize, [addr, old, new, flags, 0, 0]) })
}

pub(super) unsafe fn guard(addr: usize, len: usize) -> Result<(), Errno> {
    // SAFETY: the caller owns the range.
    let advised = unsafe { syscall6(libc::SYS_madvise as usize, [addr, len, MADV_GUARD_INSTALL, 0, 0, 0]) };
    if advised == 0 {
        return Ok(());
    }
    // SAFETY: the caller owns the range.
    unsafe { protect(addr, len, Access::None) }
}

pub(super) fn address_space_limit() -> Option<usize> {
    let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: 0 };
    // SAFETY: writes the given record.
    unsafe {
        syscall6(
            libc::SYS_prlimit64 as usize,
            [0, libc::RLIMIT_AS as usize, 0, (&raw mut limit).addr(), 0, 0],
        );
    }
    (limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur as usize)
}
