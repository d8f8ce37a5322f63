//! Fault injection: `c-examples/conformance/faults.c` on a library whose OS calls fail on request.
//!
//! A run without a fault tells how many calls there are. Then each call fails once in a run of its own, and in further
//! runs all calls from some moment on; on one thread, and, with larger steps, on four, where the order of calls varies.
//!
//! That library has the checks of debug builds, too. So the stress program runs on it once more, in all modes, and every
//! assertion of the crates is asked.

use super::Context;
use super::conformance::all;
use super::cprog::{Mode, Program};
use crate::cache::{self, Input};
use crate::library::Library;
use crate::progress::{Live, Tally};
use crate::run::Cmd;
use anyhow::{Context as _, Result};

const FOLDER: &str = "c-examples/conformance";

/// Threads, the variable that asks for faults, and the step from run to run.
const ROWS: [(&str, &str, usize); 4] = [
    ("1", "GORT_FAULT_AT", 1),
    ("1", "GORT_FAULT_FROM", 8),
    ("4", "GORT_FAULT_AT", 16),
    ("4", "GORT_FAULT_FROM", 32),
];

/// Arguments of the stress program, and the variable that sets its mode.
const STRESS: [([&str; 3], &str, &str); 4] = [
    (["11", "600000", "4"], "GORT_CHECK", "0"),
    (["12", "100000", "8"], "GORT_CHECK", "2"),
    (["13", "100000", "2"], "GORT_CHECK", "3"),
    (["14", "300000", "4"], "GORT_PROFILE_RATE", "65536"),
];

pub(super) fn fault(context: &Context, live: &Live) -> Result<Tally> {
    live.item("building the library that fails");
    let library = Library::build_with_faults(&context.workspace)?;
    let faults = compile(context, &library, "faults.c")?;
    let stress = compile(context, &library, "stress.c")?;
    let stamp = context.workspace.work_dir("fault")?.join("faults.stamp");
    let input = Input::default().file(&library.shared()).text(&faults.line()).text(&stress.line());
    let input = input.tree(&context.workspace.root.join(FOLDER))?;
    if let Some(count) = cache::count(&stamp, &input).filter(|_| !context.fresh) {
        let notes = vec![format!("{count} of them unchanged since they passed (--fresh runs them)")];
        return Ok(Tally { passed: count, notes, ..Tally::default() });
    }
    let mut runs: Vec<Cmd> =
        STRESS.iter().map(|(args, variable, value)| stress.clone().args(args).env(variable, value)).collect();
    for (threads, variable, step) in ROWS {
        let command = faults.clone().arg(threads);
        let calls = calls(&command)?;
        runs.extend((1..=calls).step_by(step).map(|n| command.clone().env(variable, n.to_string())));
    }
    let tally = all(live, &runs, Cmd::line, one);
    if tally.failed == 0 {
        cache::record(&stamp, &input, tally.passed)?;
    }
    Ok(tally)
}

/// The command that runs a program of the folder on the library, preloaded.
fn compile(context: &Context, library: &Library, file: &str) -> Result<Cmd> {
    let program = Program::new(&context.workspace.root.join(FOLDER).join(file), Mode::Preload);
    Ok(program.command(&program.compile(context, library)?, library))
}

/// How many OS calls a run without faults makes. A library without the feature makes none that could fail.
fn calls(command: &Cmd) -> Result<usize> {
    let text = command.ok()?.text();
    let calls: usize = text.split(' ').nth(1).and_then(|n| n.parse().ok()).context(text.clone())?;
    anyhow::ensure!(calls > 20, "only {calls} calls: {text}");
    Ok(calls)
}

fn one(command: &Cmd) -> Result<Tally> {
    let done = command.run()?;
    let mut tally = Tally::default();
    if done.succeeded() {
        tally.pass();
    } else {
        tally.fail(format!("{}: {}", command.line(), done.end), done.text());
    }
    Ok(tally)
}
