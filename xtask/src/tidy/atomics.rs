//! Rule 3: `core::sync::atomic` and `std::sync` stand in `crates/sync` alone, so that loom sees every atomic.
//!
//! The same holds for cells that several threads reach, but for sys, whose statics no model builds.
//!
//! Tests, and programs that run on the host (the command, xtask), may use std.

use super::{Finding, Workspace};
use anyhow::Result;

const WORDS: &[&[&str]] =
    &[&["core", ":", ":", "sync"], &["std", ":", ":", "sync"], &["alloc", ":", ":", "sync"]];
const CELL: &[&str] = &["core", ":", ":", "cell", ":", ":", "UnsafeCell"];

pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for source in &workspace.sources {
        if matches!(source.crate_dir(), None | Some("sync" | "cli")) {
            continue;
        }
        let cells = (source.crate_dir() != Some("sys")).then_some(CELL);
        for words in WORDS.iter().copied().chain(cells) {
            for at in source.find(words) {
                let line = source.tokens[at].line;
                if !source.is_test(line) {
                    let advice = format!("take it from gort_sync, not from {}", words.concat());
                    findings.push(Finding::new(&source.path, line, "atomic", advice));
                }
            }
        }
    }
    Ok(findings)
}
