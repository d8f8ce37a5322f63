//! References: links between pages lead somewhere, and so does every mention of a decision.

use super::source::Source;
use super::{Finding, Workspace};
use anyhow::Result;
use std::path::{Path, PathBuf};

pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let decisions = decision_numbers(&workspace.root)?;
    for source in &workspace.sources {
        findings.extend(check_decisions(&source.path, lines_of(source), &decisions));
    }
    for path in pages(&workspace.root)? {
        let text = std::fs::read_to_string(&path)?;
        let shown = path.strip_prefix(&workspace.root)?;
        findings.extend(check_decisions(shown, text.lines(), &decisions));
        for (i, line) in text.lines().enumerate() {
            for target in links(line).filter(|target| is_broken(&path, target)) {
                findings.push(Finding::new(shown, i + 1, "reference", format!("{target} does not exist")));
            }
        }
    }
    Ok(findings)
}

/// The lines of a source, those of tests left blank.
fn lines_of(source: &Source) -> impl Iterator<Item = &str> {
    source.lines.iter().enumerate().map(|(i, line)| if source.is_test(i + 1) { "" } else { line.as_str() })
}

/// The Markdown pages of the house.
pub(super) fn pages(root: &Path) -> Result<Vec<PathBuf>> {
    let mut pages = vec![root.join("README.md")];
    for dir in ["docs", "crates", "c-examples", "loom-tests", "fuzz", "benches"] {
        if root.join(dir).exists() {
            pages.extend(crate::files_below(&root.join(dir), "md")?);
        }
    }
    pages.retain(|page| page.exists());
    Ok(pages)
}

/// The numbers of docs/decisions.
fn decision_numbers(root: &Path) -> Result<Vec<String>> {
    let dir = root.join("docs/decisions");
    if !dir.exists() {
        return Ok(Vec::new());
    }
    let name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().chars().take(4).collect());
    Ok(crate::files_below(&dir, "md")?.iter().filter_map(name).collect())
}

fn check_decisions<'a>(path: &Path, lines: impl Iterator<Item = &'a str>, known: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (i, line) in lines.enumerate() {
        for rest in line.split("docs/decisions/").skip(1) {
            let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
            if !number.is_empty() && !known.contains(&number) {
                let advice = format!("docs/decisions has no number {number}");
                findings.push(Finding::new(path, i + 1, "reference", advice));
            }
        }
    }
    findings
}

/// The targets of a line's links, those to other sites left out.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| !target.contains("://"))
}

fn is_broken(page: &Path, target: &str) -> bool {
    let file = target.split('#').next().unwrap_or_default();
    let dir = page.parent().unwrap_or(Path::new(""));
    !file.is_empty() && !dir.join(file).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_other_sites_and_within_a_page_are_left_alone() {
        let line = "see [a](a.md), [b](https://b.example/x.md) and [c](#c)";
        assert_eq!(links(line).collect::<Vec<_>>(), ["a.md", "#c"]);
        assert!(is_broken(Path::new("docs/no.md"), "a.md") && !is_broken(Path::new("docs/no.md"), "#c"));
    }

    #[test]
    fn a_mention_of_a_decision_needs_the_decision() {
        let known = ["0001".to_string()];
        let lines = ["docs/decisions/0001 holds", "docs/decisions/ is a folder", "see docs/decisions/0099."];
        let findings = check_decisions(Path::new("x.rs"), lines.into_iter(), &known);
        assert_eq!(findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [3]);
    }
}
