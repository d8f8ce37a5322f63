//! What the tests of the machine share: a log, and a goroutine's runner without a scheduler.
#![allow(dead_code, reason = "each test uses a part")]

use core::ffi::c_void;
use gort_defer::{Runner, System, panic};
use gort_sys::arch::{JUMP_WORDS, call_catching, jump};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// What happened, in order.
#[derive(Clone)]
pub(crate) struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub(crate) fn new() -> Self {
        Self(Rc::default())
    }
    pub(crate) fn add(&self, what: &str) {
        self.0.borrow_mut().push(what.to_string());
    }
    pub(crate) fn take(&self) -> Vec<String> {
        self.0.take()
    }
    #[track_caller]
    pub(crate) fn expect(&self, lines: &[&str]) {
        assert_eq!(*self.0.borrow(), lines);
    }
}

/// What runs on this thread.
pub(crate) fn runner() -> *mut Runner {
    Runner::current(&System)
}

/// Goexit.
pub(crate) fn goexit() -> ! {
    // SAFETY: lives as long as the thread, or the call of `on_goroutine`.
    panic::goexit(unsafe { &*runner() })
}

thread_local! {
    /// Where the end of the goroutine leads.
    static END: Cell<*const usize> = const { Cell::new(core::ptr::null()) };
}

/// Runs `f` on a runner of its own, as a goroutine would; true when it ended before it returned.
pub(crate) fn on_goroutine<F: FnOnce()>(f: F) -> bool {
    unsafe extern "C" fn body<F: FnOnce()>(f: *mut c_void) {
        // SAFETY: the option below.
        let f = unsafe { (*f.cast::<Option<F>>()).take() };
        f.unwrap()()
    }
    let goroutine = Runner::new(&System, 7, |_| {
        // SAFETY: `on_goroutine` has not returned.
        unsafe { jump(END.get(), 1) }
    });
    let mut area = [0usize; JUMP_WORDS];
    let mut f = Some(f);
    // SAFETY: the runner, the area and `f` outlive the call.
    unsafe {
        let before = Runner::install((&raw const goroutine).cast_mut());
        END.set((&raw const area).cast());
        let why = call_catching((&raw mut area).cast(), body::<F>, (&raw mut f).cast());
        Runner::install(before);
        goroutine.release();
        why != 0
    }
}
