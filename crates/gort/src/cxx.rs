//! C++'s operators new and delete, all 20 of C++17, under their mangled names.
//!
//! A failing `new` calls the new-handler as long as there is one, and throws `std::bad_alloc` when there is none (MA-8).
//! Both are libstdc++'s, looked up as weak symbols, so that a C program does not need it.

use core::ffi::c_void;
use core::ptr::null_mut;
use gort_malloc::MALLOC;
use gort_sys::arch::{call_dropping_exceptions, cxx};

/// One try with an alignment; 16 and less is what every block has.
#[inline(always)]
fn alloc(size: usize, align: usize) -> *mut u8 {
    if align <= 16 { MALLOC.malloc(size) } else { MALLOC.aligned_alloc(align, size) }
}

/// What a `new` does when the first try failed: it throws when there is no handler left.
#[cold]
#[inline(never)]
fn new_slow(size: usize, align: usize) -> *mut c_void {
    loop {
        let Some(handler) = cxx::new_handler() else {
            cxx::throw_bad_alloc();
            return null_mut();
        };
        // A handler frees memory, sets another handler, ends the program, or throws.
        handler();
        let block = alloc(size, align);
        if !block.is_null() {
            return block.cast();
        }
    }
}

/// The same for the forms that do not throw: null when there is no handler left, or the handler throws.
#[cold]
#[inline(never)]
fn new_nothrow_slow(size: usize, align: usize) -> *mut c_void {
    while let Some(handler) = cxx::new_handler() {
        if !call_dropping_exceptions(handler) {
            break;
        }
        let block = alloc(size, align);
        if !block.is_null() {
            return block.cast();
        }
    }
    null_mut()
}

macro_rules! operators_new {
    ($($name:ident($($align:ident)?);)*) => { $(
        #[unsafe(no_mangle)]
        #[allow(non_snake_case)]
        extern "C" fn $name(size: usize $(, $align: usize)?) -> *mut c_void {
            let alignment = 0 $(+ $align)?;
            let block = alloc(size, alignment);
            if block.is_null() { new_slow(size, alignment) } else { block.cast() }
        }
    )* };
}

operators_new! {
    _Znwm();
    _Znam();
    _ZnwmSt11align_val_t(align);
    _ZnamSt11align_val_t(align);
}

macro_rules! operators_new_nothrow {
    ($($name:ident($($align:ident)?);)*) => { $(
        #[unsafe(no_mangle)]
        #[allow(non_snake_case)]
        extern "C" fn $name(size: usize $(, $align: usize)?, tag: *const c_void) -> *mut c_void {
            let _ = tag;
            let alignment = 0 $(+ $align)?;
            let block = alloc(size, alignment);
            if block.is_null() { new_nothrow_slow(size, alignment) } else { block.cast() }
        }
    )* };
}

operators_new_nothrow! {
    _ZnwmRKSt9nothrow_t();
    _ZnamRKSt9nothrow_t();
    _ZnwmSt11align_val_tRKSt9nothrow_t(align);
    _ZnamSt11align_val_tRKSt9nothrow_t(align);
}

macro_rules! operators_delete {
    ($($name:ident($($arg:ident: $ty:ty),*);)*) => { $(
        #[unsafe(no_mangle)]
        #[allow(non_snake_case)]
        unsafe extern "C" fn $name(block: *mut c_void $(, $arg: $ty)*) {
            $(let _ = $arg;)*
            // SAFETY: the caller's block.
            unsafe { MALLOC.free_named(block.cast(), "operator delete") }
        }
    )* };
}

operators_delete! {
    _ZdlPv();
    _ZdaPv();
    _ZdlPvRKSt9nothrow_t(tag: *const c_void);
    _ZdaPvRKSt9nothrow_t(tag: *const c_void);
    _ZdlPvSt11align_val_t(align: usize);
    _ZdaPvSt11align_val_t(align: usize);
    _ZdlPvSt11align_val_tRKSt9nothrow_t(align: usize, tag: *const c_void);
    _ZdaPvSt11align_val_tRKSt9nothrow_t(align: usize, tag: *const c_void);
}

macro_rules! operators_delete_sized {
    ($($name:ident($($align:ident)?);)*) => { $(
        #[unsafe(no_mangle)]
        #[allow(non_snake_case)]
        unsafe extern "C" fn $name(block: *mut c_void, size: usize $(, $align: usize)?) {
            #[allow(unused_mut, unused_assignments)]
            let mut alignment = 1;
            $(alignment = $align;)?
            // SAFETY: the caller's block.
            unsafe { MALLOC.free_sized(block.cast(), size, alignment, true, "operator delete") }
        }
    )* };
}

operators_delete_sized! {
    _ZdlPvm();
    _ZdaPvm();
    _ZdlPvmSt11align_val_t(align);
    _ZdaPvmSt11align_val_t(align);
}
