//! The programs of the other folders of `c-examples`: each in every dialect of C that the header promises, linked, and
//! held to what stands beside it.
//!
//! `NAME.c` or `NAME.cc` has `NAME.expected`, its exact output; perhaps `NAME.stderr`, how its standard error begins;
//! perhaps `NAME.status`, its exit status, or 128 and the signal (0 without the file). A C program whose first line says
//! `(C only)` is not asked of C++.

use super::Context;
use super::conformance::all;
use super::cprog::{C11, CXX17, Dialect, GNU11, Mode, Program};
use crate::cache::files_below;
use crate::library::Library;
use crate::progress::{Live, Tally};
use crate::run::{Done, End};
use anyhow::Result;
use std::path::Path;

/// The folder that has a step of its own.
const CONFORMANCE: &str = "conformance";

/// How a C program is built, each time from the same source. C++ programs take the last row.
const BUILDS: [(Dialect, Mode); 4] =
    [(C11, Mode::LinkFirst), (GNU11, Mode::LinkLast), (GNU11, Mode::Static), (CXX17, Mode::LinkLast)];

pub(super) fn examples(context: &Context, live: &Live) -> Result<Tally> {
    let root = context.workspace.root.join("c-examples");
    let mut programs = Vec::new();
    for path in files_below(&root)? {
        if path.starts_with(root.join(CONFORMANCE)) {
            continue;
        }
        let builds = match path.extension().and_then(|suffix| suffix.to_str()) {
            Some("c") if c_only(&path)? => &BUILDS[..BUILDS.len() - 1],
            Some("c") => &BUILDS[..],
            Some("cc") => &BUILDS[BUILDS.len() - 1..],
            _ => continue,
        };
        let made = |&(dialect, mode)| Program { source: path.clone(), dialect, mode };
        programs.extend(builds.iter().map(made));
    }
    programs.retain(|program| context.takes("examples", &program.name()));
    let library = context.library()?;
    Ok(all(live, &programs, Program::name, |program| one(context, library, program)))
}

fn c_only(path: &Path) -> Result<bool> {
    Ok(std::fs::read_to_string(path)?.lines().next().is_some_and(|line| line.contains("(C only)")))
}

fn one(context: &Context, library: &Library, program: &Program) -> Result<Tally> {
    let mut tally = Tally::default();
    let built = program.compile(context, library)?;
    let command = program.command(&built, library);
    let done = command.run()?;
    match complaint(&program.source, &done) {
        None => tally.pass(),
        Some(why) => tally.fail(program.name(), format!("{}\n{why}\n{}", command.line(), done.text())),
    }
    Ok(tally)
}

/// What is not as the files beside the program say.
fn complaint(source: &Path, done: &Done) -> Option<String> {
    let beside = |suffix: &str| std::fs::read(source.with_extension(suffix));
    let Ok(expected) = beside("expected") else { return Some("there is no .expected beside it".into()) };
    let status = beside("status").ok().and_then(|text| String::from_utf8_lossy(&text).trim().parse().ok());
    let ended = match done.end {
        End::Status(status) => status,
        End::Signal(signal) => 128 + signal,
        End::Timeout => return Some(done.end.to_string()),
    };
    if ended != status.unwrap_or(0) {
        return Some(format!("{}, expected {}", done.end, status.unwrap_or(0)));
    }
    if done.stdout != expected {
        return Some(first_difference(&expected, &done.stdout));
    }
    let begins = beside("stderr").unwrap_or_default();
    if !done.stderr.starts_with(begins.trim_ascii_end()) {
        return Some(format!("standard error does not begin with: {}", String::from_utf8_lossy(&begins)));
    }
    None
}

/// The first line in which two texts differ.
pub(crate) fn first_difference(expected: &[u8], found: &[u8]) -> String {
    let (expected, found) = (String::from_utf8_lossy(expected), String::from_utf8_lossy(found));
    let (mut left, mut right) = (expected.lines(), found.lines());
    for number in 1.. {
        let pair = (left.next(), right.next());
        if pair.0 != pair.1 {
            let shown = |line: Option<&str>| line.unwrap_or("(the end)").to_owned();
            return format!("line {number}\n  expected {}\n  found    {}", shown(pair.0), shown(pair.1));
        }
        if pair.0.is_none() {
            break;
        }
    }
    "they differ in their last newline".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_held_to_the_files_beside_it() {
        let dir = std::env::temp_dir().join(format!("gort-beside-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let source = dir.join("x.c");
        let done = |end, out: &str, err: &str| Done { end, stdout: out.into(), stderr: err.into() };
        let right = done(End::Signal(6), "out\n", "panic: no\ntrace");
        assert!(complaint(&source, &right).unwrap().contains("no .expected"));
        for (suffix, text) in [("expected", "out\n"), ("status", "134\n"), ("stderr", "panic: no\n")] {
            std::fs::write(source.with_extension(suffix), text).unwrap();
        }
        assert_eq!(complaint(&source, &right), None);
        assert!(complaint(&source, &done(End::Status(0), "out\n", "panic: no")).is_some());
        assert!(complaint(&source, &done(End::Status(134), "out", "panic: no")).is_some());
        assert!(complaint(&source, &done(End::Status(134), "out\n", "panic: yes")).is_some());
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn the_first_difference_is_shown() {
        assert!(first_difference(b"a\nb\n", b"a\nc\n").starts_with("line 2"));
        assert!(first_difference(b"a\n", b"a\nb\n").contains("(the end)"));
        assert!(first_difference(b"a\n", b"a").contains("newline"));
    }
}
