//! A function's deferred calls.
//!
//! A frame is declared by the function that defers, on its stack, and linked to its runner: the chain runs from the
//! innermost frame outwards. Four calls fit into the frame; more go to segments from the heap, the newest first.
//!
//! ```text
//!     runner.top -> frame of h -> frame of g -> frame of f -> null
//!                     | slots 0..count                 the first four calls, oldest first
//!                     | more -> segment -> segment     calls after the first four, newest segment first
//!                     | jump                           where to go on after a recovered panic, if `caught`
//! ```
//!
//! The layout is part of the C interface: `GO_FRAME`, `go_defer` and the end of a frame are inline in the header, and come
//! here only for what is rare. `slow` says that there is something rare.
//!
//! # Invariants
//! I1. A linked frame's function has not returned. (C without the cleanup attribute can break this; see `stale`.)
//! I2. Calls leave in the reverse order of their arrival: `more` is used only while all four slots are.
//! I3. A call is taken off before it runs, so that it runs once, whoever goes on with the frame.

use crate::closure::{self, Closure};
use crate::host::Oops;
use crate::panic::{self, Panic, Recovery};
use crate::runner::Runner;
use core::ffi::c_void;
use core::ptr::null_mut;
use gort_sys::arch::JUMP_WORDS;

/// A deferred function.
pub type Function = unsafe extern "C" fn(*mut c_void);
/// A deferred function that may recover.
pub type RecoverFunction = unsafe extern "C" fn(*mut c_void, *mut Recovery);

/// Calls that fit into a frame.
pub const SLOTS: usize = 4;
/// Calls that fit into a segment.
const SEGMENT: usize = 20;

/// What a deferred call calls. Two bits in [`Frame::kinds`].
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A [`Function`]; null panics when it would run (PA-14).
    Plain = 0,
    /// A [`RecoverFunction`].
    Recover = 1,
    /// A closure, of which the frame holds a reference.
    Closure = 2,
}

/// `slow`: some slot is not plain.
pub const SLOW_KINDS: u16 = 1;
/// `slow`: there are segments.
pub const SLOW_MORE: u16 = 2;
/// `slow`: the frame is watched.
pub const SLOW_WATCHED: u16 = 4;

/// Where a frame can be gone on with.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caught {
    /// Nowhere.
    No = 0,
    /// At its catch point (`GO_CATCH`).
    Yes = 1,
    /// It is the frame of a `pcall`, which also recovers.
    Always = 2,
}

/// One slot.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Deferred {
    /// A function of the slot's kind, or a closure.
    pub target: *mut c_void,
    /// Its argument, as it was when the call was deferred.
    pub arg: *mut c_void,
}

/// A function's deferred calls: `go_frame`.
#[repr(C)]
pub struct Frame {
    /// The next frame outwards.
    pub(crate) up: *mut Frame,
    /// Slots in use.
    pub(crate) count: u32,
    /// What is rare here, `SLOW_*`.
    pub(crate) slow: u16,
    /// A [`Kind`] of two bits for each slot.
    pub(crate) kinds: u8,
    /// A [`Caught`].
    pub(crate) caught: u8,
    /// What it hangs on. Not beside `up`: a compiler would store both at once, and half of a wide store comes back slowly.
    pub(crate) runner: *const Runner,
    /// The newest segment, if `SLOW_MORE`.
    pub(crate) more: *mut Segment,
    pub(crate) slots: [Deferred; SLOTS],
    /// See `gort_sys::arch`.
    pub(crate) jump: [usize; JUMP_WORDS],
}

/// Calls beyond the first four.
#[repr(C)]
pub(crate) struct Segment {
    below: *mut Segment,
    count: usize,
    calls: [(Deferred, Kind); SEGMENT],
}

/// A call that has been taken off its frame.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    kind: Kind,
    what: Deferred,
}

/// Links a frame as its runner's innermost.
///
/// # Safety
/// `frame` is memory for a frame, on the stack that `runner` runs on, and stays there until it is ended.
#[inline]
pub unsafe fn begin(runner: *const Runner, frame: *mut Frame) {
    // SAFETY: the caller's.
    unsafe {
        (*frame).up = (*runner).top.get();
        (*frame).runner = runner;
        (*frame).count = 0;
        (*frame).slow = 0;
        (*frame).kinds = 0;
        (*frame).caught = 0;
        (*frame).more = null_mut();
        (*runner).top.set(frame);
    }
}

/// Defers a call (PA-13: target and argument as they are now).
///
/// # Safety
/// A linked frame; `target` is of the kind, or null.
pub unsafe fn push(frame: *mut Frame, kind: Kind, target: *mut c_void, arg: *mut c_void) {
    // SAFETY: a linked frame.
    unsafe {
        let n = (*frame).count as usize;
        if n == SLOTS {
            return push_more(frame, kind, Deferred { target, arg });
        }
        (*frame).slots[n] = Deferred { target, arg };
        (*frame).kinds |= (kind as u8) << (2 * n);
        (*frame).count = n as u32 + 1;
        if kind != Kind::Plain || target.is_null() {
            (*frame).slow |= SLOW_KINDS;
        }
    }
}

/// A call beyond the first four.
#[cold]
unsafe fn push_more(frame: *mut Frame, kind: Kind, what: Deferred) {
    // SAFETY: a linked frame; segments belong to it alone.
    unsafe {
        let newest = if (*frame).slow & SLOW_MORE != 0 { (*frame).more } else { null_mut() };
        let segment = if newest.is_null() || (*newest).count == SEGMENT {
            let segment = take_segment(&*(*frame).runner);
            (*segment).below = newest;
            (*segment).count = 0;
            (*frame).more = segment;
            (*frame).slow |= SLOW_MORE;
            segment
        } else {
            newest
        };
        let n = (*segment).count;
        (*segment).calls[n] = (what, kind);
        (*segment).count = n + 1;
    }
}

fn take_segment(runner: &Runner) -> *mut Segment {
    let spare = runner.spare.replace(null_mut());
    if !spare.is_null() {
        return spare;
    }
    let segment = runner.host.alloc(size_of::<Segment>()).cast::<Segment>();
    if segment.is_null() {
        gort_sys::io::throw("defer: no memory for another deferred call");
    }
    segment
}

/// Takes the newest call off (I3).
///
/// # Safety
/// A linked frame.
pub(crate) unsafe fn pop(frame: *mut Frame) -> Option<Call> {
    // SAFETY: a linked frame; segments hold at least one call while they hang there.
    unsafe {
        if (*frame).slow & SLOW_MORE != 0 {
            return Some(pop_more(frame));
        }
        let n = (*frame).count.checked_sub(1)?;
        let kind = match (*frame).kinds >> (2 * n) & 3 {
            0 => Kind::Plain,
            1 => Kind::Recover,
            _ => Kind::Closure,
        };
        (*frame).kinds &= !(3 << (2 * n));
        (*frame).count = n;
        Some(Call { kind, what: (*frame).slots[n as usize] })
    }
}

unsafe fn pop_more(frame: *mut Frame) -> Call {
    // SAFETY: as in `pop`.
    unsafe {
        let segment = (*frame).more;
        (*segment).count -= 1;
        let (what, kind) = (*segment).calls[(*segment).count];
        if (*segment).count == 0 {
            (*frame).more = (*segment).below;
            if (*frame).more.is_null() {
                (*frame).slow &= !SLOW_MORE;
            }
            let runner = &*(*frame).runner;
            let before = runner.spare.replace(segment);
            if !before.is_null() {
                runner.host.free(before.cast());
            }
        }
        Call { kind, what }
    }
}

/// Runs a call that was taken off. `panic` is the panic that it may recover, or null.
///
/// # Safety
/// From [`pop`] of a frame of this runner, once.
pub(crate) unsafe fn invoke(runner: &Runner, call: Call, panic: *mut Panic) {
    let Deferred { target, arg } = call.what;
    if target.is_null() {
        panic::raise(runner, runner.host.oops(Oops::NilCall));
    }
    // SAFETY: the target is of its kind, by the contract of `push`.
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
        begin(runner, frame);
        push(frame, Kind::Plain, unref as *mut c_void, closure.cast());
        closure::call(closure, arg);
        end(frame);
    }
}

/// Ends a frame: its deferred calls run, newest first, and it leaves the chain. Nothing, if it has ended before.
///
/// # Safety
/// A frame that [`begin`] linked, on the runner that runs now.
pub unsafe fn end(frame: *mut Frame) {
    // SAFETY: the memory of a frame that was linked once.
    unsafe {
        let runner = &*(*frame).runner;
        if runner.top.get() != frame {
            if (*frame).up == frame || !is_linked(runner, frame) {
                return;
            }
            crate::stale::drop_above(runner, frame);
        }
        while let Some(call) = pop(frame) {
            invoke(runner, call, null_mut());
            if runner.top.get() != frame {
                crate::stale::drop_above(runner, frame);
            }
        }
        unlink(runner, frame);
    }
}

/// Takes the innermost frame off the chain. It is marked as ended, so that a second end does nothing.
///
/// # Safety
/// The innermost frame, without deferred calls.
pub(crate) unsafe fn unlink(runner: &Runner, frame: *mut Frame) {
    // SAFETY: linked.
    unsafe {
        if (*frame).slow & SLOW_WATCHED != 0 {
            runner.watch.end(frame);
        }
        runner.top.set((*frame).up);
        (*frame).up = frame;
    }
}

/// Whether a frame is on the chain.
unsafe fn is_linked(runner: &Runner, frame: *mut Frame) -> bool {
    let mut at = runner.top.get();
    while !at.is_null() {
        if at == frame {
            return true;
        }
        // SAFETY: linked frames, I1; of a stale one the memory is still there, on this very stack.
        at = unsafe { (*at).up };
    }
    false
}
