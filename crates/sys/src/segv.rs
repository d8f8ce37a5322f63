//! A look at memory faults before the program's own handler sees them.
//!
//! [`watch`] puts a handler in front of the one that is there. It asks a function whether the fault is its own (a
//! goroutine ran into the guard of its stack); if not, the handler before it decides, exactly as it would have. The handler
//! runs on an alternate stack, since the stack is what is used up: [`alternate_stack`] gives the calling thread one.

use crate::fault::{self, Call};
use crate::{Errno, mem};
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::mem::MaybeUninit;

/// Asked on the faulting thread with the address; does not come back if the fault is its own.
pub type Look = fn(usize);

struct Watch(UnsafeCell<(Option<Look>, MaybeUninit<libc::sigaction>)>);

// SAFETY: written by `watch` before the handler is in place, and read by the handler only.
unsafe impl Sync for Watch {}

static WATCH: Watch = Watch(UnsafeCell::new((None, MaybeUninit::uninit())));

/// Puts the handler in front.
///
/// # Safety
/// Called once in a process; `look` is async-signal-safe.
pub unsafe fn watch(look: Look) -> Result<(), Errno> {
    let watch = WATCH.0.get();
    // SAFETY: nobody reads it yet, see above; sigaction fills the old action in.
    unsafe {
        (*watch).0 = Some(look);
        if libc::sigaction(libc::SIGSEGV, core::ptr::null(), (*watch).1.as_mut_ptr()) != 0 {
            return Err(Errno::get());
        }
        let mut action: libc::sigaction = core::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigemptyset(&mut action.sa_mask);
        if libc::sigaction(libc::SIGSEGV, &action, core::ptr::null_mut()) != 0 {
            return Err(Errno::get());
        }
    }
    Ok(())
}

extern "C" fn handler(signal: i32, info: *mut libc::siginfo_t, context: *mut c_void) {
    let watch = WATCH.0.get();
    // SAFETY: the kernel gives a valid record; the watch was filled in before this handler was in place.
    unsafe {
        let by_kernel = (*info).si_code > 0;
        if let (true, Some(look)) = (by_kernel, (*watch).0) {
            look((*info).si_addr().addr());
        }
        let old = (*watch).1.assume_init_ref();
        match old.sa_sigaction {
            libc::SIG_IGN if !by_kernel => {}
            libc::SIG_DFL | libc::SIG_IGN => {
                // The default action: it strikes when the faulting instruction runs again, or when we return from a
                // signal that somebody sent.
                libc::signal(signal, libc::SIG_DFL);
                if !by_kernel {
                    libc::raise(signal);
                }
            }
            f if old.sa_flags & libc::SA_SIGINFO != 0 => {
                let f: extern "C" fn(i32, *mut libc::siginfo_t, *mut c_void) = core::mem::transmute(f);
                f(signal, info, context);
            }
            f => {
                let f: extern "C" fn(i32) = core::mem::transmute(f);
                f(signal);
            }
        }
    }
}

/// Gives the calling thread a stack for signal handlers, unless it has one. For the life of the thread.
pub fn alternate_stack() -> Result<(), Errno> {
    let mut old = MaybeUninit::<libc::stack_t>::uninit();
    // SAFETY: fills the record in.
    let has_one = unsafe {
        libc::sigaltstack(core::ptr::null(), old.as_mut_ptr()) == 0
            && old.assume_init().ss_flags & libc::SS_DISABLE == 0
    };
    if has_one {
        return Ok(());
    }
    fault::check(Call::Map)?;
    // SAFETY: reads the auxiliary vector: what the kernel itself needs for the registers.
    let frame = unsafe { libc::getauxval(libc::AT_MINSIGSTKSZ) } as usize;
    let len = mem::round_to_pages(frame.max(2048) + (24 << 10)).ok_or(Errno::ENOMEM)?;
    let at = mem::map(len)?;
    let new = libc::stack_t { ss_sp: core::ptr::with_exposed_provenance_mut(at), ss_flags: 0, ss_size: len };
    // SAFETY: fresh memory that is never unmapped.
    match unsafe { libc::sigaltstack(&new, core::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(Errno::get()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    /// The old handler sees what is not ours, on a thread that has no other stack left than the alternate one.
    #[test]
    fn faults_pass_by_the_look_to_the_old_handler() {
        static LOOKED: AtomicUsize = AtomicUsize::new(0);
        static PAGE: AtomicUsize = AtomicUsize::new(0);
        extern "C" fn repairs(_: i32) {
            let at = PAGE.load(SeqCst);
            // SAFETY: makes the page of the test readable; the faulting load runs again.
            unsafe { mem::commit(at, mem::page_size()).unwrap() };
        }
        let page = mem::reserve(mem::page_size()).unwrap();
        PAGE.store(page, SeqCst);
        // SAFETY: a handler that only calls mprotect.
        unsafe { libc::signal(libc::SIGSEGV, repairs as *const () as usize) };
        alternate_stack().unwrap();
        // SAFETY: once; stores a number.
        unsafe { watch(|addr| LOOKED.store(addr, SeqCst)).unwrap() };
        // SAFETY: faults, and is repaired by the old handler.
        let value = unsafe { ((page + 8) as *const u64).read_volatile() };
        assert_eq!(value, 0);
        assert_eq!(LOOKED.load(SeqCst), page + 8);
    }
}
