//! The programs of `c-examples/conformance`, each in every mode that its README gives it; and the stress program.

use super::Context;
use super::cprog::{Mode, Program};
use crate::progress::{Live, Tally};
use crate::run::{self, Cmd, Done, End};
use anyhow::Result;

/// The exit status that says: skipped, and a line tells why.
const SKIPPED: i32 = 77;

const ALL: [Mode; 4] = [Mode::Preload, Mode::LinkFirst, Mode::LinkLast, Mode::Static];

/// The loader drops a preloaded library from a program with the set-user-ID bit, so this item has no such mode.
const NOT_PRELOADED: &str = "ma16_secure";

/// Seed, operations, threads, and value of `GORT_CHECK`.
const STRESS: [(&str, &str, &str, &str); 4] = [
    ("1", "1000000", "4", "0"),
    ("2", "600000", "8", "0"),
    ("3", "600000", "1", "1"),
    ("4", "200000", "4", "2"),
];

pub(super) fn conformance(context: &Context, live: &Live) -> Result<Tally> {
    let dir = context.workspace.root.join("c-examples/conformance");
    let mut programs = Vec::new();
    for path in crate::cache::files_below(&dir)? {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let source = path.extension().is_some_and(|suffix| suffix == "c" || suffix == "cc");
        if source && stem.starts_with("ma") {
            let modes = ALL.iter().filter(|mode| stem != NOT_PRELOADED || **mode != Mode::Preload);
            programs.extend(modes.map(|mode| Program::new(&path, *mode)));
        } else if stem == "dlopen_main" {
            programs.push(Program::new(&path, Mode::Dlopen));
        }
    }
    programs.retain(|program| context.takes("conformance", &program.name()));
    let library = context.library()?;
    Ok(all(live, &programs, Program::name, |program| {
        let built = program.compile(context, library)?;
        judge(&program.name(), &program.command(&built, library))
    }))
}

pub(super) fn stress(context: &Context, live: &Live) -> Result<Tally> {
    let source = context.workspace.root.join("c-examples/conformance/stress.c");
    let library = context.library()?;
    // First all programs: a second compiler must not write what runs already.
    let programs = ALL.map(|mode| Program::new(&source, mode));
    let built = run::parallel(&programs, |program| program.compile(context, library));
    let mut runs = Vec::new();
    for (program, built) in programs.iter().zip(built) {
        let command = program.command(&built?, library);
        for (seed, operations, threads, check) in STRESS {
            let name = format!("{} seed {seed}, {threads} threads, GORT_CHECK={check}", program.name());
            runs.push((name, command.clone().args([seed, operations, threads]).env("GORT_CHECK", check)));
        }
    }
    Ok(all(live, &runs, |(name, _)| name.clone(), |(name, command)| judge(name, command)))
}

/// Works on all items, two at a time, and adds up; an error of one is its failure.
pub(super) fn all<T: Sync>(
    live: &Live,
    items: &[T],
    name: impl Fn(&T) -> String + Sync,
    work: impl Fn(&T) -> Result<Tally> + Sync,
) -> Tally {
    let done = std::sync::atomic::AtomicUsize::new(0);
    let tallies = run::parallel(items, |item| {
        let tally = work(item).unwrap_or_else(|error| {
            let mut tally = Tally::default();
            tally.fail(format!("{}: does not compile or start", name(item)), format!("{error:#}"));
            tally
        });
        let number = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        live.item(&format!("{number} of {}", items.len()));
        tally
    });
    let mut sum = Tally::default();
    tallies.into_iter().for_each(|tally| sum.add(tally));
    sum
}

fn judge(name: &str, command: &Cmd) -> Result<Tally> {
    let done = command.run()?;
    let mut tally = Tally::default();
    match done.end {
        End::Status(0) => tally.pass(),
        End::Status(SKIPPED) => tally.skip(format!("{name}: {}", last_line(&done))),
        end => tally.fail(format!("{name}: {end}"), format!("{}\n{}", command.line(), done.text())),
    }
    Ok(tally)
}

fn last_line(done: &Done) -> String {
    done.text().lines().last().unwrap_or("no reason given").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(script: &str) -> (usize, usize, usize) {
        let tally = judge("x", &Cmd::new("sh").args(["-c", script])).unwrap();
        (tally.passed, tally.failed, tally.skipped)
    }

    #[test]
    fn the_status_decides() {
        assert_eq!(judged("exit 0"), (1, 0, 0));
        assert_eq!(judged("exit 77"), (0, 0, 1));
        assert_eq!(judged("exit 1"), (0, 1, 0));
        assert_eq!(judged("kill -ABRT $$"), (0, 1, 0));
    }

    #[test]
    fn a_program_that_cannot_start_is_a_failure() {
        let live = Live::start("x");
        let tally = all(&live, &["/nonexistent"], |path| (*path).into(), |path| judge(path, &Cmd::new(path)));
        assert_eq!(tally.failed, 1);
    }
}
