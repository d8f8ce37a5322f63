//! Memory freed by hand, under gort's own names. Always there, interposed or not.

use core::ffi::{c_int, c_void};
use gort_malloc::MALLOC;
use gort_sys::{Errno, io};

/// At least `n` bytes, aligned to 16; NULL and ENOMEM when there are none. A request of nought gets a block of its own.
#[unsafe(no_mangle)]
pub extern "C" fn go_malloc(n: usize) -> *mut c_void {
    MALLOC.malloc(n).cast()
}

/// A zeroed array of `n` elements of `size` bytes; NULL and ENOMEM when there is no memory or the product overflows.
#[unsafe(no_mangle)]
pub extern "C" fn go_calloc(n: usize, size: usize) -> *mut c_void {
    MALLOC.calloc(n, size).cast()
}

/// Changes the size of a block; it may move. NULL and ENOMEM when there is no memory, and the block stays as it was.
/// A NULL block is a `go_malloc`; a size of nought is a `go_free` and answers NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_realloc(p: *mut c_void, n: usize) -> *mut c_void {
    // SAFETY: the caller's block.
    unsafe { MALLOC.realloc(p.cast(), n).cast() }
}

/// Takes a block back; NULL is ignored. `errno` stays as it is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_free(p: *mut c_void) {
    // SAFETY: the caller's block.
    unsafe { MALLOC.free(p.cast()) }
}

/// At least `n` bytes at a multiple of `align`; NULL and EINVAL when `align` is no power of two, ENOMEM when there is no
/// memory.
#[unsafe(no_mangle)]
pub extern "C" fn go_aligned_alloc(align: usize, n: usize) -> *mut c_void {
    if !align.is_power_of_two() {
        Errno::EINVAL.set();
        return core::ptr::null_mut();
    }
    MALLOC.aligned_alloc(align, n).cast()
}

/// Bytes that may be used of a block: at least what was asked for; nought for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn go_usable_size(p: *const c_void) -> usize {
    MALLOC.usable_size(p.cast())
}

/// Gives free memory back to the OS; how many 4 KiB units, saturating.
#[unsafe(no_mangle)]
pub extern "C" fn go_malloc_trim() -> c_int {
    c_int::try_from(MALLOC.trim() / 4096).unwrap_or(c_int::MAX)
}

/// Figures of the heap, in bytes unless said otherwise.
#[repr(C)]
#[derive(Clone, Copy, Default)]
#[allow(non_camel_case_types, reason = "the name in C")]
pub struct go_malloc_stats_t {
    /// sizeof of this struct, set by the caller; later versions add fields at the end.
    pub size: usize,
    /// Bytes and number of blocks that the program holds.
    pub live_bytes: usize,
    /// See live_bytes.
    pub live_blocks: usize,
    /// Most that spans and mappings took.
    pub peak_bytes: usize,
    /// From the OS and not given back.
    pub held_bytes: usize,
    /// Free blocks in the caches of threads and classes.
    pub cached_bytes: usize,
    /// Free pages that still have memory.
    pub free_bytes: usize,
    /// Given back to the OS so far.
    pub released_bytes: usize,
    /// Address space of the allocator's own records.
    pub metadata_bytes: usize,
    /// Caches, with and without a thread (a number).
    pub caches: usize,
}

/// Fills `*out`, as much of it as `out->size` says. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_malloc_stats(out: *mut go_malloc_stats_t) {
    if out.is_null() {
        return;
    }
    let stats = MALLOC.stats();
    // SAFETY: the caller's struct, whose first field is its size.
    unsafe {
        let size = (&raw const (*out).size).read();
        let full = go_malloc_stats_t {
            size,
            live_bytes: stats.live_bytes(),
            live_blocks: stats.live_blocks(),
            peak_bytes: stats.peak_bytes(),
            held_bytes: stats.held_bytes(),
            cached_bytes: stats.cached_bytes(),
            free_bytes: stats.heap.free_bytes - stats.heap.released_bytes,
            released_bytes: stats.heap.released_total_bytes,
            metadata_bytes: stats.heap.metadata_bytes,
            caches: stats.caches,
        };
        let len = size.min(size_of::<go_malloc_stats_t>());
        out.cast::<u8>().copy_from_nonoverlapping((&raw const full).cast(), len);
    }
}

/// Writes the heap report, as text. 0, or a negative error number.
#[unsafe(no_mangle)]
pub extern "C" fn go_malloc_stats_print(fd: c_int) -> c_int {
    let mut out = io::Fd::new(fd);
    let _ = crate::report::write(&mut out, &MALLOC.stats());
    out.finish().map_or_else(|e| -e.0, |()| 0)
}

/// Writes the heap profile: pprof's protobuf, compressed by gzip. 0, or a negative error number. Sampling is set by
/// GORT_PROFILE_RATE; without it the profile is empty.
#[unsafe(no_mangle)]
pub extern "C" fn go_heap_profile(fd: c_int) -> c_int {
    io::write_all(fd, &crate::profile::encode()).map_or_else(|e| -e.0, |()| 0)
}
