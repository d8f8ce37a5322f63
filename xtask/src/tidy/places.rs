//! Rule 2: assembly and libc stand in `crates/sys` alone.

use super::{Finding, Workspace};
use anyhow::Result;

/// What to look for.
const WORDS: &[&[&str]] =
    &[&["asm", "!"], &["global_asm", "!"], &["naked_asm", "!"], &["libc", ":", ":"], &["use", "libc"]];

pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for source in &workspace.sources {
        // The command is a program of its own, not part of the runtime; its OS calls are std's or libc's.
        if matches!(source.crate_dir(), None | Some("sys" | "cli")) {
            continue;
        }
        for words in WORDS {
            for at in source.find(words) {
                let line = source.tokens[at].line;
                if !source.is_test(line) {
                    let advice = "assembly and libc belong in crates/sys; add a function there";
                    findings.push(Finding::new(&source.path, line, "place", advice));
                }
            }
        }
    }
    Ok(findings)
}
