//! A function's deferred calls.
//!
//! A frame is declared by the function that defers, on its stack, and linked to its runner: the chain runs from the
//! innermost frame outwards. Four calls fit into the frame; more go to segments from the heap, the newest first.
//!
//! ```text
//!     runner.top -> frame of h -> frame of g -> frame of f -> null
//!                     | slots 0 to 3, up to `next`     the first four calls, oldest first
//!                     | slot 4, special                see below
//!                     | more -> segment -> segment     calls after the first four, newest segment first
//!                     | jump                           where to go on after a recovered panic, if `caught`
//! ```
//!
//! The layout is part of the C interface: `GO_FRAME`, `go_defer` and the end of a frame are inline in the header. The end is
//! the loop `fn(arg)` over the slots, and knows nothing else. So a slot whose call is not plain holds a function of ours and
//! the frame instead ([`run_special`]), and the call itself lies in `special`; and when there are segments, slot 4 holds
//! [`run_more`], which runs the calls in them. The machine looks through both.
//!
//! # Invariants
//! I1. A linked frame's function has not returned. (C without the cleanup attribute can break this; see `stale`.)
//! I2. Calls leave in the reverse order of their arrival: segments are used only while slots 0 to 3 are.
//! I3. A call is taken off before it runs, so that it runs once, whoever goes on with the frame.

use crate::call::{Call, Special, invoke};
use crate::runner::Runner;
use core::ffi::c_void;
use core::ptr::null_mut;
use gort_sys::arch::JUMP_WORDS;

pub use crate::call::{Function, Kind, RecoverFunction};

/// Calls that fit into a frame.
pub const SLOTS: usize = 4;
/// Calls that fit into a segment.
const SEGMENT: usize = 20;

/// A flag: there are segments.
const MORE: u32 = 1;
/// A flag: the frame is watched.
const WATCHED: u32 = 2;
/// The kind of the call in `special`, two bits a slot, from here on.
const KINDS: usize = 8;

/// Where a frame can be gone on with.
#[repr(u32)]
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
    function: Function,
    /// The argument, as it was when the call was deferred.
    arg: *mut c_void,
}

/// A function's deferred calls: `go_frame`.
#[repr(C)]
pub struct Frame {
    /// The next frame outwards; the frame itself when it has ended.
    pub(crate) up: *mut Frame,
    /// The first slot that is not in use.
    next: *mut Deferred,
    flags: u32,
    /// A [`Caught`].
    pub(crate) caught: u32,
    /// What it hangs on. Not beside `up`: a compiler would store both at once, and half of a wide store comes back slowly.
    pub(crate) runner: *const Runner,
    /// The newest segment, if `MORE`.
    more: *mut Segment,
    slots: [Deferred; SLOTS + 1],
    /// The calls of slots that are not plain.
    special: [Special; SLOTS],
    /// See `gort_sys::arch`.
    pub(crate) jump: [usize; JUMP_WORDS],
}

/// Calls beyond the first four.
pub(crate) struct Segment {
    below: *mut Segment,
    count: usize,
    calls: [Call; SEGMENT],
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
        (*frame).next = first(frame);
        (*frame).flags = 0;
        (*frame).caught = Caught::No as u32;
        (*frame).runner = runner;
        (*runner).top.set(frame);
    }
}

/// The frame's first slot.
unsafe fn first(frame: *mut Frame) -> *mut Deferred {
    // SAFETY: a place within the frame.
    unsafe { (&raw mut (*frame).slots).cast() }
}

/// Whether there are segments.
unsafe fn has_more(frame: *mut Frame) -> bool {
    // SAFETY: a linked frame.
    unsafe { (*frame).flags & MORE != 0 }
}

/// How many slots are in use.
unsafe fn count(frame: *mut Frame) -> usize {
    // SAFETY: both point into the frame's slots, or one past them.
    unsafe { (*frame).next.offset_from(first(frame)) as usize }
}

/// Marks a frame as watched.
///
/// # Safety
/// A linked frame.
pub(crate) unsafe fn set_watched(frame: *mut Frame) {
    // SAFETY: the caller's.
    unsafe { (*frame).flags |= WATCHED }
}

/// Marks a frame as not watched.
///
/// # Safety
/// A linked frame.
pub(crate) unsafe fn clear_watched(frame: *mut Frame) {
    // SAFETY: the caller's.
    unsafe { (*frame).flags &= !WATCHED }
}

/// Whether a frame is watched.
///
/// # Safety
/// A linked frame.
pub(crate) unsafe fn is_watched(frame: *mut Frame) -> bool {
    // SAFETY: the caller's.
    unsafe { (*frame).flags & WATCHED != 0 }
}

/// Defers a call (PA-13: target and argument as they are now).
///
/// # Safety
/// A linked frame; `target` is of the kind, or null.
pub unsafe fn push(frame: *mut Frame, kind: Kind, target: *mut c_void, arg: *mut c_void) {
    // SAFETY: a linked frame; a plain target that is not null is a function.
    unsafe {
        let n = count(frame);
        if n >= SLOTS {
            return push_more(frame, Call { kind, what: [target, arg] });
        }
        let call = match kind {
            Kind::Plain if !target.is_null() => {
                Deferred { function: core::mem::transmute::<*mut c_void, Function>(target), arg }
            }
            _ => {
                let shift = KINDS + 2 * n;
                (*frame).special[n] = [target, arg];
                (*frame).flags = (*frame).flags & !(3 << shift) | (kind as u32) << shift;
                Deferred { function: run_special, arg: frame.cast() }
            }
        };
        (*frame).next.write(call);
        (*frame).next = (*frame).next.add(1);
    }
}

/// A call beyond the first four.
#[cold]
unsafe fn push_more(frame: *mut Frame, call: Call) {
    // SAFETY: a linked frame; segments belong to it alone.
    unsafe {
        if !has_more(frame) {
            (*frame).more = null_mut();
            (*frame).flags |= MORE;
            first(frame).add(SLOTS).write(Deferred { function: run_more, arg: frame.cast() });
            (*frame).next = first(frame).add(SLOTS + 1);
        }
        let newest = (*frame).more;
        let segment = if newest.is_null() || (*newest).count == SEGMENT {
            let segment = take_segment(&*(*frame).runner);
            (*segment).below = newest;
            (*segment).count = 0;
            (*frame).more = segment;
            segment
        } else {
            newest
        };
        let n = (*segment).count;
        (*segment).calls[n] = call;
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
    // SAFETY: a linked frame.
    unsafe {
        if has_more(frame) {
            return Some(pop_more(frame));
        }
        // Slot 4 without segments: its calls have run.
        let n = count(frame).min(SLOTS).checked_sub(1)?;
        let slot = first(frame).add(n);
        (*frame).next = slot;
        Some(look_through(frame, n, slot.read()))
    }
}

/// The call of slot `n`.
unsafe fn look_through(frame: *mut Frame, n: usize, slot: Deferred) -> Call {
    if !core::ptr::fn_addr_eq(slot.function, run_special as Function) {
        return Call { kind: Kind::Plain, what: [slot.function as *mut c_void, slot.arg] };
    }
    // SAFETY: a linked frame, whose slot has its call in `special`.
    let (flags, what) = unsafe { ((*frame).flags, (*frame).special[n]) };
    let kind = match flags >> (KINDS + 2 * n) & 3 {
        0 => Kind::Plain,
        1 => Kind::Recover,
        _ => Kind::Closure,
    };
    Call { kind, what }
}

/// Takes the newest call of the segments off.
unsafe fn pop_more(frame: *mut Frame) -> Call {
    // SAFETY: segments hold at least one call while they hang there.
    unsafe {
        let segment = (*frame).more;
        (*segment).count -= 1;
        let call = (*segment).calls[(*segment).count];
        if (*segment).count == 0 {
            (*frame).more = (*segment).below;
            if (*frame).more.is_null() {
                (*frame).flags &= !MORE;
            }
            let runner = &*(*frame).runner;
            let before = runner.spare.replace(segment);
            if !before.is_null() {
                runner.host.free(before.cast());
            }
        }
        call
    }
}

/// What the inline end of a frame calls for a slot that is not plain: there is no panic to recover.
unsafe extern "C" fn run_special(frame: *mut c_void) {
    let frame: *mut Frame = frame.cast();
    // SAFETY: the end has taken the slot off, so it is the first that is not in use.
    unsafe {
        let call = look_through(frame, count(frame), (*frame).next.read());
        invoke(&*(*frame).runner, call, null_mut());
    }
}

/// What the inline end of a frame calls for slot 4: all that is in segments.
unsafe extern "C" fn run_more(frame: *mut c_void) {
    let frame: *mut Frame = frame.cast();
    // SAFETY: a linked frame that is ending.
    unsafe {
        while has_more(frame) {
            let call = pop_more(frame);
            invoke(&*(*frame).runner, call, null_mut());
        }
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
