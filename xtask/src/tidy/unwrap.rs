//! Errors: the runtime does not unwrap. Out of memory is a value, a broken invariant is `throw`, a caller's mistake `fatal`.
//!
//! Tests, models and the command may unwrap.

use super::{Finding, Workspace};
use anyhow::Result;

pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for source in &workspace.sources {
        if matches!(source.crate_dir(), None | Some("cli")) {
            continue;
        }
        for words in [[".", "unwrap", "("], [".", "expect", "("]] {
            for at in source.find(&words) {
                let line = source.tokens[at].line;
                if !source.is_test(line) {
                    let advice = "answer the error as a value, or say what broke by `gort_sys::io::throw`";
                    findings.push(Finding::new(&source.path, line, "unwrap", advice));
                }
            }
        }
    }
    Ok(findings)
}
