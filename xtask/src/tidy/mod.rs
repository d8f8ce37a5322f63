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
mod unwrap;

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
pub(crate) struct Finding {
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

    /// Whether it is more than a warning.
    pub(crate) fn fails(&self) -> bool {
        self.fails
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
    unwrap::check,
    length::check,
    packages::check,
    references::check,
    pages::check,
    generated::check,
];

/// What breaks a rule.
pub(crate) fn findings() -> Result<Vec<Finding>> {
    let workspace = Workspace::load(crate::root())?;
    let mut findings = Vec::new();
    for rule in RULES {
        findings.extend(rule(&workspace)?);
    }
    Ok(findings)
}

/// Prints what breaks a rule.
pub(crate) fn run() -> Result<()> {
    let findings = findings()?;
    findings.iter().for_each(|finding| println!("{finding}"));
    match findings.iter().filter(|finding| finding.fails).count() {
        0 => Ok(()),
        1 => bail!("one finding"),
        n => bail!("{n} findings"),
    }
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
