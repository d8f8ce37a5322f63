//! `cargo xtask test`: everything that must hold, as a list of steps.
//!
//! Steps run one after the other, in the order of `STEPS`; a step uses both cores inside. What failed is shown with
//! its output, the rest goes on, and the last line tells the sum: `N passed, N failed`.

mod conformance;
mod cprog;
pub(crate) mod examples;
mod fault;
mod install;
mod real;
mod rust;

use crate::library::Library;
use crate::loom;
use crate::progress::{Live, Tally};
use crate::run::Cmd;
use crate::workspace::Workspace;
use anyhow::Result;
use std::sync::OnceLock;
use std::time::Instant;

/// What `cargo xtask test` is told.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run only the steps whose name contains one of these; `step/word` takes the step's items that contain the word.
    filters: Vec<String>,
    /// Name the steps and stop.
    #[arg(long)]
    list: bool,
    /// Take no result from an earlier run.
    #[arg(long)]
    fresh: bool,
}

/// What every step is given.
pub(crate) struct Context {
    pub(crate) workspace: Workspace,
    /// Take no result from an earlier run.
    pub(crate) fresh: bool,
    filters: Vec<String>,
    library: OnceLock<Library>,
}

impl Context {
    /// The release library, built when a step first asks for it.
    pub(crate) fn library(&self) -> Result<&Library> {
        if let Some(library) = self.library.get() {
            return Ok(library);
        }
        let library = Library::build(&self.workspace)?;
        Ok(self.library.get_or_init(|| library))
    }

    /// Whether the filters take this item of a step.
    pub(crate) fn takes(&self, step: &str, item: &str) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| matches(filter, step, Some(item)))
    }
}

/// Whether a filter, `step` or `step/word`, takes a step, or an item of it.
fn matches(filter: &str, step: &str, item: Option<&str>) -> bool {
    let (head, word) = filter.split_once('/').unwrap_or((filter, ""));
    step.contains(head) && item.is_none_or(|item| item.contains(word))
}

/// A step of the test.
struct Step {
    name: &'static str,
    about: &'static str,
    run: fn(&Context, &Live) -> Result<Tally>,
}

const STEPS: &[Step] = &[
    Step { name: "fmt", about: "the source is formatted", run: rust::fmt },
    Step { name: "clippy", about: "no lint speaks up", run: rust::clippy },
    Step { name: "header", about: "include/gort.h is fresh and compiles", run: header },
    Step { name: "tidy", about: "the rules of docs/HACKING.md", run: tidy },
    Step { name: "docs", about: "the documentation is whole", run: rust::docs },
    Step { name: "unit", about: "unit, integration and documentation tests", run: rust::unit },
    Step { name: "loom", about: "the models of what is shared without a lock", run: loom },
    Step {
        name: "conformance",
        about: "malloc's behaviour, in every mode of the library",
        run: conformance::conformance,
    },
    Step {
        name: "stress",
        about: "random calls with shadow contents, threads and forks",
        run: conformance::stress,
    },
    Step {
        name: "fault",
        about: "every OS call fails once, then all; stress with debug checks",
        run: fault::fault,
    },
    Step {
        name: "examples",
        about: "the C and C++ programs of c-examples, in every dialect",
        run: examples::examples,
    },
    Step { name: "programs", about: "real programs, preloaded, to the byte as without", run: real::programs },
    Step { name: "install", about: "an installation serves pkg-config and CMake", run: install::install },
    Step { name: "publish", about: "every crate can be packed", run: publish },
];

/// Runs the chosen steps; true when nothing failed and something ran.
pub(crate) fn run(args: &Args) -> Result<bool> {
    if args.list {
        STEPS.iter().for_each(|step| println!("  {:<16} {}", step.name, step.about));
        return Ok(true);
    }
    let chosen: Vec<&Step> = STEPS.iter().filter(|step| wanted(step.name, &args.filters)).collect();
    anyhow::ensure!(!chosen.is_empty(), "no step is named so; --list names them");
    let context = Context {
        workspace: Workspace::load()?,
        fresh: args.fresh,
        filters: args.filters.clone(),
        library: OnceLock::new(),
    };
    let start = Instant::now();
    let mut sum = Tally::default();
    for step in chosen {
        let live = Live::start(step.name);
        let tally = (step.run)(&context, &live).unwrap_or_else(|error| {
            let mut tally = Tally::default();
            tally.fail(step.name, format!("{error:#}"));
            tally
        });
        live.finish(&tally);
        sum.add(tally);
    }
    Ok(conclude(&sum, start))
}

/// The committed header is the one that the sources make, and every compiler takes it.
fn header(_: &Context, _: &Live) -> Result<Tally> {
    by_task(&["header", "--check"])
}

fn publish(context: &Context, _: &Live) -> Result<Tally> {
    crate::publish::check(&context.workspace)
}

/// Another task of this program, as one test; it prints what it finds.
fn by_task(args: &[&str]) -> Result<Tally> {
    let done = Cmd::new(std::env::current_exe()?).args(args).run()?;
    let mut tally = Tally::default();
    tally.check(done.succeeded(), format!("cargo xtask {}", args.join(" ")), || done.text());
    Ok(tally)
}

/// The rules that a tool can check. Warnings are for `cargo xtask tidy`.
fn tidy(_: &Context, _: &Live) -> Result<Tally> {
    let mut tally = Tally::default();
    for finding in crate::tidy::findings()?.iter().filter(|finding| finding.fails()) {
        tally.fail(finding.to_string(), "");
    }
    if tally.failed == 0 {
        tally.pass();
    }
    Ok(tally)
}

/// The models of every crate.
fn loom(context: &Context, live: &Live) -> Result<Tally> {
    loom::models(&context.workspace, None, context.fresh, live)
}

fn wanted(step: &str, filters: &[String]) -> bool {
    filters.is_empty() || filters.iter().any(|filter| matches(filter, step, None))
}

/// The closing lines. Nothing that passed is as bad as something that failed.
fn conclude(sum: &Tally, start: Instant) -> bool {
    println!();
    for fault in &sum.faults {
        println!("  FAILED {}", fault.what);
    }
    println!("  {} skipped, {:.0} s in all", sum.skipped, start.elapsed().as_secs_f64());
    println!("{} passed, {} failed", sum.passed, sum.failed);
    sum.failed == 0 && sum.passed > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_names_a_step_and_perhaps_an_item() {
        assert!(matches("conf", "conformance", Some("ma03_hostile (static)")));
        assert!(matches("conf/ma03", "conformance", Some("ma03_hostile (static)")));
        assert!(!matches("conf/ma04", "conformance", Some("ma03_hostile (static)")));
        assert!(matches("conf/ma04", "conformance", None));
        assert!(!matches("stress", "conformance", None));
    }

    #[test]
    fn a_run_without_a_test_has_not_passed() {
        let now = Instant::now();
        assert!(!conclude(&Tally::default(), now));
        assert!(conclude(&Tally { passed: 1, ..Tally::default() }, now));
        assert!(!conclude(&Tally { passed: 1, failed: 1, ..Tally::default() }, now));
    }
}
