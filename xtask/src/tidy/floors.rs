//! Rule 1: a crate depends only on crates of lower floors, and the columns meet in the facade alone.

use super::{Finding, Workspace};
use anyhow::Result;
use std::path::Path;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Column {
    /// For both columns.
    Base,
    Memory,
    Execution,
    /// Sees both.
    Top,
}
use Column::{Base, Execution, Memory, Top};

/// Every crate of the house. docs/ARCHITECTURE.md draws the same table.
const FLOORS: &[(&str, u8, Column)] = &[
    ("gort-sync", 0, Base),
    ("gort-sys", 1, Base),
    ("gort-mspan", 2, Memory),
    ("gort-defer", 2, Execution),
    ("gort-types", 2, Base),
    ("gort-mheap", 3, Memory),
    ("gort-gmp", 3, Execution),
    ("gort-mcentral", 4, Memory),
    ("gort-chan", 4, Execution),
    ("gort-mcache", 5, Memory),
    ("gort-malloc", 6, Memory),
    ("gort-gc", 6, Memory),
    ("gort", 7, Top),
    ("gort-cli", 8, Top),
];

/// The directories whose metadata must not call malloc.
pub(super) fn memory_column() -> impl Iterator<Item = &'static str> {
    let below = ["gort-sync", "gort-sys"];
    FLOORS
        .iter()
        .filter(move |(name, _, column)| *column == Memory || below.contains(name))
        .map(|(name, ..)| name.trim_start_matches("gort-"))
}

fn floor_of(name: &str) -> Option<(u8, Column)> {
    FLOORS.iter().find(|(known, ..)| *known == name).map(|(_, floor, column)| (*floor, *column))
}

/// Whether an arrow may go from one crate to another.
fn is_allowed(from: (u8, Column), to: (u8, Column)) -> bool {
    to.0 < from.0 && (to.1 == Base || from.1 == Top || to.1 == from.1)
}

pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let page = std::fs::read_to_string(workspace.root.join("docs/ARCHITECTURE.md")).unwrap_or_default();
    for package in &workspace.metadata.packages {
        let manifest = package.manifest_path.as_std_path().strip_prefix(&workspace.root)?;
        if !manifest.starts_with("crates") {
            continue;
        }
        let Some(from) = floor_of(&package.name) else {
            findings.push(Finding::new(
                manifest,
                0,
                "floor",
                "give the crate a floor in xtask/src/tidy/floors.rs",
            ));
            continue;
        };
        if !page.contains(&format!("`{}`", package.name)) {
            let advice = format!("{} is missing in the table of docs/ARCHITECTURE.md", package.name);
            findings.push(Finding::new(manifest, 0, "floor", advice));
        }
        for dependency in &package.dependencies {
            if let Some(to) = floor_of(&dependency.name).filter(|to| !is_allowed(from, *to)) {
                findings.push(upward(manifest, from, &dependency.name, to));
            }
        }
    }
    Ok(findings)
}

fn upward(manifest: &Path, from: (u8, Column), name: &str, to: (u8, Column)) -> Finding {
    let advice = format!(
        "floor {} ({:?}) may not depend on {name}, floor {} ({:?}); declare a trait here and let the facade implement it",
        from.0, from.1, to.0, to.1
    );
    Finding::new(manifest, 0, "floor", advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_go_down_and_stay_in_their_column() {
        for (from, to, allowed) in [
            ("gort-mheap", "gort-mspan", true),
            ("gort-mspan", "gort-mheap", false),
            ("gort-mspan", "gort-defer", false),
            ("gort-gmp", "gort-defer", true),
            ("gort-malloc", "gort-gmp", false),
            ("gort-gc", "gort-types", true),
            ("gort", "gort-gmp", true),
            ("gort-cli", "gort", true),
        ] {
            assert_eq!(is_allowed(floor_of(from).unwrap(), floor_of(to).unwrap()), allowed, "{from} -> {to}");
        }
    }
}
