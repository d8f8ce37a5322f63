//! `cargo xtask bench malloc`: the allocator beside its peers, workload by workload. (`bench lang` is [`lang`], `bench go`
//! is [`goroutines`].)
//!
//! Every allocator runs every workload once a round, in an order drawn anew each time, so that a disturbance of the machine
//! meets all of them, and each one follows now this one, now that: memory that one frees in huge pages is what the next
//! one finds. The medians count. A workload is a process of its own. What it computes must come
//! out the same on every allocator. The results go to the terminal, to docs/bench and to the README.

mod allocators;
mod goroutines;
mod lang;
mod machine;
mod measure;
mod peers;
mod plot;
mod report;
mod summary;
mod workloads;

use crate::library::Library;
use crate::workspace::Workspace;
use allocators::Allocator;
use anyhow::{Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use measure::{Bench, Sample};
use report::Results;
use std::path::PathBuf;
use summary::Summary;
use workloads::Workload;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Measures malloc: time, peak and last resident memory, beside the peers.
    Malloc(MallocArgs),
    /// Measures the language layer: frames, panics, closures, interfaces, beside Go and C++.
    Lang(lang::Args),
    /// Measures goroutines, channels and locks beside Go.
    Go(goroutines::Args),
}

#[derive(clap::Args)]
struct MallocArgs {
    /// Two rounds of a third of the work: a first look, not for the record.
    #[arg(long)]
    quick: bool,
    /// Only these workloads.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only these allocators.
    #[arg(long, value_delimiter = ',')]
    allocators: Vec<String>,
    /// How often everything runs.
    #[arg(long)]
    rounds: Option<usize>,
    /// Adds a row for gort with GORT_CHECK=2.
    #[arg(long)]
    check: bool,
    /// Adds a row for another build of the library.
    #[arg(long, value_name = "NAME=PATH")]
    also: Vec<String>,
    /// Writes docs/bench, the plot and the README's table. Needs a complete run.
    #[arg(long)]
    record: bool,
    /// Names the workloads and stops.
    #[arg(long)]
    list: bool,
}

/// What is measured, and how often.
struct Plan {
    workloads: Vec<Workload>,
    allocators: Vec<Allocator>,
    rounds: usize,
    percent: u32,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let args = match &args.what {
        What::Malloc(args) => args,
        What::Lang(args) => return lang::run(args),
        What::Go(args) => return goroutines::run(args),
    };
    if args.list {
        for workload in workloads::all() {
            println!("{:<16} {}", workload.name, workload.about);
        }
        return Ok(());
    }
    let workspace = Workspace::load()?;
    let machine = machine::Machine::look();
    println!("{machine}");
    let plan = plan(args, &workspace)?;
    let bench = Bench::build(&workspace, &plan.workloads)?;
    plan.allocators.iter().try_for_each(|a| bench.check_in_use(a))?;
    let samples = all_rounds(&plan, &bench)?;
    let names: Vec<&str> = plan.allocators.iter().map(|a| a.name.as_str()).collect();
    let summary = Summary::of(&plan.workloads, &names, &samples);
    println!("{}", report::terminal(&summary));
    let results = Results { summary, machine, samples, rounds: plan.rounds };
    let dir = workspace.work_dir("bench/last")?;
    results.write(&dir)?;
    println!("table, plot and samples: {}", dir.display());
    if args.record {
        let complete = args.only.is_empty() && args.allocators.is_empty() && !args.quick;
        ensure!(complete, "--record needs all workloads, all allocators and the full work");
        results.write(&workspace.root.join("docs/bench"))?;
        results.write_readme(&workspace.root.join("README.md"))?;
    }
    Ok(())
}

fn plan(args: &MallocArgs, workspace: &Workspace) -> Result<Plan> {
    let mut workloads = workloads::all();
    for name in &args.only {
        ensure!(workloads.iter().any(|w| w.name == name), "no workload `{name}`: see --list");
    }
    workloads.retain(|w| args.only.is_empty() || args.only.iter().any(|name| name == w.name));
    workloads
        .retain(|w| w.missing().inspect(|what| println!("left out: {}, without {what}", w.name)).is_none());
    let library = Library::build(workspace)?;
    let mut allocators = allocators::gort(library.shared(), args.check);
    for also in &args.also {
        let (name, path) =
            also.split_once('=').ok_or_else(|| anyhow::anyhow!("--also {also}: NAME=PATH is wanted"))?;
        allocators.push(Allocator::library(name, &std::fs::canonicalize(PathBuf::from(path))?));
    }
    allocators.extend(allocators::peers(workspace, &args.allocators)?);
    for name in &args.allocators {
        ensure!(allocators.iter().any(|a| a.name == *name), "no allocator `{name}`");
    }
    allocators.retain(|a| args.allocators.is_empty() || args.allocators.contains(&a.name));
    let rounds = args.rounds.unwrap_or(if args.quick { 2 } else { 5 });
    ensure!(rounds > 0, "--rounds: at least one");
    Ok(Plan { workloads, allocators, rounds, percent: if args.quick { 33 } else { 100 } })
}

/// Tries a run up to three times, so that one stall of the machine does not cost the whole sitting; each failure is said.
fn persistent(bar: &ProgressBar, run: impl Fn() -> Result<Sample>) -> Result<Sample> {
    for _ in 0..2 {
        match run() {
            Ok(sample) => return Ok(sample),
            Err(error) => bar.suspend(|| println!("once more: {error:#}")),
        }
    }
    run()
}

/// Runs everything, a line of progress below.
fn all_rounds(plan: &Plan, bench: &Bench) -> Result<Vec<Sample>> {
    let count = plan.rounds * plan.workloads.len() * plan.allocators.len();
    let bar = ProgressBar::new(count as u64);
    bar.set_style(ProgressStyle::with_template("{wide_bar} {pos}/{len}  {msg:32}  {elapsed} of {duration}")?);
    let mut samples = Vec::with_capacity(count);
    // The same orders in every sitting.
    let mut random = fastrand::Rng::with_seed(1);
    let mut order: Vec<_> = plan.allocators.iter().collect();
    for round in 0..plan.rounds {
        for workload in &plan.workloads {
            if bar.is_hidden() {
                println!("round {} of {}: {}", round + 1, plan.rounds, workload.name);
            }
            random.shuffle(&mut order);
            for allocator in &order {
                bar.set_message(format!("{} on {}", workload.name, allocator.name));
                samples.push(persistent(&bar, || bench.run(workload, allocator, round, plan.percent))?);
                bar.inc(1);
            }
        }
    }
    bar.finish_and_clear();
    measure::check_results(&samples)?;
    Ok(samples)
}
