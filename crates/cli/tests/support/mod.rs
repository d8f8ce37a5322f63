//! What the tests need: the library, and C programs that use it.
#![allow(dead_code, reason = "each test uses a part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The library under test: `GORT_LIBRARY`, or the release build of this workspace, made if need be.
pub(crate) fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| match std::env::var_os("GORT_LIBRARY") {
        Some(path) => {
            let path = PathBuf::from(path);
            assert!(path.is_file(), "GORT_LIBRARY names {}, where there is no file", path.display());
            path
        }
        None => build_library(),
    })
}

fn build_library() -> PathBuf {
    // The command under test stands in TARGET/PROFILE.
    let target = Path::new(env!("CARGO_BIN_EXE_gort")).ancestors().nth(2).unwrap();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "-p", "gort", "--target-dir"])
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let path = target.join("release/libgort.so");
    assert!(
        built.status.success() && path.is_file(),
        "no libgort.so: set GORT_LIBRARY, or see why it does not build:\n{}",
        text(&built.stderr)
    );
    path
}

/// Compiles `tests/c/NAME.c` with the compiler's options given; where the program is.
pub(crate) fn compile_with(name: &str, options: &[&str]) -> PathBuf {
    compile_named(name, &format!("{name}{}", options.concat()), options)
}

/// The same, to a program of another name. One that is there is replaced, at once: another test may be about to run it.
pub(crate) fn compile_named(name: &str, program: &str, options: &[&str]) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c").join(name).with_extension("c");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{program}-{}", std::process::id()));
    let fresh = program.with_added_extension(format!("{:?}", std::thread::current().id()));
    let built = Command::new("gcc")
        .args(["-std=gnu11", "-Wall", "-Wextra", "-O1", "-pthread", "-o"])
        .arg(&fresh)
        .arg(source)
        .args(options)
        .output()
        .expect("gcc runs");
    assert!(built.status.success(), "{name}.c: {}", text(&built.stderr));
    std::fs::rename(fresh, &program).expect("the program gets its name");
    program
}

/// Compiles `tests/c/NAME.c`.
pub(crate) fn compile(name: &str) -> PathBuf {
    compile_with(name, &[])
}

/// The command under test, without what the tests' own environment says.
pub(crate) fn gort() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gort"));
    clean(&mut command).env("GORT_LIBRARY", library());
    command
}

/// A program on the library, by preload.
pub(crate) fn preloaded(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    clean(&mut command).env("LD_PRELOAD", library());
    command
}

fn clean(command: &mut Command) -> &mut Command {
    for knob in gort_cli::knobs::knobs() {
        command.env_remove(knob.name);
    }
    command.env_remove("LD_PRELOAD")
}

/// Output that ought to be text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs a command that ought to succeed.
pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{command:?}: {}: {}", output.status, text(&output.stderr));
    output
}
