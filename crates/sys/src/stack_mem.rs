//! What goroutine stacks are made of: large mappings without commit charge, and guards.
//!
//! A slab of stacks is one mapping, readable and writable, whose pages appear when touched. It asks for no huge pages: one
//! touched stack would get the memory of eight. A guard is a range in it that faults. From Linux 6.13 on guards are marks in
//! the page table (`MADV_GUARD_INSTALL`), before that they are mappings of their own, of which a process may have 65,530.

use crate::Errno;
use crate::arch::syscall6;
use crate::fault::{self, Call};
use crate::mem;

/// A mapping for stacks. Zero bytes of it are committed.
pub fn map(len: usize) -> Result<usize, Errno> {
    fault::check(Call::Map)?;
    let protection = (libc::PROT_READ | libc::PROT_WRITE) as usize;
    let flags = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE) as usize;
    // SAFETY: an anonymous mapping that replaces nothing.
    let at = Errno::check(unsafe {
        syscall6(libc::SYS_mmap as usize, [0, len, protection, flags, usize::MAX, 0])
    })?;
    // A hint; kernels without huge pages refuse it.
    // SAFETY: our own mapping.
    unsafe { syscall6(libc::SYS_madvise as usize, [at, len, libc::MADV_NOHUGEPAGE as usize, 0, 0, 0]) };
    Ok(at)
}

/// Makes a range of a mapping fault, for ever.
///
/// # Safety
/// The caller owns the range, and nobody uses it.
pub unsafe fn guard(at: usize, len: usize) -> Result<(), Errno> {
    // SAFETY: the caller's promise.
    unsafe { mem::guard(at, len) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guards_fault_and_their_neighbours_do_not() {
        let page = mem::page_size();
        let at = map(16 * page).unwrap();
        // SAFETY: our own mapping.
        unsafe {
            guard(at + 4 * page, page).unwrap();
            *((at + 3 * page) as *mut u8) = 1;
            *((at + 5 * page) as *mut u8) = 1;
        }
        // The kernel tells by EFAULT whether a byte can be read.
        let mut ends = [0; 2];
        // SAFETY: fills two descriptors.
        assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
        for (at, readable) in
            [(at + 3 * page, true), (at + 4 * page, false), (at + 5 * page - 1, false), (at + 5 * page, true)]
        {
            // SAFETY: the kernel checks the address.
            let n = unsafe { libc::write(ends[1], at as *const libc::c_void, 1) };
            assert_eq!(n == 1, readable, "{at:#x}");
        }
        // SAFETY: our own.
        unsafe {
            libc::close(ends[0]);
            libc::close(ends[1]);
            mem::unmap(at, 16 * page);
        }
    }
}
