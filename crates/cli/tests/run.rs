//! `gort run` and `gort env` with real programs.

mod support;

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};
use support::{gort, library, run, text};

fn output(command: &mut Command) -> Output {
    command.output().expect("the command starts")
}

#[test]
fn the_program_runs_on_the_library() {
    let maps = text(&run(gort().args(["run", "--", "cat", "/proc/self/maps"])).stdout);
    let library = library().canonicalize().unwrap();
    assert!(maps.contains(library.to_str().unwrap()), "{maps}");
}

#[test]
fn exit_status_and_signals_are_the_programs() {
    for status in [0, 1, 77, 255] {
        let done = output(gort().args(["run", "--", "sh", "-c", &format!("exit {status}")]));
        assert_eq!(done.status.code(), Some(status));
    }
    let done = output(gort().args(["run", "--", "sh", "-c", "kill -TERM $$"]));
    assert_eq!(done.status.signal(), Some(15));
}

#[test]
fn arguments_and_standard_streams_pass_through() {
    let done =
        run(gort().args(["run", "--", "sh", "-c", "echo out:$1; echo err:$2 >&2", "sh", "a b", "--stats"]));
    assert_eq!((text(&done.stdout), text(&done.stderr)), ("out:a b\n".into(), "err:--stats\n".into()));
}

#[test]
fn the_report_comes_when_the_program_ends() {
    // It closes its standard error before it ends, as many programs do.
    let script = "my @a = map { 'x' x 100 } 1 .. 50000; close STDERR";
    let report = text(&run(gort().args(["run", "--stats", "--", "perl", "-e", script])).stderr);
    for word in ["gort heap report", "perl", "live", "peak", "returned", "class"] {
        assert!(report.contains(word), "{word}: {report}");
    }
    let header = report.lines().position(|line| line.contains("class")).unwrap();
    let width = report.lines().nth(header).unwrap().len();
    assert!(report.lines().skip(header + 1).all(|line| line.len() <= width), "{report}");
}

#[test]
fn checks_stop_a_faulty_program() {
    let program = support::compile("double_free");
    let done = output(gort().args(["run", "--check", "2", "--"]).arg(program));
    assert_eq!(done.status.signal(), Some(6));
    assert!(text(&done.stderr).starts_with("gort: free(0x"), "{}", text(&done.stderr));
    assert!(text(&done.stderr).ends_with("double free\n"), "{}", text(&done.stderr));
}

#[test]
fn what_cannot_be_started_is_told_apart() {
    let failure = |program: &str| {
        let done = output(gort().args(["run", "--", program]));
        (done.status.code().unwrap(), text(&done.stderr))
    };
    let (status, message) = failure("no-such-program-anywhere");
    assert_eq!(status, 127);
    assert!(message.starts_with("gort: cannot run no-such-program-anywhere: "), "{message}");
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    assert_eq!(failure(manifest).0, 126);
    let fixed = support::compile_with("double_free", &["-static"]);
    let (status, message) = failure(fixed.to_str().unwrap());
    assert_eq!(status, 126);
    assert!(message.contains("statically linked"), "{message}");
}

#[test]
fn a_missing_library_is_named() {
    let done = output(gort().env("GORT_LIBRARY", "/nowhere/libgort.so").args(["run", "--", "true"]));
    assert_eq!(done.status.code(), Some(125));
    assert_eq!(text(&done.stderr), "gort: GORT_LIBRARY names /nowhere/libgort.so, where there is no file\n");
}

#[test]
fn what_is_preloaded_already_stays() {
    let other = "libpthread.so.0";
    let list =
        run(gort().env("LD_PRELOAD", other).args(["run", "--", "sh", "-c", "echo $LD_PRELOAD"])).stdout;
    let library = library().canonicalize().unwrap();
    assert_eq!(text(&list), format!("{}:{other}\n", library.display()));
}

#[test]
fn env_lists_knobs_with_their_values() {
    let table = text(&run(gort().env("GORT_CHECK", "3").arg("env")).stdout);
    let line = table.lines().find(|line| line.starts_with("GORT_CHECK ")).unwrap();
    assert_eq!(line.split_whitespace().nth(1), Some("3"), "{table}");
}
