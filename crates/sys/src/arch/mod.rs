//! Assembly, one file per instruction set, each with the same outline:
//!
//! 1. `syscall6`: a system call without libc, hence without `errno`;
//! 2. `words`: the per-thread words, their definition and their access;
//! 3. `cxx`: two functions of the C++ library, if it is there (stable Rust has no weak symbols);
//! 4. `context`: changing stacks.
//!
//! A second file leaves a call from far below it ([`call_catching`] and [`jump`]), defines C functions with variable
//! argument lists (the macro `variadic`), and holds the code of thunks.
//!
//! A third catches a C++ exception ([`call_dropping_exceptions`]).
//!
//! To port: write three new files with these and add their lines here.

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "aarch64")]
mod catch_aarch64;
#[cfg(target_arch = "x86_64")]
mod catch_x86_64;
#[cfg(target_arch = "aarch64")]
mod control_aarch64;
#[cfg(target_arch = "x86_64")]
mod control_x86_64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "aarch64")]
pub use aarch64::{context, cxx, syscall6, words};
#[cfg(target_arch = "aarch64")]
pub use control_aarch64::{JUMP_WORDS, call_catching, go_catch_point, jump, stack_pointer};
#[cfg(target_arch = "x86_64")]
pub use control_x86_64::{JUMP_WORDS, call_catching, go_catch_point, jump, stack_pointer};
#[cfg(target_arch = "x86_64")]
pub use x86_64::{context, cxx, syscall6, words};

/// Calls a function of C++. `false` when it threw: then the exception is dropped.
pub fn call_dropping_exceptions(f: extern "C" fn()) -> bool {
    unsafe extern "C" {
        /// Defined in the file of the instruction set.
        fn gort_cxx_guard(f: extern "C" fn()) -> i32;
    }
    // SAFETY: it calls `f` and comes back in any case.
    unsafe { gort_cxx_guard(f) != 0 }
}

/// Thread words whose initial value is the address just past an empty magazine.
///
/// The words 0 to `MAGAZINE_WORDS - 1` of a new thread hold this value, the rest hold nought. The address is a
/// multiple of [`MAGAZINE_BYTES`], and the pointer just below it is null: to `malloc` the magazine looks empty, to
/// `free` it looks full, so that neither needs to ask whether the thread has been set up.
pub const MAGAZINE_WORDS: usize = 48;
/// All words of a thread.
pub const WORDS: usize = MAGAZINE_WORDS + 8;
/// Alignment of the end of every magazine.
pub const MAGAZINE_BYTES: usize = 512;

/// Bytes from a thunk's code to its slot: a page of the OS, however large they are.
pub const THUNK_DISTANCE: usize = 64 << 10;
/// Where the first thunk of a thunk page lies.
pub const THUNK_FIRST: usize = 256;
/// Bytes of a thunk's code, and of its slot.
pub const THUNK_BYTES: usize = 16;
/// Thunks of a thunk page.
pub const THUNKS_PER_PAGE: usize = (4096 - THUNK_FIRST) / THUNK_BYTES;

/// The code of a thunk page, to be copied; the files of the instruction sets say what is in it.
pub fn thunk_page() -> &'static [u8; 4096] {
    unsafe extern "C" {
        /// Defined in the file of the instruction set.
        static gort_thunk_page: [u8; 4096];
    }
    // SAFETY: code of this object, which is readable and never changes.
    unsafe { &gort_thunk_page }
}

/// The end of the constant empty magazine, see [`MAGAZINE_WORDS`].
pub fn empty_magazine_end() -> *mut *mut u8 {
    unsafe extern "C" {
        /// Defined beside the words, in the file of the instruction set.
        static gort_empty_magazine: [usize; MAGAZINE_BYTES / 8];
    }
    // SAFETY: one past the end of a static is a valid address to form.
    unsafe { (&raw const gort_empty_magazine).add(1).cast_mut().cast() }
}

/// Asks for a cache line that will be read and written soon. Any address.
#[inline(always)]
pub fn prefetch(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch never faults; SSE is part of the base instruction set.
    unsafe {
        core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(at.cast());
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: a prefetch never faults.
    unsafe {
        core::arch::asm!("prfm pstl1keep, [{}]", in(reg) at, options(nomem, nostack, preserves_flags));
    }
}
