//! Walking a thread's stack, by the C library's `backtrace`.

/// Return addresses of the calling thread, innermost first; how many were written. The first call loads the unwinder, and
/// allocates.
pub fn walk(out: &mut [usize; 64]) -> usize {
    // SAFETY: writes at most that many pointers.
    let n = unsafe { libc::backtrace(out.as_mut_ptr().cast(), out.len() as i32) };
    n.max(0) as usize
}
