//! `cargo xtask bench lang`: what the language layer costs, beside Go and C++.
//!
//! The programs of `benches/lang` print a row for each thing, the CPU time of its fastest round. They take turns, so that
//! a disturbance of the machine meets all of them; the least of the turns counts. Only ratios are held to bars. Go is left out
//! where there is none.

use crate::library::Library;
use crate::run::Cmd;
use crate::twins;
use crate::workspace::Workspace;
use anyhow::{Context as _, Result, ensure};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(super) struct Args {
    /// How often every program runs.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Fails when a bar is missed.
    #[arg(long)]
    strict: bool,
    /// Writes docs/bench/lang.md.
    #[arg(long)]
    record: bool,
}

/// A row of a program.
type Row = (&'static str, &'static str);

/// What one row may cost, as a multiple of another.
struct Bar {
    row: Row,
    most: f64,
    /// Several: their sum.
    of: &'static [Row],
}

const fn bar(row: Row, most: f64, of: &'static [Row]) -> Bar {
    Bar { row, most, of }
}

const BARS: &[Bar] = &[
    bar(("gort", "frame_one_defer"), 1.0, &[("go", "frame_one_defer")]),
    bar(("gort", "panic_recover"), 0.5, &[("go", "panic_recover")]),
    bar(("gort", "panic_recover"), 0.1, &[("c++", "panic_recover")]),
    bar(("gort", "call_closure"), 1.1, &[("gort", "call_indirect")]),
    // Beside the closure called as such: one more indirect call.
    bar(("gort", "callback_thunk"), 1.0, &[("gort", "call_closure_args"), ("gort", "call_indirect")]),
    bar(("gort", "call_interface"), 1.1, &[("c++", "call_interface")]),
    bar(("gort", "assert_to_interface"), 0.5, &[("go", "assert_to_interface")]),
    bar(("gort", "assert_at_new_places"), 0.5, &[("go", "assert_at_new_places")]),
];

/// Nanoseconds by program and row.
type Figures = BTreeMap<(&'static str, String), f64>;

pub(super) fn run(args: &Args) -> Result<()> {
    ensure!(args.rounds > 0, "--rounds: at least one");
    let workspace = Workspace::load()?;
    let machine = super::machine::Machine::look();
    println!("{machine}");
    let programs = build(&workspace)?;
    let mut figures = Figures::new();
    for round in 0..args.rounds {
        for turn in 0..programs.len() {
            let (name, path) = &programs[(turn + round) % programs.len()];
            measure(name, path, &mut figures)?;
        }
    }
    let (table, missed) = (table(&programs, &figures), bars(&figures));
    println!("{table}\n{}", missed.0);
    if args.record {
        let text =
            format!("# The language layer beside Go and C++\n\n{HEAD}{machine}.\n\n{table}\n{}", missed.0);
        let dir = workspace.root.join("docs/bench");
        std::fs::create_dir_all(&dir)?;
        std::fs::write(dir.join("lang.md"), text)?;
    }
    ensure!(!args.strict || missed.1 == 0, "{} bars missed", missed.1);
    Ok(())
}

/// The head of docs/bench/lang.md.
const HEAD: &str =
    "Written by `cargo xtask bench lang --record`: nanoseconds of CPU time, the least of all rounds.
The programs are in `benches/lang`; what a row does is the same in each.
";

fn build(workspace: &Workspace) -> Result<Vec<(&'static str, PathBuf)>> {
    let library = Library::build(workspace)?;
    let (source, out) = (workspace.root.join("benches/lang"), workspace.work_dir("bench/lang")?);
    let (gort, cxx) = (out.join("gort"), out.join("cxx"));
    let dir = library.dir.display().to_string();
    let common = ["-O2", "-Wall", "-Wextra", "-Werror", "-o"];
    Cmd::new("gcc")
        .args(common)
        .arg(&gort)
        .arg(source.join("gort.c"))
        .arg(format!("-I{}", library.include.display()))
        .args([format!("-L{dir}"), "-lgort".into(), format!("-Wl,-rpath,{dir}")])
        .ok()?;
    Cmd::new("g++").args(common).arg(&cxx).arg(source.join("cxx.cc")).ok()?;
    let mut programs = vec![("gort", gort), ("c++", cxx)];
    match twins::go() {
        Ok(go) => programs.push(("go", twins::build(&go, &source.join("go.go"), &out)?)),
        Err(why) => println!("without Go: {why}"),
    }
    Ok(programs)
}

fn measure(name: &'static str, program: &Path, figures: &mut Figures) -> Result<()> {
    let done = Cmd::new(program).ok()?;
    for line in String::from_utf8_lossy(&done.stdout).lines() {
        let (row, ns) = line.split_once(' ').context("a row without a figure")?;
        let ns: f64 = ns.parse()?;
        let least = figures.entry((name, row.to_owned())).or_insert(ns);
        *least = least.min(ns);
    }
    Ok(())
}

fn table(programs: &[(&'static str, PathBuf)], figures: &Figures) -> String {
    let mut rows: Vec<&String> = figures.keys().map(|(_, row)| row).collect();
    rows.sort();
    rows.dedup();
    let mut out = String::from("| ns | gort | c++ |");
    let with_go = programs.iter().any(|(name, _)| *name == "go");
    out += if with_go { " go |\n|---|---|---|---|\n" } else { "\n|---|---|---|\n" };
    for row in rows {
        out += &format!("| {row} |");
        for name in ["gort", "c++", "go"].into_iter().take(if with_go { 3 } else { 2 }) {
            match figures.get(&(name, row.clone())) {
                Some(ns) => out += &format!(" {ns:.2} |"),
                None => out += " |",
            }
        }
        out += "\n";
    }
    out
}

/// The bars as text, and how many are missed.
fn bars(figures: &Figures) -> (String, usize) {
    let figure = |row: Row| figures.get(&(row.0, row.1.to_owned())).copied();
    let mut out = String::from("| bar | at most | measured | |\n|---|---|---|---|\n");
    let mut missed = 0;
    for bar in BARS {
        let of: Option<f64> = bar.of.iter().map(|row| figure(*row)).sum();
        let (Some(ns), Some(of)) = (figure(bar.row), of) else { continue };
        let names: Vec<String> = bar.of.iter().map(|row| format!("{} {}", row.0, row.1)).collect();
        let ratio = ns / of;
        let met = ratio <= bar.most;
        missed += usize::from(!met);
        let word = if met { "met" } else { "missed" };
        out += &format!(
            "| {} {} : {} | {:.2} | {ratio:.2} | {word} |\n",
            bar.row.0,
            bar.row.1,
            names.join(" + "),
            bar.most
        );
    }
    (out, missed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_compare_two_rows_and_skip_what_was_not_measured() {
        let mut figures = Figures::new();
        figures.insert(("gort", "panic_recover".into()), 50.0);
        figures.insert(("c++", "panic_recover".into()), 400.0);
        let (text, missed) = bars(&figures);
        assert_eq!(missed, 1, "{text}");
        figures.insert(("c++", "panic_recover".into()), 600.0);
        assert_eq!(bars(&figures).1, 0);
    }
}
