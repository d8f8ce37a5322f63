//! Pages that repeat what stands elsewhere: excerpts of programs, and the table of environment variables.
//!
//! A code block under a comment that names a file is a part of that file, word by word; so it is compiled and run by the
//! tests. Every variable that the runtime reads stands in docs/C-API.md.

use super::{Finding, Workspace};
use anyhow::Result;
use std::path::Path;

/// Variables for the tests of error paths, not for users.
const FOR_TESTS: &str = "GORT_FAULT_";

pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for page in super::references::pages(&workspace.root)? {
        let text = std::fs::read_to_string(&page)?;
        let shown = page.strip_prefix(&workspace.root)?;
        for (line, path, code) in excerpts(&text) {
            let file = std::fs::read_to_string(workspace.root.join(path)).unwrap_or_default();
            if !file.contains(&code) {
                findings.push(Finding::new(
                    shown,
                    line,
                    "page",
                    format!("the excerpt differs from {path}: copy it"),
                ));
            }
        }
    }
    findings.extend(undocumented_variables(workspace)?);
    Ok(findings)
}

/// Line, file and code of every excerpt.
fn excerpts(text: &str) -> Vec<(usize, &str, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (i, pair) in lines.windows(2).enumerate() {
        let path = pair[0].strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->"));
        if let Some(path) = path.filter(|path| path.contains('/') && pair[1].starts_with("```")) {
            let code = lines[i + 2..].iter().take_while(|line| **line != "```");
            found.push((i + 1, path, code.map(|line| format!("{line}\n")).collect()));
        }
    }
    found
}

/// Names of variables in the runtime's code that the page does not have.
fn undocumented_variables(workspace: &Workspace) -> Result<Vec<Finding>> {
    let page = std::fs::read_to_string(workspace.root.join("docs/C-API.md")).unwrap_or_default();
    let mut findings = Vec::new();
    for source in workspace.sources.iter().filter(|source| source.crate_dir().is_some()) {
        for token in source.tokens.iter().filter(|token| !source.is_test(token.line)) {
            let Some(name) = variable(&token.text).filter(|name| !name.starts_with(FOR_TESTS)) else {
                continue;
            };
            if !page.contains(&format!("`{name}`")) {
                let advice = format!("{name} is missing in the table of docs/C-API.md");
                findings.push(Finding::new(Path::new(&source.path), token.line, "page", advice));
            }
        }
    }
    Ok(findings)
}

/// The variable that a string literal names, if it names one.
fn variable(token: &str) -> Option<&str> {
    let name = token.trim_start_matches('b').strip_prefix('"')?.strip_suffix('"')?;
    let is_name = name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    (is_name && name.starts_with("GORT_") && name.len() > 5).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_carry_their_file_and_variables_their_prefix() {
        let text = "x\n<!-- a/b.c -->\n```c\nint x;\n```\n<!-- note -->\n```c\n```\n";
        assert_eq!(excerpts(text), [(2, "a/b.c", "int x;\n".to_string())]);
        assert_eq!(variable("b\"GORT_CHECK\""), Some("GORT_CHECK"));
        assert_eq!(variable("\"GORT_ is a prefix\""), None);
    }
}
