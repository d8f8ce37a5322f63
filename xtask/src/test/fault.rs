//! Fault injection: `c-examples/conformance/faults.c` on a library whose OS calls fail on request.
//!
//! A run without a fault tells how many calls there are. Then each call fails once in a run of its own, and in further
//! runs all calls from some moment on; on one thread, and, with larger steps, on four, where the order of calls varies.

use super::Context;
use super::conformance::all;
use super::cprog::{Mode, Program};
use crate::cache::{self, Input};
use crate::library::Library;
use crate::progress::{Live, Tally};
use crate::run::Cmd;
use anyhow::{Context as _, Result};

/// Threads, the variable that asks for faults, and the step from run to run.
const ROWS: [(&str, &str, usize); 4] = [
    ("1", "GORT_FAULT_AT", 1),
    ("1", "GORT_FAULT_FROM", 4),
    ("4", "GORT_FAULT_AT", 8),
    ("4", "GORT_FAULT_FROM", 16),
];

pub(super) fn fault(context: &Context, live: &Live) -> Result<Tally> {
    let source = context.workspace.root.join("c-examples/conformance/faults.c");
    live.item("building the library that fails");
    let library = Library::build_with_faults(&context.workspace)?;
    let program = Program::new(&source, Mode::Preload);
    let built = program.compile(context, &library)?;
    let stamp = context.workspace.work_dir("fault")?.join("faults.stamp");
    let input = Input::default().file(&library.shared()).file(&built);
    if let Some(count) = cache::count(&stamp, &input).filter(|_| !context.fresh) {
        let notes = vec![format!("{count} of them unchanged since they passed (--fresh runs them)")];
        return Ok(Tally { passed: count, notes, ..Tally::default() });
    }
    let command = program.command(&built, &library);
    let mut runs = Vec::new();
    for (threads, variable, step) in ROWS {
        let command = command.clone().arg(threads);
        let calls = calls(&command)?;
        runs.extend((1..=calls).step_by(step).map(|n| command.clone().env(variable, n.to_string())));
    }
    let tally = all(live, &runs, Cmd::line, one);
    if tally.failed == 0 {
        cache::record(&stamp, &input, tally.passed)?;
    }
    Ok(tally)
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
