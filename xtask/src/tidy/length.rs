//! File length: one concept a file, 100 to 400 lines. Over 400 is shown; over 500 fails, in crates.

use super::{Finding, Workspace};
use anyhow::Result;

const SHOWN: usize = 400;
const FAILS: usize = 500;

pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for source in &workspace.sources {
        let lines = source.lines.len();
        let advice = format!("{lines} lines: find the second concept in it and give that a file");
        if lines > FAILS && source.crate_dir().is_some() {
            findings.push(Finding::new(&source.path, 0, "length", advice));
        } else if lines > SHOWN {
            findings.push(Finding::warning(&source.path, 0, "length", advice));
        }
    }
    Ok(findings)
}
