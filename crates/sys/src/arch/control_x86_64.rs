//! x86-64: leaving a call from far below it, and code for thunks.
//!
//! # The jump area
//! What the ABI asks a callee to keep, and where to go on:
//!
//! ```text
//!     0 rbx   1 rbp   2 r12   3 r13   4 r14   5 r15   6 rsp after the return   7 return address
//! ```
//!
//! The floating-point control words are not in it: no call changes them behind its caller's back.
//!
//! # The thunk page
//! 4 KiB of code that may lie anywhere, as long as its data lies [`super::THUNK_DISTANCE`] bytes further on:
//!
//! ```text
//!     0x000  the common part: six registers to the stack, call the closure, its result back
//!     0x100  endbr64; lea r11, [rip + distance]; jmp 0x000        240 of these, of 16 bytes
//! ```
//!
//! `r11` is then the thunk's slot, whose first word is the closure: function at 0, environment at 32.

use core::arch::{asm, global_asm, naked_asm};

/// Words of a jump area.
pub const JUMP_WORDS: usize = 8;

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
        "endbr64",
        "mov rdx, [rsp]",
        "lea rcx, [rsp + 8]",
        "mov [rdi], rbx",
        "mov [rdi + 8], rbp",
        "mov [rdi + 16], r12",
        "mov [rdi + 24], r13",
        "mov [rdi + 32], r14",
        "mov [rdi + 40], r15",
        "mov [rdi + 48], rcx",
        "mov [rdi + 56], rdx",
        "xor eax, eax",
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
        "endbr64",
        "mov rcx, [rsp]",
        "lea rax, [rsp + 8]",
        "mov [rdi], rbx",
        "mov [rdi + 8], rbp",
        "mov [rdi + 16], r12",
        "mov [rdi + 24], r13",
        "mov [rdi + 32], r14",
        "mov [rdi + 40], r15",
        "mov [rdi + 48], rax",
        "mov [rdi + 56], rcx",
        "mov rdi, rdx",
        "sub rsp, 8",
        ".cfi_adjust_cfa_offset 8",
        "call rsi",
        "add rsp, 8",
        ".cfi_adjust_cfa_offset -8",
        "xor eax, eax",
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
        "mov rax, rsi",
        "mov rbx, [rdi]",
        "mov rbp, [rdi + 8]",
        "mov r12, [rdi + 16]",
        "mov r13, [rdi + 24]",
        "mov r14, [rdi + 32]",
        "mov r15, [rdi + 40]",
        "mov rsp, [rdi + 48]",
        "jmp [rdi + 56]",
    )
}

/// Where the stack ends at this moment.
#[inline(always)]
pub fn stack_pointer() -> usize {
    let sp: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, rsp", out(reg) sp, options(nomem, nostack, preserves_flags)) };
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
                "endbr64",
                "sub rsp, 216",
                "mov [rsp + 40], rsi",
                "mov [rsp + 48], rdx",
                "mov [rsp + 56], rcx",
                "mov [rsp + 64], r8",
                "mov [rsp + 72], r9",
                "test al, al",
                "je 2f",
                "movaps [rsp + 80], xmm0",
                "movaps [rsp + 96], xmm1",
                "movaps [rsp + 112], xmm2",
                "movaps [rsp + 128], xmm3",
                "movaps [rsp + 144], xmm4",
                "movaps [rsp + 160], xmm5",
                "movaps [rsp + 176], xmm6",
                "movaps [rsp + 192], xmm7",
                "2:",
                "mov dword ptr [rsp], 8",
                "mov dword ptr [rsp + 4], 48",
                "lea rax, [rsp + 224]",
                "mov [rsp + 8], rax",
                "lea rax, [rsp + 32]",
                "mov [rsp + 16], rax",
                "mov rsi, rsp",
                "call {target}",
                "ud2",
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
    "sub rsp, 56",
    "mov [rsp], rdi",
    "mov [rsp + 8], rsi",
    "mov [rsp + 16], rdx",
    "mov [rsp + 24], rcx",
    "mov [rsp + 32], r8",
    "mov [rsp + 40], r9",
    "mov qword ptr [rsp + 48], 0",
    "mov rax, [r11]",
    "lea rdi, [rax + 32]",
    "mov rsi, rsp",
    "call [rax]",
    "mov rax, [rsp + 48]",
    "add rsp, 56",
    "ret",
    ".balign {first}, 0xcc",
    ".rept {count}",
    "endbr64",
    "lea r11, [rip + {distance} - 11]",
    "jmp gort_thunk_page",
    ".balign 16, 0xcc",
    ".endr",
    ".size gort_thunk_page, 4096",
    ".popsection",
    first = const super::THUNK_FIRST,
    count = const super::THUNKS_PER_PAGE,
    distance = const super::THUNK_DISTANCE,
);
