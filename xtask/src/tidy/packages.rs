//! Crates as packages: metadata, README and CHANGELOG, the workspace's lints and licences.

use super::{Finding, Workspace};
use anyhow::Result;
use cargo_metadata::Package;
use std::path::Path;

pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in ["README.md", "LICENSE-MIT", "LICENSE-APACHE"] {
        if !workspace.root.join(file).exists() {
            findings.push(Finding::new(Path::new(file), 0, "package", "the workspace needs this file"));
        }
    }
    for package in &workspace.metadata.packages {
        let manifest = package.manifest_path.as_std_path().strip_prefix(&workspace.root)?;
        let text = std::fs::read_to_string(&package.manifest_path)?;
        let mut missing = Vec::new();
        if !text.contains("[lints]\nworkspace = true") {
            missing.push("`[lints] workspace = true`".to_string());
        }
        if package.publish.as_ref().is_none_or(|registries| !registries.is_empty()) {
            missing.extend(missing_of_published(package));
        }
        findings
            .extend(missing.iter().map(|what| Finding::new(manifest, 0, "package", format!("add {what}"))));
    }
    Ok(findings)
}

/// What crates.io shows, and what a user looks for first.
fn missing_of_published(package: &Package) -> Vec<String> {
    let dir = package.manifest_path.parent().map(|dir| dir.as_std_path()).unwrap_or(Path::new(""));
    let read = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap_or_default();
    let mut missing = Vec::new();
    for (there, what) in [
        (package.description.is_some(), "a description"),
        (package.license.is_some(), "`license.workspace = true`"),
        (package.rust_version.is_some(), "`rust-version.workspace = true`"),
        (package.readme.is_some(), "`readme = \"README.md\"`"),
        ((1..=5).contains(&package.keywords.len()), "one to five keywords"),
        (!package.categories.is_empty(), "categories"),
        (read("README.md").lines().count() > 5, "a README.md that says what the crate is, with an example"),
        (
            read("CHANGELOG.md").contains(&format!("## {}", package.version)),
            "a CHANGELOG.md with this version",
        ),
    ] {
        if !there {
            missing.push(what.to_string());
        }
    }
    missing
}
