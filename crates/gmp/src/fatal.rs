//! Errors that no program survives: Go's text, and exit status 2.

use core::fmt::{Arguments, Write};
use gort_sys::io::{Line, write_all};

/// Prints `fatal error: MESSAGE` and ends the process with status 2.
#[cold]
pub fn exit(message: Arguments<'_>) -> ! {
    let mut line = Line::new();
    let _ = writeln!(line, "fatal error: {message}");
    let _ = write_all(2, line.as_bytes());
    gort_sys::native::exit_now(2)
}
