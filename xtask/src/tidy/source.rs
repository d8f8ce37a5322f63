//! A source file, as the rules see it: lines, tokens, and which of them are tests.

use anyhow::{Context, Result};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// A Rust file.
pub(super) struct Source {
    /// From the workspace's top.
    pub(super) path: PathBuf,
    pub(super) lines: Vec<String>,
    /// Without comments; brackets are tokens of their own.
    pub(super) tokens: Vec<Token>,
    /// Lines of items under `cfg(test)` or `cfg(loom)`.
    tests: Vec<RangeInclusive<usize>>,
}

/// A token and its line, from 1.
pub(super) struct Token {
    pub(super) text: String,
    pub(super) line: usize,
}

impl Source {
    pub(super) fn read(root: &Path, path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)?;
        let path = path.strip_prefix(root)?.to_path_buf();
        Self::parse(path.clone(), &text).with_context(|| path.display().to_string())
    }

    pub(super) fn parse(path: PathBuf, text: &str) -> Result<Self> {
        let stream: TokenStream = text.parse().map_err(|e| anyhow::anyhow!("no Rust: {e}"))?;
        let mut tokens = Vec::new();
        flatten(stream, &mut tokens);
        let tests = test_items(&tokens);
        Ok(Self { path, lines: text.lines().map(String::from).collect(), tokens, tests })
    }

    /// The directory below `crates`, for a file of a crate.
    pub(super) fn crate_dir(&self) -> Option<&str> {
        let mut parts = self.path.iter().map(|part| part.to_str().unwrap_or_default());
        (parts.next()? == "crates").then(|| parts.next())?
    }

    /// Whether a line belongs to tests, models, examples or benches.
    pub(super) fn is_test(&self, line: usize) -> bool {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        self.path.iter().any(|part| ["tests", "examples", "benches"].iter().any(|dir| part == *dir))
            || name.ends_with("_test.rs")
            || name == "tests.rs"
            || self.tests.iter().any(|range| range.contains(&line))
    }

    /// The positions at which these tokens follow each other.
    pub(super) fn find<'a>(&'a self, wanted: &'a [&'a str]) -> impl Iterator<Item = usize> + 'a {
        let found = move |at: &usize| self.tokens[*at..].iter().zip(wanted).all(|(t, w)| t.text == *w);
        (0..(self.tokens.len() + 1).saturating_sub(wanted.len())).filter(found)
    }

    /// Line `line`, from 1.
    pub(super) fn line(&self, line: usize) -> &str {
        self.lines.get(line - 1).map_or("", String::as_str)
    }

    /// The `//!` lines that open the file, without their marks.
    pub(super) fn head(&self) -> impl Iterator<Item = (usize, &str)> {
        let open = self.lines.iter().take_while(|line| line.starts_with("//!"));
        open.enumerate().map(|(i, line)| (i + 1, line.trim_start_matches("//!").trim_start()))
    }
}

fn flatten(stream: TokenStream, out: &mut Vec<Token>) {
    for tree in stream {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::None => ("", ""),
                };
                out.push(Token { text: open.to_string(), line });
                flatten(group.stream(), out);
                out.push(Token { text: close.to_string(), line: group.span_close().end().line });
            }
            other => out.push(Token { text: other.to_string(), line }),
        }
    }
}

/// The lines of every item under an attribute `cfg(..., test, ...)` or `cfg(..., loom, ...)`.
fn test_items(tokens: &[Token]) -> Vec<RangeInclusive<usize>> {
    let text = |at: usize| tokens.get(at).map_or("", |t| t.text.as_str());
    let mut found = Vec::new();
    for start in 0..tokens.len() {
        if text(start) != "#" || text(start + 1) != "[" || text(start + 2) != "cfg" {
            continue;
        }
        let end = closing(tokens, start + 1);
        let is_wanted =
            |at: usize| matches!(text(at), "test" | "loom") && text(at.saturating_sub(2)) != "not";
        if (start..end).any(is_wanted) {
            found.push(tokens[start].line..=tokens[item_end(tokens, end + 1)].line);
        }
    }
    found
}

/// The last token of the item that starts at `at`, its other attributes included.
fn item_end(tokens: &[Token], mut at: usize) -> usize {
    while at + 1 < tokens.len() {
        match tokens[at].text.as_str() {
            "{" => return closing(tokens, at),
            "(" | "[" => at = closing(tokens, at),
            ";" | "," | "}" => return at,
            _ => {}
        }
        at += 1;
    }
    at
}

/// The position of the bracket that closes the one at `open`.
fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_no_comments_and_tests_are_known() {
        let text = "//! Head.\n// unsafe in words\nfn f() { \"asm!\"; }\n#[cfg(all(test, not(loom)))]\nmod t {\n fn g() {}\n}\n#[cfg(loom)]\nuse x::y;\nfn h() {}\n";
        let source = Source::parse(PathBuf::from("crates/x/src/lib.rs"), text).unwrap();
        assert_eq!(source.find(&["unsafe"]).count(), 0);
        assert_eq!(source.find(&["fn", "f", "(", ")"]).count(), 1);
        let tests: Vec<usize> = (1..=10).filter(|line| source.is_test(*line)).collect();
        assert_eq!(tests, [4, 5, 6, 7, 8, 9]);
        assert_eq!(source.crate_dir(), Some("x"));
        assert_eq!(source.head().collect::<Vec<_>>(), [(1, "Head.")]);
    }
}
