//! C++'s operators new and delete, all 20 of C++17, under their mangled names.
//!
//! A failing `new` calls the new-handler as long as there is one, and throws `std::bad_alloc` when there is none (MA-8).
//! Both are libstdc++'s, looked up as weak symbols, so that a C program does not need it.

use core::ffi::c_void;
use core::ptr::null_mut;
use gort_malloc::MALLOC;
use gort_sys::arch::cxx;

/// One try with an alignment; 16 and less is what every block has.
#[inline(always)]
fn alloc(size: usize, align: usize) -> *mut u8 {
    if align <= 16 { MALLOC.malloc(size) } else { MALLOC.aligned_alloc(align, size) }
}

/// What a `new` does when the first try failed. Null only for the forms that do not throw.
#[cold]
#[inline(never)]
fn new_slow(size: usize, align: usize, throws: bool) -> *mut c_void {
    loop {
        let Some(handler) = cxx::new_handler() else {
            if throws {
                cxx::throw_bad_alloc();
            }
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

#[inline(always)]
fn new(size: usize, align: usize, throws: bool) -> *mut c_void {
    let block = alloc(size, align);
    if block.is_null() { new_slow(size, align, throws) } else { block.cast() }
}

macro_rules! operators_new {
    ($($name:ident($($align:ident)?; $($nothrow:ident)?) = $throws:literal;)*) => { $(
        #[unsafe(no_mangle)]
        #[allow(non_snake_case)]
        extern "C" fn $name(size: usize $(, $align: usize)? $(, $nothrow: *const c_void)?) -> *mut c_void {
            $(let _ = $nothrow;)?
            #[allow(unused_mut, unused_assignments)]
            let mut alignment = 1;
            $(alignment = $align;)?
            new(size, alignment, $throws)
        }
    )* };
}

operators_new! {
    _Znwm(;) = true;
    _Znam(;) = true;
    _ZnwmRKSt9nothrow_t(; tag) = false;
    _ZnamRKSt9nothrow_t(; tag) = false;
    _ZnwmSt11align_val_t(align;) = true;
    _ZnamSt11align_val_t(align;) = true;
    _ZnwmSt11align_val_tRKSt9nothrow_t(align; tag) = false;
    _ZnamSt11align_val_tRKSt9nothrow_t(align; tag) = false;
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
