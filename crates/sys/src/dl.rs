//! Symbols of other objects, from the dynamic loader.

use core::ffi::{CStr, c_void};

/// The next definition of a symbol after the one in this object; null when there is none.
pub fn next(name: &CStr) -> *mut c_void {
    // SAFETY: reads the name.
    unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) }
}
