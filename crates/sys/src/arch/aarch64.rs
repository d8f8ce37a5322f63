//! aarch64, AAPCS64.
//!
//! # System calls
//! Number in `x8`, arguments in `x0` to `x5`, answer in `x0`; nothing else is clobbered.
//!
//! # Stack switch
//! Registers at rest lie on their own stack; the context is the address of the lowest:
//!
//! ```text
//!     context -> | x29 | x19 | resume address | pad | the stack as the compiler left it ...
//! ```
//!
//! All other registers are declared clobbered. `x19` and `x29` the compiler would not give away.
//!
//! # Thread words
//! As on x86-64: initial-exec static storage. The loader writes the offset into the GOT:
//!
//! ```text
//!     mrs  tp, tpidr_el0
//!     adrp off, :gottprel:gort_thread_words
//!     ldr  off, [off, :gottprel_lo12:gort_thread_words]
//!     ldr  v, [tp + off + 8*i]
//! ```

use super::{MAGAZINE_BYTES, MAGAZINE_WORDS, WORDS};
use core::arch::{asm, global_asm};

/// A system call.
///
/// # Safety
/// As the call: the kernel may write through pointer arguments and change mappings.
#[inline]
pub unsafe fn syscall6(number: usize, a: [usize; 6]) -> isize {
    let result: isize;
    // SAFETY: as the head says; the caller answers for the effect.
    unsafe {
        asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") a[0] as isize => result,
            in("x1") a[1], in("x2") a[2], in("x3") a[3], in("x4") a[4], in("x5") a[5],
            options(nostack),
        );
    }
    result
}

global_asm!(
    ".pushsection .rodata.gort_empty_magazine, \"a\", @progbits",
    ".balign {bytes}",
    ".globl gort_empty_magazine",
    ".hidden gort_empty_magazine",
    ".type gort_empty_magazine, @object",
    "gort_empty_magazine:",
    ".zero {bytes}",
    ".size gort_empty_magazine, {bytes}",
    ".popsection",
    ".pushsection .tdata.gort_thread_words, \"awT\", @progbits",
    ".balign 64",
    ".globl gort_thread_words",
    ".hidden gort_thread_words",
    ".type gort_thread_words, @object",
    "gort_thread_words:",
    ".rept {magazines}",
    ".quad gort_empty_magazine + {bytes}",
    ".endr",
    ".zero 8 * ({words} - {magazines})",
    ".size gort_thread_words, 8 * {words}",
    ".popsection",
    bytes = const MAGAZINE_BYTES,
    magazines = const MAGAZINE_WORDS,
    words = const WORDS,
);

/// Access to the calling thread's words.
pub mod words {
    use super::*;

    /// The words' offset from the thread pointer; constant for the process.
    #[inline(always)]
    fn offset() -> usize {
        let offset: usize;
        // SAFETY: reads a GOT entry that the loader filled before any code of this object ran.
        unsafe {
            asm!(
                "adrp {o}, :gottprel:gort_thread_words",
                "ldr {o}, [{o}, :gottprel_lo12:gort_thread_words]",
                o = out(reg) offset,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        offset
    }

    /// The address of the calling thread's words, valid until the thread's storage is gone.
    #[inline(always)]
    pub fn base() -> *mut usize {
        let pointer: usize;
        // SAFETY: reads the thread pointer. Not `pure`: a goroutine may continue on another thread.
        unsafe { asm!("mrs {}, tpidr_el0", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
        (pointer + offset()) as *mut usize
    }

    /// Where word `i` lies, from the thread pointer; the same in all threads.
    pub fn offset_of(i: usize) -> usize {
        offset().wrapping_add(8 * i)
    }

    /// Reads word `i`.
    ///
    /// # Safety
    /// `i < WORDS`.
    #[inline(always)]
    pub unsafe fn load(i: usize) -> usize {
        // SAFETY: the word is the thread's own, `i` is in bounds.
        unsafe { *base().add(i) }
    }

    /// Writes word `i`.
    ///
    /// # Safety
    /// `i < WORDS`.
    #[inline(always)]
    pub unsafe fn store(i: usize, value: usize) {
        // SAFETY: the word is the thread's own, `i` is in bounds.
        unsafe { *base().add(i) = value }
    }

    /// Adds `K` to word `i`.
    ///
    /// # Safety
    /// `i < WORDS`.
    #[inline(always)]
    pub unsafe fn add<const K: i32>(i: usize) {
        // SAFETY: the word is the thread's own, `i` is in bounds.
        unsafe {
            let word = base().add(i);
            *word = (*word).wrapping_add_signed(K as isize);
        }
    }
}

/// The C++ library's part in a failing `new`, by weak symbols: null where no C++ library is loaded.
pub mod cxx {
    use super::*;

    global_asm!(".weak _ZSt15get_new_handlerv", ".weak _ZSt17__throw_bad_allocv");

    /// A new-handler.
    pub type Handler = extern "C" fn();

    /// The current new-handler, if there is one.
    pub fn new_handler() -> Option<Handler> {
        let get: usize;
        // SAFETY: reads a GOT entry; null or the function of that name.
        unsafe {
            asm!(
                "adrp {get}, :got:_ZSt15get_new_handlerv",
                "ldr {get}, [{get}, :got_lo12:_ZSt15get_new_handlerv]",
                get = out(reg) get,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        // SAFETY: null is `None`; else the address of a function of this type.
        let get: Option<extern "C" fn() -> Option<Handler>> = unsafe { core::mem::transmute(get) };
        get.and_then(|get| get())
    }

    /// Throws `std::bad_alloc`; comes back where there is no C++ library.
    pub fn throw_bad_alloc() {
        let throw: usize;
        // SAFETY: reads a GOT entry; null or the function of that name.
        unsafe {
            asm!(
                "adrp {throw}, :got:_ZSt17__throw_bad_allocv",
                "ldr {throw}, [{throw}, :got_lo12:_ZSt17__throw_bad_allocv]",
                throw = out(reg) throw,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        // SAFETY: null is `None`; else the address of a function of this type.
        let throw: Option<extern "C" fn()> = unsafe { core::mem::transmute(throw) };
        if let Some(throw) = throw {
            throw();
        }
    }
}

/// Changing stacks.
pub mod context {
    use super::*;
    use crate::context::{After, Entry};

    unsafe extern "C" {
        /// Where a new stack starts: defined below.
        fn gort_context_entry();
    }

    // The first frame of a stack: unwinders and frame pointer walkers stop here.
    global_asm!(
        ".pushsection .text.gort_context_entry, \"ax\", @progbits",
        ".balign 4",
        ".globl gort_context_entry",
        ".hidden gort_context_entry",
        ".type gort_context_entry, @function",
        "gort_context_entry:",
        ".cfi_startproc",
        ".cfi_undefined x30",
        "hint #36", // bti j
        "ldp x29, x19, [sp], #32",
        "mov x0, x2",
        "mov x1, x3",
        "blr x19",
        "brk #1",
        ".cfi_endproc",
        ".size gort_context_entry, . - gort_context_entry",
        ".popsection",
    );

    /// See [`crate::context::Context::prepare`].
    ///
    /// # Safety
    /// As there.
    #[inline]
    pub unsafe fn prepare(top: usize, entry: Entry) -> usize {
        let at = top - 32;
        // SAFETY: the caller owns the memory below `top`.
        unsafe {
            let words = core::ptr::with_exposed_provenance_mut::<usize>(at);
            words.write(0); // the frame pointer of nobody
            words.add(1).write(entry as usize);
            words.add(2).write(gort_context_entry as *const () as usize);
        }
        at
    }

    /// See [`crate::context::switch`].
    ///
    /// # Safety
    /// As there.
    #[inline(always)]
    pub unsafe fn switch(save: *mut usize, to: usize, after: After, data: usize) {
        let after_us: After;
        let data_of_after: usize;
        // SAFETY: `to` is a context at rest, the caller says. Every register is saved or declared clobbered.
        unsafe {
            asm!(
                "adr x9, 2f",
                "stp x29, x19, [sp, #-32]!",
                "str x9, [sp, #16]",
                "mov x10, sp",
                "str x10, [x0]",
                "mov sp, x1",
                "ldr x9, [sp, #16]",
                "br x9",
                "2:",
                "hint #36", // bti j
                "ldp x29, x19, [sp], #32",
                inlateout("x0") save => _, inlateout("x1") to => _,
                inlateout("x2") after => after_us, inlateout("x3") data => data_of_after,
                lateout("x20") _, lateout("x21") _, lateout("x22") _, lateout("x23") _, lateout("x24") _,
                lateout("x25") _, lateout("x26") _, lateout("x27") _, lateout("x28") _,
                clobber_abi("C"),
            );
        }
        // SAFETY: whoever switched to us says that it may be called.
        unsafe { after_us(data_of_after) };
    }
}
