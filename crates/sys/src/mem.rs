//! Address space and its states.
//!
//! Follows Go's `mem.go`. A range of addresses is in one of these states, and each function is one edge:
//!
//! ```text
//!              reserve, reserve_at                commit
//!      None ---------------------------> Reserved --------> Ready
//!        ^                                  |                | ^
//!        |              unmap               |          discard | touch
//!        +----------------------------------+----------------+ |
//!                                                            v |
//!                                                        (Ready, pages given back)
//! ```
//!
//! Reserved memory has no access and no commit charge. Ready memory reads and writes; its pages appear when touched
//! and are zero then. [`discard`] gives the pages back at once (`MADV_DONTNEED`) and leaves the range ready, and
//! zero. [`map`] goes from None to Ready in one call.
//!
//! Departures from Go: no Prepared state, since Linux tells Reserved and Ready apart only by protection; no huge
//! page advice, which Go too dropped in 1.21.4.
//!
//! Errors are the kernel's, nearly always `ENOMEM`: address space (`RLIMIT_AS`), data (`RLIMIT_DATA`), commit
//! (`vm.overcommit_memory=2`) or mappings (`vm.max_map_count`) are used up. Lengths and addresses are multiples of
//! [`page_size`] unless said otherwise.

use crate::Errno;
use crate::fault::{self, Call};
use gort_sync::atomic::{AtomicUsize, Ordering};

#[cfg(not(loom))]
#[path = "imp/linux_mem.rs"]
mod imp;
#[cfg(loom)]
#[path = "imp/loom_mem.rs"]
mod imp;

/// Bytes of a page of the OS: 4, 16 or 64 KiB.
#[cfg(not(loom))]
pub fn page_size() -> usize {
    static CACHED: AtomicUsize = AtomicUsize::new(0);
    // Relaxed: a number that never changes; whoever finds nought asks again.
    match CACHED.load(Ordering::Relaxed) {
        0 => {
            let size = imp::page_size();
            CACHED.store(size, Ordering::Relaxed);
            size
        }
        size => size,
    }
}

/// Bytes of a page of the OS, as models see it.
#[cfg(loom)]
pub fn page_size() -> usize {
    let _ = (AtomicUsize::new(0), Ordering::Relaxed); // Relaxed: no operation, the import has a user.
    imp::page_size()
}

/// How much address space the process may have (`RLIMIT_AS`), if that is limited.
pub fn address_space_limit() -> Option<usize> {
    imp::address_space_limit()
}

/// Rounds up to whole pages of the OS; `None` on overflow.
pub fn round_to_pages(len: usize) -> Option<usize> {
    len.checked_next_multiple_of(page_size())
}

/// None to Reserved, anywhere.
pub fn reserve(len: usize) -> Result<usize, Errno> {
    fault::check(Call::Reserve)?;
    imp::reserve(0, len, false)
}

/// None to Reserved, at exactly this address; `EEXIST` when something is there.
pub fn reserve_at(addr: usize, len: usize) -> Result<(), Errno> {
    fault::check(Call::Reserve)?;
    match imp::reserve(addr, len, true) {
        Ok(got) if got == addr => Ok(()),
        Ok(got) => {
            // Kernels before 4.17 take the address as a hint.
            // SAFETY: the mapping was made one line above and nobody else knows it.
            unsafe { imp::unmap(got, len) };
            Err(Errno::EEXIST)
        }
        Err(e) => Err(e),
    }
}

/// Reserved to Ready.
///
/// # Safety
/// The range is reserved (or ready), and the caller's.
pub unsafe fn commit(addr: usize, len: usize) -> Result<(), Errno> {
    fault::check(Call::Commit)?;
    // SAFETY: passed on.
    unsafe { imp::protect(addr, len, imp::Access::ReadWrite) }
}

/// None to Reserved, but readable: zero bytes that cost no commit charge. For sparse tables whose parts are committed
/// as they come into use.
pub fn reserve_readable(len: usize) -> Result<usize, Errno> {
    fault::check(Call::Reserve)?;
    imp::reserve_readable(len)
}

/// None to Ready.
pub fn map(len: usize) -> Result<usize, Errno> {
    fault::check(Call::Map)?;
    imp::map(len)
}

/// None to Ready, at a multiple of `align`, a power of two.
pub fn map_aligned(len: usize, align: usize) -> Result<usize, Errno> {
    debug_assert!(align.is_power_of_two());
    if align <= page_size() {
        return map(len);
    }
    let padded = len.checked_add(align).ok_or(Errno::ENOMEM)?;
    let at = map(padded)?;
    let start = at.next_multiple_of(align);
    // SAFETY: head and tail of a mapping that is ours alone.
    unsafe {
        if start > at {
            unmap(at, start - at);
        }
        if at + padded > start + len {
            unmap(start + len, at + padded - start - len);
        }
    }
    Ok(start)
}

/// Any state to None.
///
/// The kernel may refuse when the process has as many mappings as it may have; then the pages are discarded
/// instead, and the addresses stay lost.
///
/// # Safety
/// The range is the caller's and nobody uses it any more.
pub unsafe fn unmap(addr: usize, len: usize) {
    // SAFETY: passed on.
    unsafe {
        if fault::check(Call::Unmap).is_err() || !imp::unmap(addr, len) {
            imp::discard(addr, len);
        }
    }
}

/// Gives the pages of a ready range back. It stays ready; reads are zero from here on. Whether that happened: a
/// locked page (`mlock`) stays.
///
/// # Safety
/// The range is the caller's, and its contents are not needed.
pub unsafe fn discard(addr: usize, len: usize) -> bool {
    // SAFETY: passed on.
    fault::check(Call::Discard).is_ok() && unsafe { imp::discard(addr, len) }
}

/// Calls `watcher` with address and length of every discard, instead of the OS, in the model that runs on this thread: the
/// model can hold the contents of pages in cells and have loom see who touches them when.
#[cfg(loom)]
pub fn watch_discards(watcher: impl Fn(usize, usize) + 'static) {
    imp::watch_discards(watcher);
}

/// Grows or shrinks a whole mapping, moving it if `may_move` and need be, and answers where it is then. Contents are
/// kept up to the smaller length without being copied; new bytes are zero.
///
/// # Safety
/// `addr` and `old` describe one mapping made by [`map`] or [`map_aligned`], the caller's.
pub unsafe fn remap(addr: usize, old: usize, new: usize, may_move: bool) -> Result<usize, Errno> {
    fault::check(Call::Remap)?;
    // SAFETY: passed on.
    unsafe { imp::remap(addr, old, new, may_move) }
}

/// Makes every access to the range fault, at no cost in mappings where the kernel can (Linux 6.13,
/// `MADV_GUARD_INSTALL`), by protection otherwise.
///
/// # Safety
/// The range is the caller's, and its contents are not needed.
pub unsafe fn guard(addr: usize, len: usize) -> Result<(), Errno> {
    fault::check(Call::Guard)?;
    // SAFETY: passed on.
    unsafe { imp::guard(addr, len) }
}
