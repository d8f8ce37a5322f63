//! Rule 8: generated files are fresh.

use super::{Finding, Workspace};
use anyhow::Result;
use std::path::Path;

pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>> {
    let path = Path::new("include/gort.h");
    let committed = std::fs::read_to_string(workspace.root.join(path)).unwrap_or_default();
    if crate::header::generate(&workspace.root)? == committed {
        return Ok(Vec::new());
    }
    Ok(vec![Finding::new(path, 0, "generated", "stale: run `cargo xtask header` and commit the result")])
}
