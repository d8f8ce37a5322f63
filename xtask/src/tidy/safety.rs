//! Rule 6: every unsafe block and unsafe implementation has a `// SAFETY:` above it.

use super::source::Source;
use super::{Finding, Workspace};
use anyhow::Result;

/// How far above a block its reason may stand: a long statement, or a reason of several lines.
const REACH: usize = 12;

pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for source in &workspace.sources {
        for words in [["unsafe", "{"], ["unsafe", "impl"]] {
            for at in source.find(&words) {
                let line = source.tokens[at].line;
                if !has_reason(source, line) {
                    let advice = "write `// SAFETY:` and the fact that makes it sound";
                    findings.push(Finding::new(&source.path, line, "safety", advice));
                }
            }
        }
    }
    Ok(findings)
}

/// Looks upward from the block's line, to the next empty line at most.
fn has_reason(source: &Source, line: usize) -> bool {
    (line.saturating_sub(REACH).max(1)..=line)
        .rev()
        .map(|at| source.line(at))
        .take_while(|text| !text.trim().is_empty())
        .any(|text| text.contains("SAFETY:"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn a_reason_stands_above_its_block_without_a_gap() {
        for (text, expected) in [
            ("fn f() {\n // SAFETY: so.\n unsafe { g() }\n}", true),
            ("fn f() {\n // SAFETY: so.\n\n unsafe { g() }\n}", false),
            ("fn f() { unsafe { g() } }", false),
        ] {
            let source = Source::parse(PathBuf::from("x.rs"), text).unwrap();
            let line = source.tokens[source.find(&["unsafe"]).next().unwrap()].line;
            assert_eq!(has_reason(&source, line), expected, "{text}");
        }
    }
}
