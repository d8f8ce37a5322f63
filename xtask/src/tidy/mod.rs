//! `cargo xtask tidy`: the rules of docs/HACKING.md that a tool can check, one a file.
//!
//! A rule reads the workspace and reports findings; each says where, which rule, and what to do. Warnings do not fail.

mod alloc;
mod atomics;
mod floors;
mod generated;
mod heads;
mod length;
mod orderings;
mod packages;
mod pages;
mod places;
mod references;
mod safety;
mod source;

use anyhow::{Result, bail};
use cargo_metadata::{Metadata, MetadataCommand};
use source::Source;
use std::fmt;
use std::path::{Path, PathBuf};

/// What the rules look at.
struct Workspace {
    root: PathBuf,
    metadata: Metadata,
    sources: Vec<Source>,
}

/// Something that breaks a rule.
struct Finding {
    file: PathBuf,
    /// Nought: the file as a whole.
    line: usize,
    rule: &'static str,
    advice: String,
    fails: bool,
}

impl Finding {
    /// A finding that fails the check.
    fn new(file: &Path, line: usize, rule: &'static str, advice: impl Into<String>) -> Self {
        Self { file: file.to_path_buf(), line, rule, advice: advice.into(), fails: true }
    }

    /// A finding that is only shown.
    fn warning(file: &Path, line: usize, rule: &'static str, advice: impl Into<String>) -> Self {
        Self { fails: false, ..Self::new(file, line, rule, advice) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.fails { "" } else { "warning: " };
        write!(f, "{}:{}: {kind}{}: {}", self.file.display(), self.line.max(1), self.rule, self.advice)
    }
}

type Rule = fn(&Workspace) -> Result<Vec<Finding>>;

const RULES: &[Rule] = &[
    floors::check,
    places::check,
    atomics::check,
    alloc::check,
    heads::check,
    safety::check,
    orderings::check,
    length::check,
    packages::check,
    references::check,
    pages::check,
    generated::check,
];

/// Runs every rule and prints what was found.
pub(crate) fn run() -> Result<()> {
    let workspace = Workspace::load(crate::root())?;
    let mut failures = 0;
    for rule in RULES {
        for finding in rule(&workspace)? {
            println!("{finding}");
            failures += finding.fails as usize;
        }
    }
    match failures {
        0 => println!("tidy: {} files keep the rules", workspace.sources.len()),
        1 => bail!("tidy: one finding"),
        n => bail!("tidy: {n} findings"),
    }
    Ok(())
}

impl Workspace {
    fn load(root: PathBuf) -> Result<Self> {
        let metadata = MetadataCommand::new().current_dir(&root).no_deps().exec()?;
        let mut sources = Vec::new();
        for dir in ["crates", "xtask", "loom-tests", "fuzz", "benches"] {
            if root.join(dir).exists() {
                for path in crate::files_below(&root.join(dir), "rs")? {
                    sources.push(Source::read(&root, &path)?);
                }
            }
        }
        Ok(Self { root, metadata, sources })
    }
}
