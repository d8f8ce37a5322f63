//! A variable that several closures capture: a box on the heap, counted, zeroed when made.
//!
//! ```text
//!     -16 references   -8 unused   0 the variable, aligned to 16
//! ```

use crate::host::Memory;
use crate::slots::Count;
use core::ffi::c_void;
use core::ptr::null_mut;

#[repr(C, align(16))]
struct Header {
    count: Count,
}

/// A zeroed variable of `size` bytes, with one reference. Null when there is no memory.
pub fn make(memory: &dyn Memory, size: usize) -> *mut c_void {
    let Some(total) = size.checked_add(size_of::<Header>()) else { return null_mut() };
    let header = memory.alloc(total).cast::<Header>();
    if header.is_null() {
        return null_mut();
    }
    // SAFETY: allocated above.
    unsafe {
        header.write(Header { count: Count::new() });
        let variable = header.add(1).cast::<u8>();
        variable.write_bytes(0, size);
        variable.cast()
    }
}

/// One more reference.
///
/// # Safety
/// From [`make`]; the caller has a reference.
pub unsafe fn add_ref(variable: *mut c_void) {
    // SAFETY: the header lies in front.
    unsafe { (*variable.cast::<Header>().sub(1)).count.up() }
}

/// One reference less; the last one frees the box.
///
/// # Safety
/// From [`make`] with the same memory; the caller gives up a reference.
pub unsafe fn unref(memory: &dyn Memory, variable: *mut c_void) {
    // SAFETY: the header lies in front.
    unsafe {
        let header = variable.cast::<Header>().sub(1);
        if (*header).count.down() {
            memory.free(header.cast());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::System;
    use gort_sync::atomic::{AtomicI32, Ordering::Relaxed};

    /// Closure rule 3: a shared variable lives as long as the last closure that captured it.
    #[test]
    fn a_box_is_zeroed_and_freed_with_its_last_reference() {
        struct Counting(AtomicI32);
        impl Memory for Counting {
            fn alloc(&self, size: usize) -> *mut u8 {
                self.0.fetch_add(1, Relaxed);
                System.alloc(size)
            }
            unsafe fn free(&self, block: *mut u8) {
                self.0.fetch_sub(1, Relaxed);
                // SAFETY: passed on.
                unsafe { System.free(block) }
            }
        }
        let memory = Counting(AtomicI32::new(0));
        let variable = make(&memory, 40).cast::<[u64; 5]>();
        // SAFETY: made above, with references of our own.
        unsafe {
            assert_eq!(*variable, [0; 5]);
            add_ref(variable.cast());
            unref(&memory, variable.cast());
            (*variable)[4] = 1;
            assert_eq!(memory.0.load(Relaxed), 1);
            unref(&memory, variable.cast());
            assert_eq!(memory.0.load(Relaxed), 0);
        }
    }
}
