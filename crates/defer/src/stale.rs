//! Frames that nobody ended: a bare `return` in C without the cleanup attribute, a `longjmp` across frames.
//!
//! A frame whose address lies below the stack pointer belongs to a function that has returned; Go compares stack pointers
//! in the same way. Such frames are dropped, without running their calls, whenever a panic starts, an outer frame ends, or
//! a frame begins out of line ([`begin`]).
//!
//! A stale frame's own memory may be gone, so frames that begin out of line are watched: a list beside the chain keeps the
//! frame further out, file and line, and where the stack was. A watched frame is stale, when another begins, if
//!
//! * its function's stack was lower than the stack is now: the function has returned; or
//! * the new frame overlaps it.
//!
//! What hides among deeper calls is found when those have returned, or at the end of an outer frame or of the thread. In
//! checked builds (`GO_CHECKED`, `GORT_CHECK`) each is reported once, in a line on standard error. A watched frame's first
//! deferred call, so the last that runs, takes it off the list.

use crate::frame::{self, Frame, Kind};
use crate::host::Memory;
use crate::runner::Runner;
use core::cell::Cell;
use core::ffi::{CStr, c_char, c_void};
use core::ptr::null_mut;
use gort_sys::{arch, io};

/// Where a frame was declared.
#[derive(Clone, Copy)]
pub struct Place {
    /// The source file; may be null.
    pub file: *const c_char,
    /// The line.
    pub line: i32,
    /// The function; may be null.
    pub function: *const c_char,
}

#[derive(Clone, Copy)]
struct Watched {
    frame: *mut Frame,
    up: *mut Frame,
    stack: usize,
    place: Place,
}

/// The watched frames of a runner, outermost first.
pub(crate) struct Watch {
    /// Whether stale frames are reported.
    pub(crate) reports: Cell<bool>,
    list: Cell<*mut Watched>,
    len: Cell<usize>,
    capacity: Cell<usize>,
}

impl Watch {
    pub(crate) const fn new() -> Self {
        Self {
            reports: Cell::new(false),
            list: Cell::new(null_mut()),
            len: Cell::new(0),
            capacity: Cell::new(0),
        }
    }

    fn last(&self) -> Option<Watched> {
        let n = self.len.get().checked_sub(1)?;
        // SAFETY: below the length.
        Some(unsafe { *self.list.get().add(n) })
    }

    fn pop(&self) {
        self.len.set(self.len.get() - 1);
    }

    /// Takes the last frame off, which is stale.
    fn drop_last(&self, last: Watched) {
        self.pop();
        if self.reports.get() {
            report(last.place);
        }
    }

    /// Adds a frame. Without memory it goes unwatched.
    fn push(&self, memory: &dyn Memory, watched: Watched) {
        if self.len.get() == self.capacity.get() && !self.grow(memory) {
            return;
        }
        // SAFETY: below the capacity.
        unsafe { self.list.get().add(self.len.get()).write(watched) };
        self.len.set(self.len.get() + 1);
    }

    fn grow(&self, memory: &dyn Memory) -> bool {
        let capacity = (2 * self.capacity.get()).max(32);
        let list = memory.alloc(capacity * size_of::<Watched>()).cast::<Watched>();
        if list.is_null() {
            return false;
        }
        let old = self.list.replace(list);
        if !old.is_null() {
            // SAFETY: the old list is as long as it was, and is used no more.
            unsafe {
                list.copy_from_nonoverlapping(old, self.len.get());
                memory.free(old.cast());
            }
        }
        self.capacity.set(capacity);
        true
    }

    /// A watched frame ends: it leaves the list, and those above it are stale.
    pub(crate) fn end(&self, frame: *mut Frame) {
        while let Some(last) = self.last() {
            if last.frame == frame {
                return self.pop();
            }
            self.drop_last(last);
        }
    }

    /// The thread ends, or the goroutine: whatever is still there is stale.
    pub(crate) fn release(&self, memory: &dyn Memory) {
        while let Some(last) = self.last() {
            self.drop_last(last);
        }
        let list = self.list.replace(null_mut());
        self.capacity.set(0);
        if !list.is_null() {
            // SAFETY: allocated by `grow`.
            unsafe { memory.free(list.cast()) };
        }
    }
}

#[cold]
fn report(place: Place) {
    let name = |p: *const c_char| {
        if p.is_null() {
            return "?";
        }
        // SAFETY: a string of the program's, static.
        unsafe { CStr::from_ptr(p) }.to_str().unwrap_or("?")
    };
    io::note(format_args!(
        "{}:{}: stale frame: {} returned without go_frame_end, its deferred calls never run",
        name(place.file),
        place.line,
        name(place.function)
    ));
}

/// Links a frame, out of line: stale ones are dropped first, and the frame is watched.
///
/// # Safety
/// As for [`frame::begin`]; the strings of `place` are static.
#[inline(never)]
pub unsafe fn begin(runner: &Runner, frame: *mut Frame, place: Place) {
    let stack = arch::stack_pointer();
    settle(runner, frame, stack);
    drop_below(runner, stack);
    // SAFETY: passed on.
    unsafe {
        frame::begin(runner, frame);
        frame::set_watched(frame);
        frame::push(frame, Kind::Plain, unwatch as *mut c_void, frame.cast());
        runner.watch.push(runner.host, Watched { frame, up: (*frame).up, stack, place });
    }
}

/// The first deferred call of a watched frame.
unsafe extern "C" fn unwatch(frame: *mut c_void) {
    let frame: *mut Frame = frame.cast();
    // SAFETY: a linked frame that is ending.
    unsafe {
        frame::clear_watched(frame);
        (*(*frame).runner).watch.end(frame);
    }
}

/// Stale frames of the runner are reported from here on.
pub fn watch(runner: &Runner) {
    runner.watch.reports.set(true);
}

/// Drops watched frames that must be stale, now that `next` begins.
fn settle(runner: &Runner, next: *mut Frame, stack: usize) {
    while let Some(last) = runner.watch.last() {
        let overlaps = last.frame.addr().abs_diff(next.addr()) < size_of::<Frame>();
        if last.stack >= stack && !overlaps {
            return;
        }
        runner.watch.drop_last(last);
        if runner.top.get() == last.frame {
            runner.top.set(last.up);
        }
    }
}

/// Drops the frames above `frame`, which is about to end, or has just run a call: what is above must have returned.
///
/// # Safety
/// A linked frame.
pub(crate) unsafe fn drop_above(runner: &Runner, frame: *mut Frame) {
    while let Some(last) = runner.watch.last() {
        // SAFETY: a linked frame.
        if last.frame == frame || unsafe { !frame::is_watched(frame) } {
            break;
        }
        runner.watch.drop_last(last);
    }
    runner.top.set(frame);
}

/// Drops the frames that lie below the stack pointer `stack`.
pub(crate) fn drop_below(runner: &Runner, stack: usize) {
    let mut frame = runner.top.get();
    while !frame.is_null() && frame.addr() < stack {
        let watched = runner.watch.last().filter(|last| last.frame == frame);
        frame = match watched {
            Some(last) => {
                runner.watch.drop_last(last);
                last.up
            }
            // SAFETY: the memory of a frame on this stack, below the stack pointer, where nothing wrote a null address.
            None => unsafe { (*frame).up },
        };
        runner.top.set(frame);
    }
}
