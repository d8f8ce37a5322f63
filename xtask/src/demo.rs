//! `cargo xtask demo`: real programs on gort's malloc, beside the C library's, and the heap report of one of them.

use crate::library::Library;
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
    let live = Live::start("building libgort.so");
    let library = Library::build(&workspace)?;
    live.finish(&Tally { passed: 1, ..Tally::default() });
    println!("\n  {:<28} {:>10} {:>10} {:>8}   output", "program", "libc", "gort", "speed");
    let mut same = true;
    for show in &SHOWS {
        if !run::found(show.program) {
            println!("  {:<28} not installed: apt-get install {}", show.title, show.package);
            continue;
        }
        same &= present(&workspace, show, &library.shared())?;
    }
    report(&library.shared())?;
    println!("\n  To run a program of yours: LD_PRELOAD={} PROGRAM", library.shared().display());
    Ok(same)
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
fn report(library: &Path) -> Result<()> {
    let (program, script) =
        ("python3", "table = {n: str(n) * 3 for n in range(300000)}; del table; text = 'x' * 9000000");
    if !run::found(program) {
        return Ok(());
    }
    let command = Cmd::new(run::python()).args(["-c", script]).env("PYTHONMALLOC", "malloc");
    let done = command.env("LD_PRELOAD", library).env("GORT_STATS", "1").ok()?;
    println!("\n  GORT_STATS=1 LD_PRELOAD=libgort.so python3 -c \"{script}\"\n");
    let text = String::from_utf8_lossy(&done.stderr).into_owned();
    text.lines().take(REPORT_LINES).for_each(|line| println!("    {line}"));
    let rest = text.lines().count().saturating_sub(REPORT_LINES);
    if rest > 0 {
        println!("    ... {rest} more classes");
    }
    Ok(())
}
