//! `cargo xtask bench go`: what goroutines cost, beside Go.
//!
//! The programs of `benches/go` print a row for each thing, in wall time, and run with GOMAXPROCS 1 and 2. They take turns, so
//! that a disturbance of the machine meets both; the least of the turns counts. Bars are ratios. Without Go there are only
//! our own figures.

use crate::library::Library;
use crate::run::Cmd;
use crate::twins;
use crate::workspace::Workspace;
use anyhow::{Context as _, Result, ensure};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(super) struct Args {
    /// How often every program runs with each GOMAXPROCS.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Fails when a bar is missed.
    #[arg(long)]
    strict: bool,
    /// Writes docs/bench/go.md.
    #[arg(long)]
    record: bool,
}

/// The values of GOMAXPROCS.
const PROCS: [&str; 2] = ["1", "2"];

/// What a row may cost, as a part of Go's.
const BARS: [(&str, f64); 9] = [
    ("spawn_join", 0.5),
    ("yield", 0.34),
    ("round_trip", 0.34),
    ("buffered_128", 0.5),
    ("ring_hop", 0.5),
    ("select_3", 0.5),
    ("skynet", 0.5),
    ("mutex_8", 1.0),
    ("sieve_500_us", 0.5),
];

/// Nanoseconds by program, GOMAXPROCS and row.
type Figures = BTreeMap<(&'static str, &'static str, String), f64>;

pub(super) fn run(args: &Args) -> Result<()> {
    ensure!(args.rounds > 0, "--rounds: at least one");
    let workspace = Workspace::load()?;
    println!("{}", super::machine::Machine::look());
    let programs = build(&workspace)?;
    let mut figures = Figures::new();
    for round in 0..args.rounds {
        for procs in PROCS {
            for turn in 0..programs.len() {
                let (name, path) = &programs[(turn + round) % programs.len()];
                measure(name, procs, path, &mut figures)?;
            }
        }
    }
    let (table, missed) = table(&figures);
    println!("{table}");
    if args.record {
        let text = format!("# Goroutines beside Go\n\n{HEAD}\n{table}");
        std::fs::write(workspace.root.join("docs/bench/go.md"), text)?;
    }
    ensure!(!args.strict || missed == 0, "{missed} bars missed");
    Ok(())
}

/// The head of docs/bench/go.md.
const HEAD: &str =
    "Written by `cargo xtask bench go --record`: nanoseconds of wall time, the least of all rounds
(of the sieve, microseconds). The programs are in `benches/go`; what a row does is the same in each.
";

fn build(workspace: &Workspace) -> Result<Vec<(&'static str, PathBuf)>> {
    let library = Library::build(workspace)?;
    let (source, out) = (workspace.root.join("benches/go"), workspace.work_dir("bench/go")?);
    let gort = out.join("gort");
    let dir = library.dir.display().to_string();
    Cmd::new("gcc")
        .args(["-O2", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&gort)
        .arg(source.join("gort.c"))
        .arg(format!("-I{}", library.include.display()))
        .args([format!("-L{dir}"), "-lgort".into(), format!("-Wl,-rpath,{dir}")])
        .ok()?;
    let mut programs = vec![("gort", gort)];
    match twins::go() {
        Ok(go) => programs.push(("go", twins::build(&go, &source.join("go.go"), &out)?)),
        Err(why) => println!("without Go: {why}"),
    }
    Ok(programs)
}

fn measure(name: &'static str, procs: &'static str, program: &Path, figures: &mut Figures) -> Result<()> {
    let done = Cmd::new(program).env("GOMAXPROCS", procs).ok()?;
    for line in String::from_utf8_lossy(&done.stdout).lines() {
        let (row, ns) = line.split_once(' ').context("a row without a figure")?;
        let ns: f64 = ns.parse()?;
        let least = figures.entry((name, procs, row.to_owned())).or_insert(ns);
        *least = least.min(ns);
    }
    Ok(())
}

/// The rows with their bars, and how many bars are missed.
fn table(figures: &Figures) -> (String, usize) {
    let mut out =
        String::from("| | GOMAXPROCS | gort | Go | ratio | at most | |\n|---|---|---|---|---|---|---|\n");
    let mut missed = 0;
    for (row, most) in BARS {
        for procs in PROCS {
            let figure = |name| figures.get(&(name, procs, row.to_owned())).copied();
            let Some(gort) = figure("gort") else { continue };
            out += &format!("| {row} | {procs} | {gort:.1} |");
            match figure("go") {
                Some(go) => {
                    let met = gort / go <= most;
                    missed += usize::from(!met);
                    let word = if met { "met" } else { "missed" };
                    out += &format!(" {go:.1} | {:.2} | {most:.2} | {word} |\n", gort / go);
                }
                None => out += " | | | |\n",
            }
        }
    }
    (out, missed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_parts_of_gos_figures() {
        let mut figures = Figures::new();
        figures.insert(("gort", "1", "mutex_8".into()), 5.0);
        assert_eq!(table(&figures).1, 0, "nothing to compare with");
        figures.insert(("go", "1", "mutex_8".into()), 4.0);
        let (text, missed) = table(&figures);
        assert_eq!(missed, 1, "{text}");
        figures.insert(("gort", "1", "mutex_8".into()), 4.0);
        assert_eq!(table(&figures).1, 0);
    }
}
