//! The end of a program whose panic nobody recovered: Go's text, exit status 2.
//!
//! Follows `preprintpanics`, `printpanics`, `startpanic_m` in Go's `panic.go`. First the values' own `Error` and `String`
//! are called, while the program still runs; then nothing of the program's is called any more, nothing allocates, and
//! text leaves by `write`.
//!
//! ```text
//!     panic: first [recovered]
//!     <tab>panic: second
//!                                       an empty line
//!     goroutine 0 [running]:
//! ```
//!
//! Two threads that panic at once: the first prints, the others wait for the end. A failure while printing prints
//! `panic during panic`, the next `stack trace unavailable` and exits with 4, the next exits with 5 (PA-11).

use crate::host::Host;
use crate::panic::{Panic, pcall};
use crate::runner::Runner;
use crate::value::Value;
use core::ffi::{CStr, c_char, c_void};
use core::fmt::{self, Write};
use gort_sys::clib;
use gort_sys::io::Fd;
use gort_sys::lock::Lock;

/// Held from the first word of a report to the end of the process.
static PRINTING: Lock = Lock::new();

/// Ends the process because of a panic that nobody recovered (PA-9, PA-10).
pub(crate) fn uncaught(runner: &Runner, panic: *mut Panic) -> ! {
    ask_values(runner, panic);
    begin(runner);
    let mut out = Fd::new(2);
    print_panics(runner.host, panic, &mut out);
    finish(runner, out)
}

/// Ends the process because of an error that cannot be recovered: `fatal error: TEXT`, after the panics in progress
/// (PA-10), exit status 2.
pub fn fatal(runner: &Runner, text: fmt::Arguments<'_>) -> ! {
    begin(runner);
    let mut out = Fd::new(2);
    let panic = runner.panics.get();
    mark_repanics(panic);
    if !panic.is_null() {
        print_panics(runner.host, panic, &mut out);
        let _ = out.write_str("\t");
    }
    let _ = out.write_str("fatal error: ");
    let _ = Indented(&mut out).write_fmt(text);
    let _ = out.write_str("\n");
    finish(runner, out)
}

/// Takes the right to print; what standard output has buffered goes first.
fn begin(runner: &Runner) {
    if runner.dying.get() != 0 {
        failed_again(runner);
    }
    PRINTING.acquire();
    runner.dying.set(1);
    clib::flush_stdout();
}

/// A panic was raised while one was printed.
#[cold]
pub(crate) fn failed_again(runner: &Runner) -> ! {
    let mut out = Fd::new(2);
    match runner.dying.replace(runner.dying.get() + 1) {
        1 => {
            let _ = out.write_str("panic during panic\n");
            finish(runner, out)
        }
        2 => {
            let _ = out.write_str("stack trace unavailable\n");
            let _ = out.finish();
            clib::exit_now(4)
        }
        _ => clib::exit_now(5),
    }
}

fn finish(runner: &Runner, mut out: Fd) -> ! {
    let _ = write!(out, "\ngoroutine {} [running]:\n", runner.id);
    let _ = out.finish();
    clib::exit_now(2)
}

/// A panic of the same value as the one before it is that one, raised again.
fn mark_repanics(mut panic: *mut Panic) {
    // SAFETY: panics in progress.
    unsafe {
        while !panic.is_null() && !(*panic).up.is_null() {
            if (*(*panic).up).value == (*panic).value && !(*(*panic).up).is_goexit {
                (*(*panic).up).repanicked = true;
            }
            panic = (*panic).up;
        }
    }
}

/// A question to a value, as an argument of a `pcall`.
struct Ask {
    host: &'static dyn Host,
    value: Value,
    text: *const c_char,
}

/// Calls the values' own methods, newest panic first.
fn ask_values(runner: &Runner, newest: *mut Panic) {
    unsafe extern "C" fn ask(ask: *mut c_void) {
        let ask = ask.cast::<Ask>();
        // SAFETY: the record below.
        unsafe { (*ask).text = (*ask).host.text((*ask).value).unwrap_or(core::ptr::null()) }
    }
    mark_repanics(newest);
    let mut panic = newest;
    // SAFETY: panics in progress, whose values were given to `raise`.
    unsafe {
        while !panic.is_null() {
            let skipped = (*panic).is_goexit || (!(*panic).up.is_null() && (*(*panic).up).repanicked);
            if !skipped {
                let mut question = Ask { host: runner.host, value: (*panic).value, text: core::ptr::null() };
                let mut thrown = Value::NIL;
                if pcall(runner, ask, (&raw mut question).cast(), &mut thrown) {
                    fatal_value(runner, thrown);
                }
                (*panic).text = question.text;
            }
            panic = (*panic).up;
        }
    }
}

/// A value's own method panicked (PA-9).
fn fatal_value(runner: &Runner, thrown: Value) -> ! {
    struct Thrown(&'static dyn Host, Value);
    impl fmt::Display for Thrown {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            // SAFETY: a value that was given to `raise`.
            unsafe {
                match self.0.string(self.1) {
                    Some(text) => write_text(text, f),
                    None => {
                        f.write_str("type ")?;
                        self.0.print_type(self.1, f);
                        Ok(())
                    }
                }
            }
        }
    }
    runner.panics.set(core::ptr::null_mut());
    fatal(runner, format_args!("panic while printing panic value: {}", Thrown(runner.host, thrown)))
}

/// Writes a C string as it is; what is no UTF-8 comes as `\u{fffd}`.
///
/// # Safety
/// A string that ends with a zero byte.
pub unsafe fn write_text(text: *const c_char, out: &mut dyn Write) -> fmt::Result {
    // SAFETY: the caller's.
    for chunk in unsafe { CStr::from_ptr(text) }.to_bytes().utf8_chunks() {
        out.write_str(chunk.valid())?;
        if !chunk.invalid().is_empty() {
            out.write_str("\u{fffd}")?;
        }
    }
    Ok(())
}

/// Prints the panics, oldest first; newer ones behind a tab (PA-6).
fn print_panics(host: &dyn Host, panic: *mut Panic, out: &mut dyn Write) {
    // SAFETY: panics in progress. Recursion as deep as panics are nested, each of which took more stack than this.
    unsafe {
        let up = (*panic).up;
        if !up.is_null() {
            print_panics(host, up, out);
            if (*up).repanicked {
                return;
            }
            if !(*up).is_goexit {
                let _ = out.write_str("\t");
            }
        }
        if (*panic).is_goexit {
            return;
        }
        let _ = out.write_str("panic: ");
        if (*panic).text.is_null() {
            host.print((*panic).value, out);
        } else {
            let _ = write_text((*panic).text, &mut Indented(out));
        }
        let _ = out.write_str(match ((*panic).recovered, (*panic).repanicked) {
            (true, true) => " [recovered, repanicked]\n",
            (true, false) => " [recovered]\n",
            (false, _) => "\n",
        });
    }
}

/// Writes a tab behind every newline.
pub struct Indented<'a>(pub &'a mut dyn Write);

impl Write for Indented<'_> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        for line in s.split_inclusive('\n') {
            self.0.write_str(line)?;
            if line.ends_with('\n') {
                self.0.write_str("\t")?;
            }
        }
        Ok(())
    }
}
