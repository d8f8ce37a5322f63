//! What only the C library can do: its heap, its formatting, its end of a process.

use core::ffi::{c_char, c_int, c_void};

unsafe extern "C" {
    fn vsnprintf(buf: *mut c_char, n: usize, format: *const c_char, list: *mut c_void) -> c_int;
    fn ftrylockfile(stream: *mut c_void) -> c_int;
    fn funlockfile(stream: *mut c_void);
    fn fflush_unlocked(stream: *mut c_void) -> c_int;
    /// The C library's standard output.
    static stdout: *mut c_void;
}

/// `malloc`: aligned to 16, null when there is no memory.
pub fn malloc(size: usize) -> *mut u8 {
    // SAFETY: any size will do.
    unsafe { libc::malloc(size).cast() }
}

/// `free`.
///
/// # Safety
/// `block` is null, or from [`malloc`] and not used any more.
pub unsafe fn free(block: *mut u8) {
    // SAFETY: passed on.
    unsafe { libc::free(block.cast()) }
}

/// `vsnprintf`: the text's length, whatever fitted; negative when the format is none.
///
/// # Safety
/// `buf` has room for `n` bytes; `list` is the `va_list` that `format` describes, and is used up by the call.
pub unsafe fn format(buf: *mut c_char, n: usize, format: *const c_char, list: *mut c_void) -> c_int {
    // SAFETY: passed on. Both ABIs pass a `va_list` as a pointer to it.
    unsafe { vsnprintf(buf, n, format, list) }
}

/// Words of a `va_list`; a copy of them is another list in the same state.
#[cfg(target_arch = "x86_64")]
pub const LIST_WORDS: usize = 3;
/// Words of a `va_list`; a copy of them is another list in the same state.
#[cfg(target_arch = "aarch64")]
pub const LIST_WORDS: usize = 4;

/// Writes out what standard output has buffered, unless another thread is using it.
pub fn flush_stdout() {
    // SAFETY: the stream exists as long as the program; it is locked while it is used.
    unsafe {
        let stream = stdout;
        if !stream.is_null() && ftrylockfile(stream) == 0 {
            fflush_unlocked(stream);
            funlockfile(stream);
        }
    }
}

/// Ends the process at once: nothing that was registered for its end runs.
pub fn exit_now(status: i32) -> ! {
    // SAFETY: does not come back.
    unsafe { libc::_exit(status) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_aligned_and_freed() {
        let block = malloc(100);
        assert_eq!(block.addr() % 16, 0);
        // SAFETY: allocated above.
        unsafe { free(block) };
    }
}
