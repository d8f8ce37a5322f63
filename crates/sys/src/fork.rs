//! What runs around `fork`.

use crate::Errno;

/// Registers three functions with the C library: before the fork, and after it in parent and child. In reverse order
/// of registration before, in order after. May allocate.
pub fn at_fork(
    prepare: extern "C" fn(),
    parent: extern "C" fn(),
    child: extern "C" fn(),
) -> Result<(), Errno> {
    // SAFETY: three functions that live as long as the program.
    match unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) } {
        0 => Ok(()),
        e => Err(Errno(e)),
    }
}
