//! The command `gort`.

use clap::Parser;
use gort_cli::args::{Args, Command};
use gort_cli::{Failure, knobs, launch, top};
use std::process::ExitCode;

fn main() -> ExitCode {
    let done = match Args::parse().command {
        Command::Run(run) => Err(launch::launch(&run)),
        Command::Env => print(&knobs::text(|name| std::env::var_os(name))),
        Command::Top(args) => top::text(&args).and_then(|text| print(&text)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.status)
        }
    }
}

/// To standard output; a reader that has seen enough is no failure.
fn print(text: &str) -> Result<(), Failure> {
    use std::io::{ErrorKind, Write};
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::own(format_args!("standard output: {e}")))
        }
        _ => Ok(()),
    }
}
