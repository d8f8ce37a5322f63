//! Panics, Goexit and `pcall`: who runs deferred calls when a function does not return.
//!
//! Follows Go's `panic.go`. A panic does not unwind. It runs the deferred calls of the chain on top of the stack, newest
//! first, and only when one of them has recovered it jumps, once, to a frame that can be gone on with.
//!
//! ```text
//!     stack grows down             chain                     panics
//!       pcall                      frame P, Always
//!         f: catch point           frame F, Yes     <---+
//!           g                      frame G              |
//!             panic p  -----------------------------    | ----   p, its frame is F
//!               a deferred call of F                    |        recover: p.recovered
//!                 h                frame H   (above F) -+
//!                   panic q   ----------------------------       q -> p
//! ```
//!
//! A panic, running:
//!
//! | its frame | edge |
//! |---|---|
//! | has a call | take it off, run it; if it recovered, the panic is over: [`recovered`] |
//! | has none, is `Always` | `pcall` recovers: [`abort`] what started further down, jump |
//! | has none | unlink the frame, next |
//! | there is none | print, exit status 2; a Goexit ends the goroutine |
//!
//! After a recovery the frames go on ending as if their functions returned ([`go_on`]): their remaining calls run without
//! a panic. The first that has a catch point, or is a `pcall`'s, is jumped to. If that way leads past a panic that is
//! itself still running a deferred call, then that call is over, and the older panic continues. A frame outside of
//! everything: what runs ends, as by return.
//!
//! # Invariants
//! I1. A [`Panic`] lies on the stack of the call that raised it, so of a panic and a frame the one that began later lies
//!     lower. That is how [`abort`] finds the older panics that a recovery leaves behind (PA-8).
//! I2. While a deferred call runs, `runner.panics` is the panic that runs it, or a newer one that the call raised.
//! I3. A Goexit is never left behind: when a recovery would pass one, it continues instead (GO-4).
//!
//! # Rejected
//! Unwinding by `libgcc`: it costs microseconds, needs unwind tables everywhere, and runs nothing for plain C. A stack of
//! `setjmp` buffers per deferred call: most panics pass most frames, and only one frame is ever gone on with.

use crate::frame::{self, Caught, Frame, Function};
use crate::host::Oops;
use crate::runner::Runner;
use crate::value::Value;
use crate::{report, stale};
use core::ffi::{c_char, c_void};
use core::mem::MaybeUninit;
use core::ptr::null_mut;
use gort_sys::arch;

/// A panic, or a Goexit, in progress.
pub struct Panic {
    /// The one that was in progress when it began.
    pub(crate) up: *mut Panic,
    pub(crate) value: Value,
    /// What the value's own method said; null before it was asked.
    pub(crate) text: *const c_char,
    /// The frame whose deferred call it runs.
    frame: *mut Frame,
    pub(crate) recovered: bool,
    pub(crate) repanicked: bool,
    pub(crate) is_goexit: bool,
}

/// The right to recover: what a deferred call receives, for as long as it runs. `go_recovery`.
#[repr(C)]
pub struct Recovery {
    runner: *const Runner,
    panic: *mut Panic,
}

impl Recovery {
    pub(crate) fn new(runner: &Runner, panic: *mut Panic) -> Self {
        Self { runner, panic }
    }
}

/// What a `pcall` was jumped to for.
const PANICKED: usize = 1;
/// A panic was recovered further down, where nothing could go on.
const RECOVERED_BELOW: usize = 2;

/// A frame, and what its `pcall` is told.
#[repr(C)]
struct Boundary {
    frame: Frame,
    value: Value,
}

impl Panic {
    fn new(runner: &Runner, value: Value, is_goexit: bool) -> Self {
        Self {
            up: runner.panics.get(),
            value,
            text: core::ptr::null(),
            frame: null_mut(),
            recovered: false,
            repanicked: false,
            is_goexit,
        }
    }
}

/// Panics (PA-1). A nil value becomes Go's `PanicNilError` (PA-5).
///
/// What the jump leaves behind is not dropped: between here and the frame that goes on, no Rust or C++ frame may have
/// anything to drop that is not deferred.
#[inline(always)]
pub fn raise(runner: &Runner, value: Value) -> ! {
    raise_from(runner, value, arch::stack_pointer())
}

/// Panics; `stack` is where the stack of whoever raised it ended. A frame of a function that has returned lies below: it is
/// larger than what the few calls in between have put on the stack.
fn raise_from(runner: &Runner, value: Value, stack: usize) -> ! {
    let value = if value == Value::NIL && !runner.host.keeps_nil_panics() {
        runner.host.oops(Oops::NilPanic)
    } else {
        value
    };
    let mut panic = Panic::new(runner, value, false);
    // SAFETY: the record stays until this call is left, by a jump.
    unsafe { start(runner, &raw mut panic, stack) }
}

/// Ends the goroutine after its deferred calls (GO-3). On a plain thread, panics.
pub fn goexit(runner: &Runner) -> ! {
    if runner.id == 0 {
        raise(runner, runner.host.oops(Oops::NotOnGoroutine));
    }
    let mut panic = Panic::new(runner, Value::NIL, true);
    // SAFETY: as in `raise_from`.
    unsafe { start(runner, &raw mut panic, arch::stack_pointer()) }
}

unsafe fn start(runner: &Runner, panic: *mut Panic, stack: usize) -> ! {
    if runner.dying.get() != 0 {
        report::failed_again(runner);
    }
    stale::drop_below(runner, stack);
    runner.panics.set(panic);
    // SAFETY: the record lies on the stack, below all frames of the chain (I1).
    unsafe { run(runner, panic) }
}

/// Runs the calls of the chain for a panic.
unsafe fn run(runner: &Runner, panic: *mut Panic) -> ! {
    // SAFETY: linked frames, and a panic in progress.
    unsafe {
        loop {
            let frame = runner.top.get();
            if frame.is_null() {
                match (*panic).is_goexit {
                    true => finish(runner),
                    false => report::uncaught(runner, panic),
                }
            }
            if let Some(call) = frame::pop(frame) {
                (*panic).frame = frame;
                crate::call::invoke(runner, call, panic);
                after_call(runner, panic);
            } else if (*frame).caught == Caught::Always as u32 && !(*panic).is_goexit {
                (*frame.cast::<Boundary>()).value = (*panic).value;
                abort(runner, frame);
                arch::jump((&raw const (*frame).jump).cast(), PANICKED);
            } else {
                frame::unlink(runner, frame);
            }
        }
    }
}

/// A deferred call that a panic ran is over.
unsafe fn after_call(runner: &Runner, panic: *mut Panic) {
    // SAFETY: a panic in progress, whose frame is linked.
    unsafe {
        let frame = (*panic).frame;
        if runner.top.get() != frame {
            stale::drop_above(runner, frame);
        }
        if (*panic).recovered {
            recovered(runner, frame);
        }
    }
}

/// The innermost panic was recovered by a call of `frame` (PA-3).
unsafe fn recovered(runner: &Runner, frame: *mut Frame) -> ! {
    // SAFETY: a linked frame.
    unsafe {
        abort(runner, frame);
        go_on(runner)
    }
}

/// Ends all panics that started further down than `frame` (PA-8); but a Goexit among them continues (I3).
unsafe fn abort(runner: &Runner, frame: *mut Frame) {
    let mut panic = runner.panics.get();
    // SAFETY: panics in progress lie on the stack; I1.
    unsafe {
        while !panic.is_null() && panic.addr() < frame.addr() && !(*panic).is_goexit {
            panic = (*panic).up;
        }
        runner.panics.set(panic);
        if !panic.is_null() && panic.addr() < frame.addr() {
            run(runner, panic);
        }
    }
}

/// Ends frame after frame, as returns would, up to one that can be gone on with.
unsafe fn go_on(runner: &Runner) -> ! {
    // SAFETY: linked frames, and panics in progress.
    unsafe {
        loop {
            let (frame, panic) = (runner.top.get(), runner.panics.get());
            if !panic.is_null() && (frame.is_null() || panic.addr() < frame.addr()) {
                // The call that this panic runs cannot go on, so it is over.
                after_call(runner, panic);
                run(runner, panic);
            }
            if frame.is_null() {
                finish(runner);
            }
            if let Some(call) = frame::pop(frame) {
                crate::call::invoke(runner, call, null_mut());
                if runner.top.get() != frame {
                    stale::drop_above(runner, frame);
                }
            } else if (*frame).caught == Caught::Yes as u32 {
                // Stays linked: its function goes on, and ends it.
                arch::jump((&raw const (*frame).jump).cast(), 1);
            } else if (*frame).caught == Caught::Always as u32 {
                arch::jump((&raw const (*frame).jump).cast(), RECOVERED_BELOW);
            } else {
                frame::unlink(runner, frame);
            }
        }
    }
}

/// All frames have ended.
fn finish(runner: &Runner) -> ! {
    runner.panics.set(null_mut());
    runner.end()
}

/// Recovers: true, and the panic's value, for the panic whose deferred call holds the token, once, while no newer one is in
/// progress (PA-2 to PA-4). A Goexit cannot be recovered (GO-4).
///
/// # Safety
/// A token whose deferred call has not returned; `value` is null or may be written.
pub unsafe fn recover(token: *mut Recovery, value: *mut Value) -> bool {
    // SAFETY: the token's panic is null, or runs the call that holds the token.
    unsafe {
        let panic = if token.is_null() { null_mut() } else { (*token).panic };
        if panic.is_null()
            || (*(*token).runner).panics.get() != panic
            || (*panic).recovered
            || (*panic).is_goexit
        {
            return false;
        }
        (*panic).recovered = true;
        if !value.is_null() {
            *value = (*panic).value;
        }
        true
    }
}

/// Calls `f(arg)` with a frame that it may defer to. When a deferred call recovers, the call ends as by return; false then.
///
/// # Safety
/// `frame` is memory for a frame on the caller's stack; the frames between `f` and a panic have nothing to drop.
pub unsafe fn call(runner: &Runner, frame: *mut Frame, f: Function, arg: *mut c_void) -> bool {
    // SAFETY: the frame stays in place until it is ended below.
    unsafe {
        frame::begin(runner, frame);
        (*frame).caught = Caught::Yes as u32;
        let why = arch::call_catching((&raw mut (*frame).jump).cast(), f, arg);
        frame::end(frame);
        why == 0
    }
}

/// Calls `f(arg)`. True when it panicked; `value` then has the panic's.
///
/// # Safety
/// `value` is null or may be written; the frames between `f` and a panic have nothing to drop.
pub unsafe fn pcall(runner: &Runner, f: Function, arg: *mut c_void, value: *mut Value) -> bool {
    let mut boundary = MaybeUninit::<Boundary>::uninit();
    let boundary = boundary.as_mut_ptr();
    // SAFETY: the boundary stays in place until it is unlinked below.
    unsafe {
        let frame = &raw mut (*boundary).frame;
        frame::begin(runner, frame);
        (*frame).caught = Caught::Always as u32;
        let why = arch::call_catching((&raw mut (*frame).jump).cast(), f, arg);
        if runner.top.get() != frame {
            stale::drop_above(runner, frame);
        }
        frame::unlink(runner, frame);
        if why == PANICKED && !value.is_null() {
            *value = (*boundary).value;
        }
        why == PANICKED
    }
}
