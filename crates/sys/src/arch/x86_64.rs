//! x86-64, System V ABI.
//!
//! # System calls
//! Number in `rax`, arguments in `rdi rsi rdx r10 r8 r9`; the kernel clobbers `rcx` and `r11` and answers in `rax`.
//!
//! # Stack switch
//! Registers at rest lie on their own stack, three words below which nothing else is; the context is the address of
//! the lowest:
//!
//! ```text
//!     context -> | resume address | rbp | rbx | the stack as the compiler left it ...
//! ```
//!
//! All other registers are declared clobbered, so the compiler keeps exactly those that are live, and keeps them where it
//! likes. `rbx` and `rbp` it would not give away. The control bits of the floating point units are the thread's.
//!
//! # Thread words
//! A block of words in static thread-local storage, in the initial-exec model: the dynamic loader writes the
//! block's offset from the thread pointer into the GOT once, and an access is
//!
//! ```text
//!     mov  off, [rip + gort_thread_words@GOTTPOFF]      the offset, the same in all threads
//!     mov  v, fs:[off + 8*i]                            word i
//! ```
//!
//! In an executable the linker turns the first into an immediate. The dynamic model would call
//! `__tls_get_addr`, which may call malloc. The size counts against the small reserve that glibc keeps for libraries
//! that are opened at run time (1,664 bytes); docs/decisions/0002 has the figures.

use super::{MAGAZINE_BYTES, MAGAZINE_WORDS, WORDS};
use core::arch::{asm, global_asm};

/// A system call.
///
/// # Safety
/// As the call: the kernel may write through pointer arguments and change mappings.
#[inline]
pub unsafe fn syscall6(number: usize, a: [usize; 6]) -> isize {
    let result: isize;
    // SAFETY: clobbers are the kernel's, as the head says; the caller answers for the effect.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") a[0], in("rsi") a[1], in("rdx") a[2], in("r10") a[3], in("r8") a[4], in("r9") a[5],
            lateout("rcx") _, lateout("r11") _,
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

/// Access to the calling thread's words. Each function is one or two instructions.
pub mod words {
    use super::*;

    /// The words' offset from the thread pointer; constant for the process, so it outlives a change of threads.
    #[inline(always)]
    fn offset() -> usize {
        let offset: usize;
        // SAFETY: reads a GOT entry that the loader filled before any code of this object ran.
        unsafe {
            asm!(
                "mov {}, qword ptr [rip + gort_thread_words@GOTTPOFF]",
                out(reg) offset,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        offset
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
        let value: usize;
        // SAFETY: the word is the thread's own, `i` is in bounds.
        unsafe {
            asm!(
                "mov {v}, qword ptr fs:[{o} + {i}*8]",
                v = out(reg) value, o = in(reg) offset(), i = in(reg) i,
                options(readonly, nostack, preserves_flags),
            );
        }
        value
    }

    /// Writes word `i`.
    ///
    /// # Safety
    /// `i < WORDS`.
    #[inline(always)]
    pub unsafe fn store(i: usize, value: usize) {
        // SAFETY: the word is the thread's own, `i` is in bounds.
        unsafe {
            asm!(
                "mov qword ptr fs:[{o} + {i}*8], {v}",
                v = in(reg) value, o = in(reg) offset(), i = in(reg) i,
                options(nostack, preserves_flags),
            );
        }
    }

    /// Adds `K` to word `i`.
    ///
    /// # Safety
    /// `i < WORDS`.
    #[inline(always)]
    pub unsafe fn add<const K: i32>(i: usize) {
        // SAFETY: the word is the thread's own, `i` is in bounds.
        unsafe {
            asm!(
                "add qword ptr fs:[{o} + {i}*8], {k}",
                k = const K, o = in(reg) offset(), i = in(reg) i,
                options(nostack),
            );
        }
    }

    /// The address of the calling thread's words, valid until the thread's storage is gone.
    #[inline(always)]
    pub fn base() -> *mut usize {
        let base: *mut usize;
        // SAFETY: the thread pointer is stored at its own address, as the ABI says. Not `pure`: a goroutine may
        // continue on another thread.
        unsafe {
            asm!(
                "add {b}, qword ptr fs:[0]",
                b = inlateout(reg) offset() => base,
                options(readonly, nostack),
            );
        }
        base
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
                "mov {get}, qword ptr [rip + _ZSt15get_new_handlerv@GOTPCREL]",
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
                "mov {throw}, qword ptr [rip + _ZSt17__throw_bad_allocv@GOTPCREL]",
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
        ".globl gort_context_entry",
        ".hidden gort_context_entry",
        ".type gort_context_entry, @function",
        "gort_context_entry:",
        ".cfi_startproc",
        ".cfi_undefined rip",
        "pop rbp",
        "pop rbx",
        "mov rdi, rdx",
        "mov rsi, rcx",
        "call rbx",
        "ud2",
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
        let at = top - 24;
        // SAFETY: the caller owns the memory below `top`.
        unsafe {
            let words = core::ptr::with_exposed_provenance_mut::<usize>(at);
            words.write(gort_context_entry as *const () as usize);
            words.add(1).write(0); // the frame pointer of nobody
            words.add(2).write(entry as usize);
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
                "push rbx",
                "push rbp",
                "lea rax, [rip + 2f]",
                "push rax",
                "mov qword ptr [rdi], rsp",
                "mov rsp, rsi",
                "pop rax",
                "jmp rax",
                "2:",
                "pop rbp",
                "pop rbx",
                inlateout("rdi") save => _, inlateout("rsi") to => _,
                inlateout("rdx") after => after_us, inlateout("rcx") data => data_of_after,
                lateout("rax") _, lateout("r12") _, lateout("r13") _, lateout("r14") _, lateout("r15") _,
                clobber_abi("sysv64"),
            );
        }
        // SAFETY: whoever switched to us says that it may be called.
        unsafe { after_us(data_of_after) };
    }
}
