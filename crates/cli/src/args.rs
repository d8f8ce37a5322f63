//! The command line.

use clap::{Args as Arguments, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// Runs programs on gort's malloc, and shows what they do with memory.
#[derive(Parser, Debug)]
#[command(version, subcommand_required = true, arg_required_else_help = true)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Run a program on gort's malloc
    Run(Run),
    /// List the environment variables that the library reads, with their values now
    Env,
    /// List the places of a heap profile that hold most memory
    Top(Top),
}

const RUN_HELP: &str = "\
Examples:
  gort run -- make -j4                        everything that make starts runs on gort
  gort run --stats -- python3 app.py          a report of the heap at exit
  gort run --profile heap.pb.gz -- ./server   sample allocations; then `gort top heap.pb.gz`,
                                              or `go tool pprof -http=: heap.pb.gz`
  gort run --check 2 -- ./program             stop at the first misuse of malloc and free

The library is preloaded (LD_PRELOAD), before what is preloaded already. It is looked for as GORT_LIBRARY says,
beside the command, in ../lib, and where cargo puts it. The program takes the command's place, so its exit status and
its signals are its own. When it cannot be started: 127 if there is none, 126 if it cannot be run, 125 for any other
reason. What a program starts inherits all of it; programs that end without their exit handlers (_exit, a signal)
report nothing. Privileged (set-user-id) and statically linked programs cannot be preloaded.";

/// `gort run`.
#[derive(Arguments, Debug, Clone, Default, PartialEq, Eq)]
#[command(after_help = RUN_HELP)]
pub struct Run {
    /// Report the heap on standard error when the program ends
    #[arg(long)]
    pub stats: bool,

    /// Write a heap profile (pprof format, gzip) when the program ends; `%p` in the name stands for the process's number
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,

    /// Bytes between samples of the profile, on average, such as 64K; 512K if nothing is said
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub rate: Option<u64>,

    /// Look for misuse: 2 stops at every faulty call, 3 also zeroes freed memory and guards large blocks
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(u8).range(0..=3))]
    pub check: Option<u8>,

    /// The program, and what it is told
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "PROGRAM")]
    pub program: Vec<OsString>,
}

const TOP_HELP: &str = "\
Examples:
  gort top heap.pb.gz                   who holds memory
  gort top --by allocated heap.pb.gz    who asked for most, freed or not
  gort top --frames 3 heap.pb.gz        with the callers

The figures are estimates from samples. Names come from the files that the program had mapped, so the same files have
to be there.";

/// `gort top`.
#[derive(Arguments, Debug)]
#[command(after_help = TOP_HELP)]
pub struct Top {
    /// How many places to list
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub count: usize,

    /// What to sort by
    #[arg(long, value_enum, default_value_t = By::Live)]
    pub by: By,

    /// How many calls of a stack make a place, from the innermost
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub frames: u32,

    /// The profile, as `gort run --profile` or go_heap_profile() wrote it
    pub file: PathBuf,
}

/// What `gort top` sorts by.
#[derive(Clone, Copy, ValueEnum, Debug, PartialEq, Eq)]
pub enum By {
    /// Bytes that were not freed
    Live,
    /// Bytes that were allocated since the start
    Allocated,
}

/// A number of bytes, as the library reads it.
fn bytes(text: &str) -> Result<u64, String> {
    gort_sys::env::parse_u64(text.as_bytes())
        .filter(|n| *n > 0)
        .ok_or_else(|| "a number of bytes is wanted, such as 1, 64K or 1M".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn run(words: &[&str]) -> Result<Run, clap::Error> {
        match Args::try_parse_from([&["gort", "run"], words].concat())?.command {
            Command::Run(run) => Ok(run),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn definition_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn options_of_the_program_are_the_programs() {
        for words in [&["--stats", "--", "ls", "--stats", "-l"][..], &["--stats", "ls", "--stats", "-l"]] {
            let run = run(words).unwrap();
            assert!(run.stats);
            assert_eq!(run.program, ["ls", "--stats", "-l"]);
        }
    }

    #[test]
    fn numbers_are_looked_at() {
        assert_eq!(run(&["--rate", "64K", "ls"]).unwrap().rate, Some(64 << 10));
        assert_eq!(run(&["--check", "3", "ls"]).unwrap().check, Some(3));
        for wrong in
            [&["--rate", "0", "ls"][..], &["--rate", "x", "ls"], &["--check", "4", "ls"], &["--stats"]]
        {
            assert!(run(wrong).is_err(), "{wrong:?}");
        }
    }
}
