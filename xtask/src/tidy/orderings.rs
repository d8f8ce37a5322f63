//! Rule 7: every memory ordering has its reason, and every reason its partner and its model.
//!
//! A head with atomics has a table of orderings, one row a tag, and names the model that checks them. Here: each row's tag
//! stands at an operation, each tag at an operation has a row, each partner is a row, the model's file exists, and no
//! ordering stands without a word about it.

use super::source::Source;
use super::{Finding, Workspace};
use anyhow::Result;
use std::collections::BTreeSet;

/// How far above an operation the comment on its order may stand.
const REACH: usize = 8;

/// A row of a table of orderings.
struct Row {
    line: usize,
    tag: String,
    partners: Vec<String>,
}

pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for source in workspace.sources.iter().filter(|source| source.crate_dir().is_some()) {
        let rows = rows(source);
        findings.extend(check_tags(source, &rows));
        findings.extend(check_operations(source));
        findings.extend(check_models(workspace, source, !rows.is_empty()));
    }
    Ok(findings)
}

fn finding(source: &Source, line: usize, advice: String) -> Finding {
    Finding::new(&source.path, line, "ordering", advice)
}

/// The rows `| S1 | operation | order | S2 | what must be visible |` of the head.
fn rows(source: &Source) -> Vec<Row> {
    let row = |(line, text): (usize, &str)| {
        let cells: Vec<&str> = text.strip_prefix('|')?.split('|').map(str::trim).collect();
        let tag = cells.first().filter(|cell| is_tag(cell))?.to_string();
        let partners = words(cells.get(3)?).filter(|word| is_tag(word)).map(String::from).collect();
        Some(Row { line, tag, partners })
    };
    source.head().filter_map(row).collect()
}

/// One or two capitals and a number.
fn is_tag(word: &str) -> bool {
    let digits = word.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let letters = word.len() - digits.len();
    (1..=2).contains(&letters) && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric())
}

/// The tags that stand at operations, with their lines.
fn used_tags(source: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (i, line) in source.lines.iter().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//!"))
    {
        for rest in line.split("ORD[").skip(1) {
            found.extend(rest.split_once(']').map(|(tag, _)| (i + 1, tag.to_string())));
        }
    }
    found
}

fn check_tags(source: &Source, rows: &[Row]) -> Vec<Finding> {
    let used = used_tags(source);
    let known: BTreeSet<&str> = rows.iter().map(|row| row.tag.as_str()).collect();
    let mut findings = Vec::new();
    for (line, tag) in used.iter().filter(|(_, tag)| !known.contains(tag.as_str())) {
        findings.push(finding(source, *line, format!("give {tag} a row in the head's table of orderings")));
    }
    for row in rows {
        if !used.iter().any(|(_, tag)| *tag == row.tag) {
            findings.push(finding(source, row.line, format!("no operation carries ORD[{}]", row.tag)));
        }
        if row.partners.is_empty() {
            findings.push(finding(source, row.line, format!("say which tag {} pairs with", row.tag)));
        }
        for partner in row.partners.iter().filter(|partner| !known.contains(partner.as_str())) {
            findings.push(finding(source, row.line, format!("{partner} has no row")));
        }
    }
    findings
}

/// Every order named in code has a comment: `ORD[tag]` for those that order, the word itself for `Relaxed`.
fn check_operations(source: &Source) -> Vec<Finding> {
    let covered_below = source.lines.iter().position(|line| line.contains("// Relaxed, all below"));
    let mut findings = Vec::new();
    for at in 0..source.tokens.len() {
        let (text, line) = (source.tokens[at].text.as_str(), source.tokens[at].line);
        if source.is_test(line) || !is_use_of_order(source, at) {
            continue;
        }
        let mark = match text {
            "Relaxed" if covered_below.is_some_and(|below| below < line) => continue,
            "Relaxed" => "Relaxed",
            _ => "ORD[",
        };
        let above = line.saturating_sub(REACH).max(1)..=line;
        let is_said =
            |at: usize| source.line(at).split_once("//").is_some_and(|(_, words)| words.contains(mark));
        if !above.into_iter().any(is_said) {
            findings.push(finding(source, line, format!("say why {text}: `// {}`", example(mark))));
        }
    }
    findings
}

fn example(mark: &str) -> &'static str {
    if mark == "Relaxed" { "Relaxed: reason." } else { "ORD[tag] order: reason." }
}

/// Whether a token is an order given to an atomic operation: an argument, not an import, a type of the same name, or a
/// fence for the compiler alone.
fn is_use_of_order(source: &Source, at: usize) -> bool {
    let text = |at: usize| source.tokens.get(at).map_or("", |token| token.text.as_str());
    if !["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"].contains(&text(at)) {
        return false;
    }
    let before = if at >= 3 && text(at - 3) == "Ordering" { at - 4 } else { at - 1 };
    matches!(text(before), "," | "(")
        && matches!(text(at + 1), "," | ")")
        && text(before.saturating_sub(1)) != "compiler_fence"
        && !is_in_import(source, at)
}

/// Whether the statement that holds a token began with `use`.
fn is_in_import(source: &Source, at: usize) -> bool {
    let start = source.tokens[..at].iter().rposition(|token| token.text == ";").unwrap_or(0);
    source.tokens[start..at].iter().take(4).any(|token| token.text == "use")
}

/// A path to a model exists; a table of orderings names one.
fn check_models(workspace: &Workspace, source: &Source, has_table: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut named = false;
    for (i, line) in source.lines.iter().enumerate() {
        for path in model_paths(line) {
            named = true;
            let crate_dir = source.crate_dir().map(|dir| workspace.root.join("crates").join(dir));
            let exists =
                workspace.root.join(path).exists() || crate_dir.is_some_and(|dir| dir.join(path).exists());
            if !exists {
                findings.push(finding(source, i + 1, format!("the model {path} does not exist: write it")));
            }
        }
    }
    if has_table && !named {
        findings.push(finding(
            source,
            1,
            "name the model below the table: `Model: tests/loom_x.rs`".to_string(),
        ));
    }
    findings
}

/// The files that a comment names behind `Model:` or `Models:`.
fn model_paths(line: &str) -> impl Iterator<Item = &str> {
    let comment = line.split_once("//").map_or("", |(_, comment)| comment);
    let named = comment.split_once("Model: ").or_else(|| comment.split_once("Models: "));
    let rest = named.map_or("", |(_, rest)| rest);
    rest.split(['`', ' ', ',']).map(|word| word.trim_end_matches('.')).filter(|word| word.ends_with(".rs"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    const HEAD: &str =
        "//! X.\n//! | S1 | `push` | Release | S2 | x |\n//! | S2 | `pop` | Acquire | S1 | x |\n";

    fn findings(body: &str) -> Vec<String> {
        let source = Source::parse(PathBuf::from("crates/x/src/x.rs"), &format!("{HEAD}{body}")).unwrap();
        let mut all = check_tags(&source, &rows(&source));
        all.extend(check_operations(&source));
        all.into_iter().map(|finding| finding.advice).collect()
    }

    #[test]
    fn tags_operations_and_rows_belong_together() {
        let push = "fn f() {\n // ORD[S1] Release: x.\n a.store(1, Ordering::Release);\n";
        let pop = " // ORD[S2] Acquire: x.\n a.load(Acquire);\n";
        for (body, expected) in [
            (format!("{push}{pop}}}"), None),
            (format!("{push}}}"), Some("no operation carries ORD[S2]")),
            (format!("{push}{pop} // ORD[S3] x\n}}"), Some("give S3 a row in the head's table of orderings")),
            (
                format!("{push}{pop}}}\n\n\n\n\n\n\n\n\nfn g() {{ a.load(Ordering::Relaxed); }}"),
                Some("say why Relaxed: `// Relaxed: reason.`"),
            ),
        ] {
            assert_eq!(findings(&body).first().map(String::as_str), expected, "{body}");
        }
    }

    #[test]
    fn a_type_of_the_same_name_is_no_order() {
        let body =
            "use a::{Release, Acquire};\nfn f(r: Release) { Release::new(); }\n// ORD[S1]\n// ORD[S2]\n";
        assert_eq!(findings(body), Vec::<String>::new());
    }
}
