//! Rule 5: every file opens with a `//!` head, and what it names in backticks exists.
//!
//! In backticks stand names of this house, code made of them, paths, commands, and a few names of others, which are listed
//! in `FOREIGN`. A name exists when some source of the workspace has it as a word outside of comments.

use super::source::Source;
use super::{Finding, Workspace};
use anyhow::Result;
use std::collections::BTreeSet;

/// Names of Go's runtime, of C and its libraries, of the kernel and of machines, which heads speak of.
const FOREIGN: &[&str] = &[
    "allocCache",
    "allocLarge",
    "allocSpan",
    "heapArena",
    "mSpanList",
    "mallocgcTiny",
    "mspan",
    "mcache",
    "mcentral",
    "mheap",
    "sweepgen",
    "pallocSum",
    "persistentalloc",
    "prepareForSweep",
    "scavengeIndex",
    "spanClass",
    "sysAlloc",
    "writeHeapProto",
    "TestPallocDataFindScavengeCandidate",
    "pprof",
    "runtime", // Go
    "backtrace",
    "environ",
    "max_align_t",
    "bad_alloc",
    "mremap",
    "vm",
    "overcommit_memory",
    "max_map_count",
    "RLIMIT_DATA",
    "__tls_get_addr",
    "LOOM_MAX_PREEMPTIONS",
    "log2",
    "setjmp",
    "longjmp",
    "qsort",
    "libgcc",
    "jmp_buf", // C and the kernel
    "rax",
    "rbx",
    "rcx",
    "rdx",
    "rdi",
    "rsi",
    "rsp",
    "rbp",
    "rip", // x86-64
];

/// Shorter words are variables of the text.
const SHORTEST: usize = 4;

pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>> {
    let known = known_words(workspace);
    let mut findings = Vec::new();
    for source in &workspace.sources {
        if source.head().next().is_none() {
            findings.push(Finding::new(
                &source.path,
                1,
                "head",
                "open the file with `//!`: what it is, in one sentence",
            ));
        }
        // Models have a rule of their own.
        let mut of_go = false;
        for (line, text) in source.head().filter(|(_, text)| !text.contains("Model")) {
            // A line that speaks of Go, and the next one, may name what Go has.
            let was_of_go = std::mem::replace(&mut of_go, text.contains("Go's") || text.contains(".go`"));
            if of_go || was_of_go {
                continue;
            }
            for quoted in text.split('`').skip(1).step_by(2) {
                if let Some(name) = first_unknown(workspace, source, quoted, &known) {
                    let advice = format!("`{name}` does not exist; correct the head");
                    findings.push(Finding::new(&source.path, line, "head", advice));
                }
            }
        }
    }
    Ok(findings)
}

/// Every word of code, of string literals, of the header's hand-written parts, and of the packages' names.
fn known_words(workspace: &Workspace) -> BTreeSet<String> {
    let mut known: BTreeSet<String> = FOREIGN.iter().map(|name| name.to_string()).collect();
    for source in &workspace.sources {
        for token in source.tokens.iter().filter(|token| !is_doc(&token.text)) {
            known.extend(words(&token.text).map(String::from));
        }
        known.extend(source.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
    for header in crate::files_below(&workspace.root.join("crates/gort/header"), "h").unwrap_or_default() {
        let text = std::fs::read_to_string(header).unwrap_or_default();
        known.extend(words(&text).map(String::from));
    }
    for package in &workspace.metadata.packages {
        known.extend(words(&package.name).map(String::from));
        known.extend(package.features.keys().cloned());
    }
    known
}

/// Doc comments are string tokens of several words that open with a blank.
fn is_doc(token: &str) -> bool {
    token.starts_with("\" ") || token.starts_with("r\" ") || token.starts_with("r#\" ")
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

fn first_unknown(ws: &Workspace, source: &Source, quoted: &str, known: &BTreeSet<String>) -> Option<String> {
    let is_command = ["cargo ", "gort ", "--", "#", "//", "/proc/", "runtime/"]
        .iter()
        .any(|start| quoted.starts_with(start));
    // Go's files and packages; patterns with a word in capitals for the variable part.
    let is_pattern = quoted.ends_with(".go") || quoted.contains('*') || quoted.contains("NAME");
    if is_command || is_pattern {
        return None;
    }
    if quoted.contains('/') || [".rs", ".md", ".h", ".toml"].iter().any(|end| quoted.ends_with(end)) {
        return (!exists(ws, source, quoted)).then(|| quoted.to_string());
    }
    words(quoted)
        .find(|word| word.len() >= SHORTEST && !word.as_bytes()[0].is_ascii_digit() && !known.contains(*word))
        .map(String::from)
}

/// Whether a path leads somewhere: from the top, from the file's crate, or from the file.
fn exists(workspace: &Workspace, source: &Source, path: &str) -> bool {
    let file = workspace.root.join(&source.path);
    let in_crate = source.crate_dir().map(|dir| workspace.root.join("crates").join(dir));
    let beside = file.parent().map(|dir| dir.to_path_buf());
    [Some(workspace.root.clone()), in_crate, beside]
        .into_iter()
        .flatten()
        .any(|base| base.join(path).exists())
}
