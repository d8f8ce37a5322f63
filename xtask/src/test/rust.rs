//! The steps that cargo does: format, lints, unit and documentation tests.

use super::Context;
use crate::progress::{Live, Tally};
use crate::run::Cmd;
use anyhow::Result;

pub(super) fn fmt(context: &Context, _: &Live) -> Result<Tally> {
    component(context, "rustfmt", "fmt", context.workspace.cargo(["fmt", "--all", "--check"]))
}

/// The members, and the facade by itself: built with the others its dependencies would get features that need std.
const TWO_PARTS: [[&str; 2]; 2] = [["--workspace", "--exclude=gort"], ["--package=gort", "--lib"]];

pub(super) fn clippy(context: &Context, _: &Live) -> Result<Tally> {
    let mut tally = Tally::default();
    for part in TWO_PARTS {
        let command = context.workspace.cargo(["clippy", "--quiet"]).args(part);
        let targets = part.contains(&"--workspace").then_some("--all-targets");
        let command = command.args(targets).args(["--", "-D", "warnings"]);
        tally.add(component(context, "clippy", "clippy", command)?);
    }
    Ok(tally)
}

/// Documentation without a link that leads nowhere.
pub(super) fn docs(context: &Context, _: &Live) -> Result<Tally> {
    let mut tally = Tally::default();
    for part in TWO_PARTS {
        let command = context.workspace.cargo(["doc", "--quiet", "--no-deps"]).args(part);
        let command = command.env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links");
        let done = command.run()?;
        if done.succeeded() { tally.pass() } else { tally.fail(command.line(), done.text()) }
    }
    Ok(tally)
}

/// The facade defines malloc and the panic handler, so no Rust test can be linked with it; C programs test it. The
/// tasks are tested alone, as they were built to run: with the others, cargo would compile what they need once more.
pub(super) fn unit(context: &Context, live: &Live) -> Result<Tally> {
    let others = ["test", "--workspace", "--exclude", "gort", "--exclude", "xtask", "--no-fail-fast"];
    let mut tally = cargo_test(&context.workspace.cargo(others))?;
    live.item("xtask");
    tally.add(cargo_test(&context.workspace.cargo(["test", "-p", "xtask", "--no-fail-fast"]))?);
    Ok(tally)
}

/// One check by a component of the toolchain, which may be missing.
fn component(context: &Context, name: &str, subcommand: &str, command: Cmd) -> Result<Tally> {
    let mut tally = Tally::default();
    if !context.workspace.cargo([subcommand, "--version"]).run()?.succeeded() {
        tally.skip(format!("the toolchain lacks {name} (rustup component add {name})"));
        return Ok(tally);
    }
    let done = command.run()?;
    if done.succeeded() {
        tally.pass()
    } else {
        tally.fail(command.line(), done.text())
    }
    Ok(tally)
}

/// Runs a `cargo test` and counts the single tests.
pub(super) fn cargo_test(command: &Cmd) -> Result<Tally> {
    let done = command.run()?;
    let mut tally = Tally::counted(&done);
    if tally.failed > 0 || !done.succeeded() {
        // A build that broke off, or a process that died, has no count.
        tally.failed = tally.failed.saturating_sub(1);
        tally.fail(format!("{} ({})", command.line(), done.end), telling(&done.text()));
    }
    Ok(tally)
}

/// The output of cargo without the lines that tell of success.
fn telling(text: &str) -> String {
    const DULL: [&str; 8] = [
        "   Compiling",
        "     Running",
        "   Doc-tests",
        " Downloading",
        "  Downloaded",
        "running ",
        "test result: ok",
        "all doctests",
    ];
    let dull = |line: &&str| {
        line.is_empty() || line.ends_with(" ... ok") || DULL.iter().any(|d| line.starts_with(d))
    };
    text.lines().filter(|line| !dull(line)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_that_broke_off_is_one_failure() {
        let tally = cargo_test(&Cmd::new("sh").args(["-c", "exit 101"])).unwrap();
        assert_eq!((tally.passed, tally.failed), (0, 1));
    }

    #[test]
    fn what_failed_is_not_buried() {
        let text = "   Compiling x v1\nrunning 2 tests\ntest a ... ok\ntest b ... FAILED\n\ntest result: ok. 1 passed";
        assert_eq!(telling(text), "test b ... FAILED");
    }

    #[test]
    fn failed_tests_are_counted_once() {
        let script = "echo 'test result: FAILED. 5 passed; 2 failed; 0 ignored'; exit 101";
        let tally = cargo_test(&Cmd::new("sh").args(["-c", script])).unwrap();
        assert_eq!((tally.passed, tally.failed, tally.faults.len()), (5, 2, 1));
    }
}
