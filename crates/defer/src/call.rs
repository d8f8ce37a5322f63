//! A deferred call: what it calls, and how it is run.
//!
//! Three kinds: a plain function, a function that may recover (it receives a token for the panic that runs it, or for none),
//! and a closure, of which the frame holds a reference.

use crate::closure::{self, Closure};
use crate::frame::{self, Frame};
use crate::host::Oops;
use crate::panic::{self, Panic, Recovery};
use crate::runner::Runner;
use core::ffi::c_void;

/// A deferred function.
pub type Function = unsafe extern "C" fn(*mut c_void);
/// A deferred function that may recover.
pub type RecoverFunction = unsafe extern "C" fn(*mut c_void, *mut Recovery);

/// What a deferred call calls.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A [`Function`]; null panics when it would run (PA-14).
    Plain = 0,
    /// A [`RecoverFunction`].
    Recover = 1,
    /// A closure, of which the frame holds a reference.
    Closure = 2,
}

/// A call of any kind: target and argument. The target of a plain call is null.
pub(crate) type Special = [*mut c_void; 2];

/// A call that has been taken off its frame.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    pub(crate) kind: Kind,
    pub(crate) what: Special,
}

/// Runs a call that was taken off. `panic` is the panic that it may recover, or null.
///
/// # Safety
/// From [`frame::pop`] of a frame of this runner, once.
pub(crate) unsafe fn invoke(runner: &Runner, call: Call, panic: *mut Panic) {
    let [target, arg] = call.what;
    if target.is_null() {
        panic::raise(runner, runner.host.oops(Oops::NilCall));
    }
    // SAFETY: the target is of its kind, by the contract of [`frame::push`].
    unsafe {
        match call.kind {
            Kind::Plain => core::mem::transmute::<*mut c_void, Function>(target)(arg),
            Kind::Recover => {
                let mut token = Recovery::new(runner, panic);
                core::mem::transmute::<*mut c_void, RecoverFunction>(target)(arg, &raw mut token);
            }
            Kind::Closure => invoke_closure(runner, target.cast(), arg),
        }
    }
}

/// Calls a closure and drops the frame's reference, also when the call panics: a frame of its own sees to that.
unsafe fn invoke_closure(runner: &Runner, closure: *mut Closure, arg: *mut c_void) {
    unsafe extern "C" fn unref(closure: *mut c_void) {
        // SAFETY: the reference of the frame that deferred the closure; on this runner, as all deferred calls.
        unsafe { closure::unref((*Runner::current_if_any()).host, closure.cast()) }
    }
    let mut frame = core::mem::MaybeUninit::<Frame>::uninit();
    let frame = frame.as_mut_ptr();
    // SAFETY: the frame stays in place until it is ended below, or jumped over.
    unsafe {
        frame::begin(runner, frame);
        frame::push(frame, Kind::Plain, unref as *mut c_void, closure.cast());
        closure::call(closure, arg);
        frame::end(frame);
    }
}
