//! The C library's names. A program that is preloaded or linked with libgort gets these in their place.
//!
//! glibc's manual lists what a replacement must define ("Replacing malloc"); the rest is here so that no block ever comes
//! from one allocator and goes to the other.

use core::ffi::{c_int, c_void};
use core::ptr::null_mut;
use gort_malloc::MALLOC;
use gort_sys::{Errno, mem};

/// As in C.
#[unsafe(no_mangle)]
pub extern "C" fn malloc(n: usize) -> *mut c_void {
    MALLOC.malloc(n).cast()
}

/// As in C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free(p: *mut c_void) {
    // SAFETY: the caller's block.
    unsafe { MALLOC.free(p.cast()) }
}

/// As in C.
#[unsafe(no_mangle)]
pub extern "C" fn calloc(n: usize, size: usize) -> *mut c_void {
    MALLOC.calloc(n, size).cast()
}

/// As in C; a size of nought frees and answers NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realloc(p: *mut c_void, n: usize) -> *mut c_void {
    // SAFETY: the caller's block.
    unsafe { MALLOC.realloc(p.cast(), n).cast() }
}

/// As in glibc.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reallocarray(p: *mut c_void, n: usize, size: usize) -> *mut c_void {
    match n.checked_mul(size) {
        // SAFETY: the caller's block.
        Some(total) => unsafe { realloc(p, total) },
        None => {
            Errno::ENOMEM.set();
            null_mut()
        }
    }
}

/// As in C23.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free_sized(p: *mut c_void, n: usize) {
    // SAFETY: the caller's block.
    unsafe { MALLOC.free_sized(p.cast(), n, 1, false, "free_sized") }
}

/// As in C23.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free_aligned_sized(p: *mut c_void, align: usize, n: usize) {
    // SAFETY: the caller's block.
    unsafe { MALLOC.free_sized(p.cast(), n, align, false, "free_aligned_sized") }
}

/// As free; gone from glibc since 2.26.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cfree(p: *mut c_void) {
    // SAFETY: the caller's block.
    unsafe { MALLOC.free_named(p.cast(), "cfree") }
}

/// As in C: NULL and EINVAL when `align` is no power of two.
#[unsafe(no_mangle)]
pub extern "C" fn aligned_alloc(align: usize, n: usize) -> *mut c_void {
    crate::memory::go_aligned_alloc(align, n)
}

/// As in glibc: an alignment that is no power of two is rounded up to one.
#[unsafe(no_mangle)]
pub extern "C" fn memalign(align: usize, n: usize) -> *mut c_void {
    match align.max(1).checked_next_power_of_two() {
        Some(align) => MALLOC.aligned_alloc(align, n).cast(),
        None => {
            Errno::EINVAL.set();
            null_mut()
        }
    }
}

/// As in POSIX: 0, EINVAL or ENOMEM; `*out` changes only with 0, `errno` never.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_memalign(out: *mut *mut c_void, align: usize, n: usize) -> c_int {
    if !align.is_power_of_two() || align < size_of::<*mut c_void>() {
        return Errno::EINVAL.0;
    }
    let errno = Errno::get();
    let block = MALLOC.aligned_alloc(align, n);
    if block.is_null() {
        errno.set();
        return Errno::ENOMEM.0;
    }
    // SAFETY: the caller's variable.
    unsafe { *out = block.cast() };
    0
}

/// A block that starts at a page.
#[unsafe(no_mangle)]
pub extern "C" fn valloc(n: usize) -> *mut c_void {
    MALLOC.aligned_alloc(mem::page_size(), n).cast()
}

/// Whole pages; one at least.
#[unsafe(no_mangle)]
pub extern "C" fn pvalloc(n: usize) -> *mut c_void {
    match mem::round_to_pages(n.max(1)) {
        Some(n) => valloc(n),
        None => {
            Errno::ENOMEM.set();
            null_mut()
        }
    }
}

/// Bytes that may be used of a block; nought for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn malloc_usable_size(p: *const c_void) -> usize {
    MALLOC.usable_size(p.cast())
}

/// Gives free memory back to the OS: 1 when there was any. What `pad` asks to keep, the next requests take anew.
#[unsafe(no_mangle)]
pub extern "C" fn malloc_trim(_pad: usize) -> c_int {
    (MALLOC.trim() > 0) as c_int
}

/// glibc's internal names, which old programs and debuggers use.
mod aliases {
    use super::*;

    #[unsafe(no_mangle)]
    extern "C" fn __libc_malloc(n: usize) -> *mut c_void {
        malloc(n)
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn __libc_free(p: *mut c_void) {
        // SAFETY: the caller's block.
        unsafe { free(p) }
    }

    #[unsafe(no_mangle)]
    extern "C" fn __libc_calloc(n: usize, size: usize) -> *mut c_void {
        calloc(n, size)
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn __libc_realloc(p: *mut c_void, n: usize) -> *mut c_void {
        // SAFETY: the caller's block.
        unsafe { realloc(p, n) }
    }

    #[unsafe(no_mangle)]
    extern "C" fn __libc_memalign(align: usize, n: usize) -> *mut c_void {
        memalign(align, n)
    }

    #[unsafe(no_mangle)]
    extern "C" fn __libc_valloc(n: usize) -> *mut c_void {
        valloc(n)
    }

    #[unsafe(no_mangle)]
    extern "C" fn __libc_pvalloc(n: usize) -> *mut c_void {
        pvalloc(n)
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn __posix_memalign(out: *mut *mut c_void, align: usize, n: usize) -> c_int {
        // SAFETY: the caller's variable.
        unsafe { posix_memalign(out, align, n) }
    }
}
