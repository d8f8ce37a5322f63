//! Catching a C++ exception without a C++ compiler, x86-64.
//!
//! `gort_cxx_guard` calls a function. Its personality routine claims every exception that comes out of that call, so the
//! unwinder goes on at the landing pad, which hands the exception to the C++ library to be dropped. A forced unwind (a
//! thread that is cancelled) is let through. The unwinder and the C++ library are reached by weak symbols: where they are
//! not loaded, nobody throws. The Itanium C++ ABI, sections 1.6 (personality) and 2.5 (catching), is what this follows.

use core::arch::global_asm;

global_asm!(
    ".weak __cxa_begin_catch",
    ".weak __cxa_end_catch",
    ".weak _Unwind_SetGR",
    ".weak _Unwind_SetIP",
    ".pushsection .text.gort_cxx_guard, \"ax\", @progbits",
    ".balign 16",
    ".globl gort_cxx_guard",
    ".hidden gort_cxx_guard",
    ".type gort_cxx_guard, @function",
    "gort_cxx_guard:",
    ".cfi_startproc",
    ".cfi_personality 0x1b, gort_cxx_personality", // 0x1b: a 4-byte offset from here
    "sub rsp, 8",
    ".cfi_def_cfa_offset 16",
    "call rdi",
    "mov eax, 1",
    "add rsp, 8",
    ".cfi_remember_state",
    ".cfi_def_cfa_offset 8",
    "ret",
    // The landing pad: the exception is in rax.
    "2:",
    ".cfi_restore_state",
    "mov rdi, rax",
    "call qword ptr [rip + __cxa_begin_catch@GOTPCREL]",
    "call qword ptr [rip + __cxa_end_catch@GOTPCREL]",
    "xor eax, eax",
    "add rsp, 8",
    ".cfi_def_cfa_offset 8",
    "ret",
    ".cfi_endproc",
    ".size gort_cxx_guard, . - gort_cxx_guard",
    // rdi version, esi actions, rdx class, rcx exception, r8 context.
    ".balign 16",
    ".type gort_cxx_personality, @function",
    "gort_cxx_personality:",
    "test esi, 8", // forced
    "jnz 4f",
    "test esi, 1", // the search for a handler
    "jz 3f",
    "mov eax, 6", // found
    "ret",
    "3:",
    "test esi, 4", // this is the handler's frame
    "jz 4f",
    "push r8",
    "mov rdi, r8",
    "xor esi, esi", // rax
    "mov rdx, rcx",
    "call qword ptr [rip + _Unwind_SetGR@GOTPCREL]",
    "mov rdi, qword ptr [rsp]",
    "lea rsi, [rip + 2b]",
    "call qword ptr [rip + _Unwind_SetIP@GOTPCREL]",
    "pop rcx",
    "mov eax, 7", // go on at the landing pad
    "ret",
    "4:",
    "mov eax, 8", // not ours
    "ret",
    ".size gort_cxx_personality, . - gort_cxx_personality",
    ".popsection",
);
