//! The command `gort`, as a library: what its subcommands do.
//!
//! Floor 8. The command is an ordinary program; the runtime is in libgort.so, which it preloads.
//!
//! * [`args`]: the command line;
//! * [`library`]: where libgort.so is; [`elf`]: what can be seen in a program's file;
//! * [`launch`]: `gort run`; [`knobs`]: `gort env`; [`top`]: `gort top`;
//! * [`pprof`]: a heap profile, read; [`symbols`]: names for its addresses; [`table`]: columns for people.

pub mod args;
pub mod elf;
pub mod knobs;
pub mod launch;
pub mod library;
pub mod pprof;
pub mod symbols;
pub mod table;
pub mod top;

use std::fmt;

/// What ended the command: a status and what to say. The numbers are those of `env`, `nohup` and `timeout`.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit status.
    pub status: u8,
    /// One line.
    pub message: String,
}

impl Failure {
    /// The command itself failed.
    pub const OWN: u8 = 125;
    /// The program is there but cannot be run.
    pub const CANNOT_RUN: u8 = 126;
    /// There is no such program.
    pub const NOT_FOUND: u8 = 127;

    /// The command itself failed.
    pub fn own(message: impl fmt::Display) -> Self {
        Self { status: Self::OWN, message: message.to_string() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gort: {}", self.message)
    }
}
