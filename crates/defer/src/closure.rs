//! A closure: a function and its environment, one heap object.
//!
//! ```text
//!     0 function   8 references   16 drop   24 thunk   32 environment ...
//! ```
//!
//! Each call of a maker gives a new object with its own copy of the environment. A closure without an environment is one
//! static object per function, always the same ([`crate::plain`]). What several closures share lies in boxes
//! ([`crate::boxed`]), whose addresses their environments hold.
//!
//! The layout is part of the C interface: a call is inline in the header, one load and one indirect call.
//!

use crate::host::Memory;
use crate::plain::{self, Table};
use crate::slots::Count;
use crate::thunk;
use core::ffi::c_void;
use core::ptr::null_mut;
use gort_sync::atomic::AtomicU32;
use gort_sys::offheap::Persistent;

/// A closure's function: environment and argument.
pub type ClosureFunction = unsafe extern "C" fn(*mut c_void, *mut c_void);
/// Runs when a closure's last reference is gone, with its environment.
pub type DropFunction = unsafe extern "C" fn(*mut c_void);

/// A function and its environment: `go_closure`. The environment follows.
#[repr(C, align(16))]
pub struct Closure {
    function: ClosureFunction,
    /// References; of a static closure none are counted.
    count: Count,
    drop: Option<DropFunction>,
    /// The thunk's number plus one; 0 while there is none.
    pub(crate) thunk: AtomicU32,
}

static_assertions::const_assert!(size_of::<Closure>() == 32);

/// Closures without an environment, by function.
static PLAIN: Table<Closure> = Table::new();
/// Where they lie.
static PLAIN_MEMORY: Persistent = Persistent::new();

/// Makes a closure with a copy of `size` bytes at `env`; its environment is aligned to 16. Null when there is no memory.
///
/// With `size` 0 and no `drop`, the one static closure of `function`; that allocates nothing from `memory`.
///
/// # Safety
/// `env` has `size` bytes; `function` and `drop` may be called with a copy of them.
pub unsafe fn make(
    memory: &dyn Memory,
    function: ClosureFunction,
    env: *const c_void,
    size: usize,
    drop: Option<DropFunction>,
) -> *mut Closure {
    if size == 0 && drop.is_none() {
        return of_function(function);
    }
    let Some(total) = size.checked_add(size_of::<Closure>()) else { return null_mut() };
    let closure = memory.alloc(total).cast::<Closure>();
    if closure.is_null() {
        return null_mut();
    }
    // SAFETY: allocated above, with room for `size` bytes behind the header.
    unsafe {
        closure.write(Closure { function, count: Count::new(), drop, thunk: AtomicU32::new(0) });
        environment(closure).cast::<u8>().copy_from_nonoverlapping(env.cast(), size);
    }
    closure
}

/// The static closure of a function.
fn of_function(function: ClosureFunction) -> *mut Closure {
    let found = PLAIN.find_or_insert(function as usize, || {
        let at = PLAIN_MEMORY.alloc(plain::node_size::<Closure>(), align_of::<Closure>().max(16))?;
        let closure = Closure { function, count: Count::unlimited(), drop: None, thunk: AtomicU32::new(0) };
        // SAFETY: memory for a node, for ever.
        Some(unsafe { plain::place(at, function as usize, closure) })
    });
    found.map_or(null_mut(), |closure| core::ptr::from_ref(closure).cast_mut())
}

/// Where the environment lies.
///
/// # Safety
/// A closure.
#[inline]
pub unsafe fn environment(closure: *const Closure) -> *mut c_void {
    // SAFETY: one past the header, still the same object.
    unsafe { closure.add(1).cast_mut().cast() }
}

/// Calls a closure.
///
/// # Safety
/// A closure that lives during the call, and an argument that its function takes.
#[inline]
pub unsafe fn call(closure: *const Closure, arg: *mut c_void) {
    // SAFETY: passed on.
    unsafe { ((*closure).function)(environment(closure), arg) }
}

/// One more reference.
///
/// # Safety
/// A closure, of which the caller holds a reference.
pub unsafe fn add_ref(closure: *const Closure) {
    // SAFETY: the caller's.
    unsafe { (*closure).count.up() }
}

/// One reference less. The last one drops the environment, and frees thunk and closure.
///
/// # Safety
/// From [`make`] with the same memory; the caller gives up a reference.
pub unsafe fn unref(memory: &dyn Memory, closure: *mut Closure) {
    // SAFETY: the caller's reference; when it was the last, nobody else has one.
    unsafe {
        if !(*closure).count.down() {
            return;
        }
        if let Some(drop) = (*closure).drop {
            drop(environment(closure));
        }
        thunk::free(&*closure);
        memory.free(closure.cast());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::System;

    unsafe extern "C" fn add(env: *mut c_void, arg: *mut c_void) {
        // SAFETY: both are numbers of the tests below.
        unsafe { *arg.cast::<u64>() += *env.cast::<u64>() }
    }
    unsafe extern "C" fn two(_: *mut c_void, arg: *mut c_void) {
        // SAFETY: as above.
        unsafe { *arg.cast::<u64>() += 2 }
    }
    unsafe extern "C" fn three(_: *mut c_void, arg: *mut c_void) {
        // SAFETY: as above.
        unsafe { *arg.cast::<u64>() += 3 }
    }

    /// Closure rule 1: each call of a maker gives a new object with a copy of its own.
    #[test]
    fn makers_give_new_objects_with_their_own_copies() {
        let mut captured = 10u64;
        // SAFETY: functions and environments fit.
        unsafe {
            let a = make(&System, add, (&raw const captured).cast(), 8, None);
            captured = 20;
            let b = make(&System, add, (&raw const captured).cast(), 8, None);
            assert_ne!(a, b);
            let mut sum = 0u64;
            call(a, (&raw mut sum).cast());
            assert_eq!(sum, 10);
            call(b, (&raw mut sum).cast());
            assert_eq!(sum, 30);
            assert_eq!(environment(a).addr() % 16, 0);
            unref(&System, a);
            unref(&System, b);
        }
    }

    /// Closure rule 2: without an environment there is one static object per function, the same every time.
    #[test]
    fn plain_closures_are_one_per_function() {
        struct NoMemory;
        impl Memory for NoMemory {
            fn alloc(&self, _: usize) -> *mut u8 {
                panic!("a plain closure allocates nothing")
            }
            unsafe fn free(&self, _: *mut u8) {
                panic!("a plain closure is never freed")
            }
        }
        // SAFETY: functions that use no environment.
        unsafe {
            let a = make(&NoMemory, two, core::ptr::null(), 0, None);
            let b = make(&NoMemory, three, core::ptr::null(), 0, None);
            assert_eq!(a, make(&NoMemory, two, core::ptr::null(), 0, None));
            assert_ne!(a, b);
            let mut sum = 0u64;
            call(a, (&raw mut sum).cast());
            call(b, (&raw mut sum).cast());
            assert_eq!(sum, 5);
            (0..3).for_each(|_| unref(&NoMemory, a));
            call(a, (&raw mut sum).cast());
            assert_eq!(sum, 7);
        }
    }

    #[test]
    fn the_environment_is_dropped_with_the_last_reference() {
        unsafe extern "C" fn drop(env: *mut c_void) {
            // SAFETY: the environment is a pointer to a counter.
            unsafe { **env.cast::<*mut u64>() += 1 }
        }
        let mut drops = 0u64;
        let env = &raw mut drops;
        // SAFETY: the environment is a pointer.
        unsafe {
            let closure = make(&System, two, (&raw const env).cast(), 8, Some(drop));
            add_ref(closure);
            unref(&System, closure);
            assert_eq!(*env, 0);
            unref(&System, closure);
            assert_eq!(*env, 1);
        }
    }
}
