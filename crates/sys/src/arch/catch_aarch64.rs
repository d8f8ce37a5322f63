//! Catching a C++ exception without a C++ compiler, aarch64.
//!
//! See the file for x86-64 of the same name. The exception comes in `x0`.

use core::arch::global_asm;

global_asm!(
    ".weak __cxa_begin_catch",
    ".weak __cxa_end_catch",
    ".weak _Unwind_SetGR",
    ".weak _Unwind_SetIP",
    ".pushsection .text.gort_cxx_guard, \"ax\", @progbits",
    ".balign 4",
    ".globl gort_cxx_guard",
    ".hidden gort_cxx_guard",
    ".type gort_cxx_guard, @function",
    "gort_cxx_guard:",
    ".cfi_startproc",
    ".cfi_personality 0x1b, gort_cxx_personality",
    "stp x29, x30, [sp, #-16]!",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset x29, -16",
    ".cfi_offset x30, -8",
    "mov x29, sp",
    "blr x0",
    "mov w0, #1",
    "1:",
    "ldp x29, x30, [sp], #16",
    ".cfi_remember_state",
    ".cfi_def_cfa_offset 0",
    ".cfi_restore x29",
    ".cfi_restore x30",
    "ret",
    "2:",
    ".cfi_restore_state",
    "adrp x16, :got:__cxa_begin_catch",
    "ldr x16, [x16, :got_lo12:__cxa_begin_catch]",
    "blr x16",
    "adrp x16, :got:__cxa_end_catch",
    "ldr x16, [x16, :got_lo12:__cxa_end_catch]",
    "blr x16",
    "mov w0, #0",
    "b 1b",
    ".cfi_endproc",
    ".size gort_cxx_guard, . - gort_cxx_guard",
    // w0 version, w1 actions, x2 class, x3 exception, x4 context.
    ".balign 4",
    ".type gort_cxx_personality, @function",
    "gort_cxx_personality:",
    "tbnz w1, #3, 4f", // forced
    "tbz w1, #0, 3f",  // the search for a handler
    "mov w0, #6",      // found
    "ret",
    "3:",
    "tbz w1, #2, 4f", // this is the handler's frame
    "stp x30, x4, [sp, #-16]!",
    "mov x0, x4",
    "mov w1, #0", // x0
    "mov x2, x3",
    "adrp x16, :got:_Unwind_SetGR",
    "ldr x16, [x16, :got_lo12:_Unwind_SetGR]",
    "blr x16",
    "ldr x0, [sp, #8]",
    "adr x1, 2b",
    "adrp x16, :got:_Unwind_SetIP",
    "ldr x16, [x16, :got_lo12:_Unwind_SetIP]",
    "blr x16",
    "ldp x30, x4, [sp], #16",
    "mov w0, #7", // go on at the landing pad
    "ret",
    "4:",
    "mov w0, #8", // not ours
    "ret",
    ".size gort_cxx_personality, . - gort_cxx_personality",
    ".popsection",
);
