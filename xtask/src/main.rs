//! The tasks of the workspace: `cargo xtask help` lists them. Each is a module with a `run` function.

// A tool of the build reads its environment and allocates as it likes.
#![allow(clippy::disallowed_methods)]

mod bench;
mod cache;
mod demo;
mod header;
mod install;
mod library;
mod loom;
mod progress;
mod publish;
mod run;
mod test;
mod tidy;
mod twins;
mod workspace;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "The tasks of the gort workspace")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Runs everything that must hold, or the steps that a filter names.
    Test(test::Args),
    /// Runs real programs on gort's malloc, and shows a heap report.
    Demo,
    /// Runs the loom models, of all crates or of one.
    Loom(loom::Args),
    /// Measures beside the peers.
    Bench(bench::Args),
    /// Writes include/gort.h anew.
    Header {
        /// Changes nothing; fails when the file is stale or does not compile.
        #[arg(long)]
        check: bool,
    },
    /// Checks the rules of docs/HACKING.md.
    Tidy,
    /// Installs the library, the header and the command.
    Install(install::Args),
    /// Runs the Go twins of the C examples, and compares or records what they print.
    Twins(twins::Args),
    /// Checks that every crate can be packed for a registry.
    PublishCheck,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().task {
        Task::Test(args) => test::run(&args),
        Task::Loom(args) => loom::run(&args),
        Task::Bench(args) => done(bench::run(&args)),
        Task::Header { check } => done(header::run(check)),
        Task::Demo => demo::run(),
        Task::Install(args) => done(install::run(&args)),
        Task::PublishCheck => publish::run(),
        Task::Tidy => done(tidy::run()),
        Task::Twins(args) => done(twins::run(&args)),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A task that tells of failure by an error alone.
fn done(result: Result<()>) -> Result<bool> {
    result.map(|()| true)
}

/// The workspace's top directory.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// All files below a directory with an extension, in the order of their names.
fn files_below(dir: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).with_context(|| dir.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files_below(&path, extension)?);
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
