//! aarch64: leaving a call from far below it, and code for thunks.
//!
//! # The jump area
//! What the ABI asks a callee to keep, and where to go on:
//!
//! ```text
//!     0..9 x19 to x28   10 x29   11 x30, where to go on   12 sp   13..20 d8 to d15   21 unused
//! ```
//!
//! # The thunk page
//! 4 KiB of code that may lie anywhere, as long as its data lies [`super::THUNK_DISTANCE`] bytes further on:
//!
//! ```text
//!     0x000  the common part: six registers to the stack, call the closure, its result back
//!     0x100  bti c; adr x16, distance; b 0x000; nop                240 of these, of 16 bytes
//! ```
//!
//! `x16` is then the thunk's slot, whose first word is the closure: function at 0, environment at 32.

use core::arch::{asm, global_asm, naked_asm};

/// Words of a jump area.
pub const JUMP_WORDS: usize = 22;

/// Fills the area and answers 0; answers again, with another number, when [`jump`] is called with the area. For C, where
/// it is declared `returns_twice`.
///
/// # Safety
/// Not callable from Rust, which knows no call that returns twice. The area has [`JUMP_WORDS`] words.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_catch_point(area: *mut usize) -> core::ffi::c_int {
    naked_asm!(
        ".cfi_startproc",
        "hint #34", // bti c
        "stp x19, x20, [x0]",
        "stp x21, x22, [x0, #16]",
        "stp x23, x24, [x0, #32]",
        "stp x25, x26, [x0, #48]",
        "stp x27, x28, [x0, #64]",
        "stp x29, x30, [x0, #80]",
        "mov x2, sp",
        "str x2, [x0, #96]",
        "stp d8, d9, [x0, #104]",
        "stp d10, d11, [x0, #120]",
        "stp d12, d13, [x0, #136]",
        "stp d14, d15, [x0, #152]",
        "mov x0, #0",
        "ret",
        ".cfi_endproc",
    )
}

/// Calls `f(arg)` and answers 0 when it returns; when [`jump`] is called with the area meanwhile, answers its code at
/// once. To Rust a call like any other: it returns once.
///
/// # Safety
/// The area has [`JUMP_WORDS`] words. Of the frames that a jump leaves behind, none may have anything to be dropped.
#[unsafe(naked)]
pub unsafe extern "C" fn call_catching(
    area: *mut usize,
    f: unsafe extern "C" fn(*mut core::ffi::c_void),
    arg: *mut core::ffi::c_void,
) -> usize {
    naked_asm!(
        ".cfi_startproc",
        "hint #34", // bti c
        "stp x19, x20, [x0]",
        "stp x21, x22, [x0, #16]",
        "stp x23, x24, [x0, #32]",
        "stp x25, x26, [x0, #48]",
        "stp x27, x28, [x0, #64]",
        "stp x29, x30, [x0, #80]",
        "mov x3, sp",
        "str x3, [x0, #96]",
        "stp d8, d9, [x0, #104]",
        "stp d10, d11, [x0, #120]",
        "stp d12, d13, [x0, #136]",
        "stp d14, d15, [x0, #152]",
        "stp x29, x30, [sp, #-16]!",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset x29, -16",
        ".cfi_offset x30, -8",
        "mov x29, sp",
        "mov x0, x2",
        "blr x1",
        "ldp x29, x30, [sp], #16",
        ".cfi_def_cfa_offset 0",
        ".cfi_restore x29",
        ".cfi_restore x30",
        "mov x0, #0",
        "ret",
        ".cfi_endproc",
    )
}

/// Makes the call that filled the area answer `code`.
///
/// # Safety
/// That call's frame is still there (its caller has not returned), further up on this stack.
#[unsafe(naked)]
pub unsafe extern "C" fn jump(area: *const usize, code: usize) -> ! {
    naked_asm!(
        "ldp x19, x20, [x0]",
        "ldp x21, x22, [x0, #16]",
        "ldp x23, x24, [x0, #32]",
        "ldp x25, x26, [x0, #48]",
        "ldp x27, x28, [x0, #64]",
        "ldp x29, x30, [x0, #80]",
        "ldr x2, [x0, #96]",
        "mov sp, x2",
        "ldp d8, d9, [x0, #104]",
        "ldp d10, d11, [x0, #120]",
        "ldp d12, d13, [x0, #136]",
        "ldp d14, d15, [x0, #152]",
        "mov x0, x1",
        "ret",
    )
}

/// Where the stack ends at this moment.
#[inline(always)]
pub fn stack_pointer() -> usize {
    let sp: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, sp", out(reg) sp, options(nomem, nostack, preserves_flags)) };
    sp
}

/// Defines a C function with a variable argument list: `variadic!(name => target)` makes `name(first, ...)`, which does not
/// return, call `target(first, list)`, where the list is what C calls a `va_list`. Stable Rust cannot define such a
/// function; assembly can.
#[macro_export]
macro_rules! variadic {
    ($(#[$meta:meta])* $name:ident => $target:path) => {
        $(#[$meta])*
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(first: *const core::ffi::c_char) -> ! {
            core::arch::naked_asm!(
                "hint #34",
                "mov x9, sp",
                "sub sp, sp, #240",
                // General registers x1 to x7, at 32 to 88; their top is at 96 (offset -56 is x1).
                "str x1, [sp, #40]",
                "stp x2, x3, [sp, #48]",
                "stp x4, x5, [sp, #64]",
                "stp x6, x7, [sp, #80]",
                "stp q0, q1, [sp, #96]",
                "stp q2, q3, [sp, #128]",
                "stp q4, q5, [sp, #160]",
                "stp q6, q7, [sp, #192]",
                "str x9, [sp]",
                "add x10, sp, #96",
                "str x10, [sp, #8]",
                "add x10, sp, #224",
                "str x10, [sp, #16]",
                "mov w10, #-56",
                "str w10, [sp, #24]",
                "mov w10, #-128",
                "str w10, [sp, #28]",
                "mov x1, sp",
                "bl {target}",
                "brk #1",
                target = sym $target,
            )
        }
    };
}

global_asm!(
    ".pushsection .text.gort_thunk_page, \"ax\", @progbits",
    ".balign 4096",
    ".globl gort_thunk_page",
    ".hidden gort_thunk_page",
    ".type gort_thunk_page, @object",
    "gort_thunk_page:",
    "stp x29, x30, [sp, #-80]!",
    "mov x29, sp",
    "stp x0, x1, [sp, #16]",
    "stp x2, x3, [sp, #32]",
    "stp x4, x5, [sp, #48]",
    "str xzr, [sp, #64]",
    "ldr x17, [x16]",
    "add x0, x17, #32",
    "add x1, sp, #16",
    "ldr x17, [x17]",
    "blr x17",
    "ldr x0, [sp, #64]",
    "ldp x29, x30, [sp], #80",
    "ret",
    ".balign {first}",
    ".rept {count}",
    "hint #34", // bti c
    "adr x16, . + {distance} - 4",
    "b gort_thunk_page",
    "nop",
    ".endr",
    ".size gort_thunk_page, 4096",
    ".popsection",
    first = const super::THUNK_FIRST,
    count = const super::THUNKS_PER_PAGE,
    distance = const super::THUNK_DISTANCE,
);
