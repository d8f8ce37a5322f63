//! `cargo xtask demo`: real programs on gort's malloc, beside the C library's, and the heap report of one of them.

use crate::library::{Library, build_command};
use crate::progress::{Live, Tally};
use crate::run::{self, Cmd, Done};
use crate::workspace::Workspace;
use anyhow::Result;
use std::path::Path;
use std::time::{Duration, Instant};

/// A program to be shown.
struct Show {
    title: &'static str,
    program: &'static str,
    /// The package of Debian that has the program.
    package: &'static str,
    line: &'static str,
}

const SHOWS: [Show; 4] = [
    Show {
        title: "python3, threads and forks",
        program: "python3",
        package: "python3",
        line: "exec $PYTHON $P/python_work.py",
    },
    Show {
        title: "g++ -O2, templates",
        program: "g++",
        package: "g++",
        line: "g++ -std=gnu++17 -O2 -S -o - $P/cxx_work.cc | cksum",
    },
    Show {
        title: "sqlite3, 60,000 rows",
        program: "sqlite3",
        package: "sqlite3",
        line: "exec sqlite3 :memory: < $P/sqlite_work.sql",
    },
    Show {
        title: "perl, hashes and text",
        program: "perl",
        package: "perl",
        line: "exec perl $P/perl_work.pl",
    },
];

/// Each program runs as often in both ways, in turn; the best time counts.
const ROUNDS: usize = 3;
/// Lines of the heap report that are shown.
const REPORT_LINES: usize = 20;

pub(crate) fn run() -> Result<bool> {
    let workspace = Workspace::load()?;
    let library = shown("building libgort.so", || Library::build(&workspace))?.shared();
    let command = shown("building gort", || build_command(&workspace))?;
    println!("\n  {:<28} {:>10} {:>10} {:>8}   output", "program", "libc", "gort", "speed");
    let mut same = true;
    for show in &SHOWS {
        if run::found(show.program) {
            same &= present(&workspace, show, &library)?;
        } else {
            println!("  {:<28} not installed: apt-get install {}", show.title, show.package);
        }
    }
    report(&command, &library)?;
    println!("\n  A program of yours:   {} run --stats -- PROGRAM", command.display());
    println!("  without the command:  LD_PRELOAD={} PROGRAM", library.display());
    Ok(same)
}

/// Works with a line that shows it.
fn shown<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let live = Live::start(what);
    let result = work()?;
    live.finish(&Tally { passed: 1, ..Tally::default() });
    Ok(result)
}

/// Runs a program both ways and prints its row; whether nothing but the time differs.
fn present(workspace: &Workspace, show: &Show, library: &Path) -> Result<bool> {
    let scripts = workspace.root.join("xtask/programs");
    let plain = Cmd::new("sh").args(["-c", show.line]).env("P", scripts).env("PYTHON", run::python());
    let gort = plain.clone().env("LD_PRELOAD", library);
    let mut best = [Duration::MAX; 2];
    let mut last: [Option<Done>; 2] = [None, None];
    for _ in 0..ROUNDS {
        for (way, command) in [&plain, &gort].into_iter().enumerate() {
            let start = Instant::now();
            last[way] = Some(command.run()?);
            best[way] = best[way].min(start.elapsed());
        }
    }
    let seen = |done: &Option<Done>| done.as_ref().map(|d| (d.end, d.stdout.clone(), d.stderr.clone()));
    let same = seen(&last[0]) == seen(&last[1]);
    let [libc, gort] = best.map(|time| time.as_secs_f64());
    let word = if same { "the same" } else { "DIFFERS" };
    println!("  {:<28} {libc:>8.2} s {gort:>8.2} s {:>7.2}x   {word}", show.title, libc / gort);
    Ok(same)
}

/// The heap report that any program writes when it ends.
fn report(command: &Path, library: &Path) -> Result<()> {
    if !run::found("python3") {
        return Ok(());
    }
    let script = "table = {n: str(n) * 3 for n in range(300000)}; del table; text = 'x' * 9000000";
    let gort = Cmd::new(command).args(["run", "--stats", "--"]).arg(run::python()).args(["-c", script]);
    let done = gort.env("PYTHONMALLOC", "malloc").env("GORT_LIBRARY", library).ok()?;
    println!("\n  gort run --stats -- python3 -c \"{script}\"\n");
    let text = String::from_utf8_lossy(&done.stderr).into_owned();
    text.lines().take(REPORT_LINES).for_each(|line| println!("    {line}"));
    let rest = text.lines().count().saturating_sub(REPORT_LINES);
    if rest > 0 {
        println!("    ... {rest} more classes");
    }
    Ok(())
}
