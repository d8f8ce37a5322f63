//! Code for thunks: plain C function pointers, each with a word of data of its own.
//!
//! A chunk is 64 KiB of code, and 64 KiB of data behind it; a thunk finds its slot at a fixed distance from its code.
//!
//! ```text
//!     at                                       at + 64 KiB
//!     | page | page | ... 16 times, r-x        | slots of page | slots of page | ... rw-
//!       thunk i of page p  --- + 64 KiB --->     slot i of page p: two words, the first is the closure
//! ```
//!
//! No mapping is ever writable and executable, and none becomes executable after it was writable, where the kernel has
//! memory files: the page of code in this object is written to such a file, which is mapped shared for reading and
//! execution. Further chunks are second views of the first chunk's code (`mremap` of a shared mapping from length 0),
//! so that all code of all thunks takes 64 KiB of memory. Where memory files may not be executed, the pages are
//! copied to private memory, which then loses the right to write as it gains the right to execute.
//!
//! Rejected: mapping this object's own file once more. It needs a path that may be gone, replaced or out of reach.

use crate::arch::{THUNK_BYTES, THUNK_DISTANCE, THUNK_FIRST, THUNKS_PER_PAGE, syscall6, thunk_page};
use crate::{Errno, fault, mem};

/// Bytes of a page of code.
const PAGE: usize = 4096;
/// Bytes of a chunk's code.
const CODE: usize = THUNK_DISTANCE;
/// Thunks of a chunk.
pub const CHUNK_THUNKS: usize = CODE / PAGE * THUNKS_PER_PAGE;
/// What the data of each thunk begins with: the closure, then a word for whoever keeps the slots.
pub type Slot = [usize; THUNK_BYTES / 8];

/// One chunk. Never unmapped, since someone may still hold a function pointer.
#[derive(Clone, Copy, Debug)]
pub struct Chunk {
    /// Where its code begins.
    pub code: usize,
}

impl Chunk {
    /// Maps a chunk; its code is that of `first`, if there is one already.
    pub fn map(first: Option<Self>) -> Result<Self, Errno> {
        fault::check(fault::Call::Map)?;
        let at = mem::map_aligned(2 * CODE, CODE)?;
        let mapped = match first {
            Some(first) => view_again(first.code, at),
            None => from_memory_file(at),
        };
        // SAFETY: mapped above, for nobody else yet.
        match mapped.or_else(|_| unsafe { by_protection(at) }) {
            Ok(()) => Ok(Self { code: at }),
            Err(e) => {
                // SAFETY: as above.
                unsafe { mem::unmap(at, 2 * CODE) };
                Err(e)
            }
        }
    }

    /// The function pointer of thunk `i`.
    pub fn entry(self, i: usize) -> usize {
        debug_assert!(i < CHUNK_THUNKS);
        self.code + i / THUNKS_PER_PAGE * PAGE + THUNK_FIRST + i % THUNKS_PER_PAGE * THUNK_BYTES
    }

    /// The data of thunk `i`.
    pub fn slot(self, i: usize) -> *mut Slot {
        core::ptr::with_exposed_provenance_mut(self.entry(i) + THUNK_DISTANCE)
    }
}

fn call(number: i64, a: [usize; 6]) -> Result<usize, Errno> {
    // SAFETY: the callers below replace only the mapping that they made.
    Errno::check(unsafe { syscall6(number as usize, a) })
}

/// Code pages at `at`, from a memory file of their own.
fn from_memory_file(at: usize) -> Result<(), Errno> {
    /// Linux 6.3: says that it is meant to be executable.
    const MFD_EXEC: usize = 0x10;
    let name = c"gort-thunks".as_ptr().addr();
    let flags = libc::MFD_CLOEXEC as usize | libc::MFD_ALLOW_SEALING as usize;
    let fd = call(libc::SYS_memfd_create, [name, flags | MFD_EXEC, 0, 0, 0, 0])
        .or_else(|_| call(libc::SYS_memfd_create, [name, flags, 0, 0, 0, 0]))?;
    let mapped = fill_and_map(fd, at);
    let _ = call(libc::SYS_close, [fd, 0, 0, 0, 0, 0]);
    mapped
}

fn fill_and_map(fd: usize, at: usize) -> Result<(), Errno> {
    const F_ADD_SEALS: usize = 1033;
    /// No shrinking, no growing, no writing from here on (Linux 5.1; older kernels do without).
    const SEALS: usize = 0x2 | 0x4 | 0x10;
    for _ in 0..CODE / PAGE {
        crate::io::write_all(fd as i32, thunk_page())?;
    }
    let _ = call(libc::SYS_fcntl, [fd, F_ADD_SEALS, SEALS, 0, 0, 0]);
    let protection = (libc::PROT_READ | libc::PROT_EXEC) as usize;
    let flags = (libc::MAP_SHARED | libc::MAP_FIXED) as usize;
    call(libc::SYS_mmap, [at, CODE, protection, flags, fd, 0]).map(drop)
}

/// A second view of the first chunk's code, at `at`. Fails for private code.
fn view_again(code: usize, at: usize) -> Result<(), Errno> {
    let flags = (libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED) as usize;
    call(libc::SYS_mremap, [code, 0, CODE, flags, at, 0]).map(drop)
}

/// Private code pages at `at`: written first, executable then.
///
/// # Safety
/// A ready chunk, the caller's.
unsafe fn by_protection(at: usize) -> Result<(), Errno> {
    // A view that failed half-way may have left a hole: fill it again.
    let flags = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED) as usize;
    let writable = (libc::PROT_READ | libc::PROT_WRITE) as usize;
    call(libc::SYS_mmap, [at, CODE, writable, flags, usize::MAX, 0])?;
    for page in 0..CODE / PAGE {
        let to = core::ptr::with_exposed_provenance_mut::<u8>(at + page * PAGE);
        // SAFETY: mapped above.
        unsafe { to.copy_from_nonoverlapping(thunk_page().as_ptr(), PAGE) };
    }
    let executable = (libc::PROT_READ | libc::PROT_EXEC) as usize;
    call(libc::SYS_mprotect, [at, CODE, executable, 0, 0, 0])?;
    #[cfg(target_arch = "aarch64")]
    {
        unsafe extern "C" {
            fn __clear_cache(from: *mut core::ffi::c_void, to: *mut core::ffi::c_void);
        }
        // SAFETY: the code that was written above.
        unsafe { __clear_cache(at as *mut _, (at + CODE) as *mut _) };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Begins as the thunk code expects a closure to.
    #[repr(C)]
    struct Fake {
        function: extern "C" fn(*const u64, *mut [usize; 7]),
        header: [usize; 3],
        environment: u64,
    }

    extern "C" fn weigh(environment: *const u64, args: *mut [usize; 7]) {
        // SAFETY: what the thunk code passes.
        unsafe {
            let sum: usize = (0..6).map(|i| (*args)[i] * 10usize.pow(i as u32)).sum();
            (*args)[6] = sum + *environment as usize;
        }
    }

    fn check(chunk: Chunk) {
        let fake = Fake { function: weigh, header: [0; 3], environment: 7_000_000 };
        for i in [0, 1, THUNKS_PER_PAGE - 1, THUNKS_PER_PAGE, CHUNK_THUNKS - 1] {
            // SAFETY: a slot of a chunk of ours; the entry is code that takes six integers.
            let result = unsafe {
                (*chunk.slot(i))[0] = (&raw const fake).expose_provenance();
                let f: extern "C" fn(usize, usize, usize, usize, usize, usize) -> usize =
                    core::mem::transmute(chunk.entry(i));
                f(1, 2, 3, 4, 5, 6)
            };
            assert_eq!(result, 7_654_321, "thunk {i}");
        }
    }

    #[test]
    fn every_way_of_mapping_gives_code_that_reaches_its_slot() {
        let first = Chunk::map(None).unwrap();
        check(first);
        check(Chunk::map(Some(first)).unwrap());
        let at = mem::map_aligned(2 * CODE, CODE).unwrap();
        // SAFETY: mapped above.
        unsafe { by_protection(at).unwrap() };
        check(Chunk { code: at });
        let private = Chunk { code: at };
        check(Chunk::map(Some(private)).unwrap());
    }
}
