//! Rule 4: the memory column has no allocator, so that metadata cannot call malloc.

use super::{Finding, Workspace, floors};
use anyhow::Result;
use std::path::Path;

pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for dir in floors::memory_column() {
        let lib = Path::new("crates").join(dir).join("src/lib.rs");
        let Some(source) = workspace.sources.iter().find(|source| source.path == lib) else { continue };
        if source.find(&["no_std"]).next().is_none() {
            findings.push(Finding::new(&lib, 0, "alloc", "the memory column is no_std: add the attribute"));
        }
        for source in workspace.sources.iter().filter(|source| source.crate_dir() == Some(dir)) {
            for at in source.find(&["extern", "crate", "alloc"]) {
                let line = source.tokens[at].line;
                let advice = "records of the memory column come from gort_sys::offheap, not from alloc";
                findings.push(Finding::new(&source.path, line, "alloc", advice));
            }
        }
    }
    Ok(findings)
}
