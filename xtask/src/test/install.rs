//! An installation in a fresh place is small, exports what it should, and serves pkg-config and CMake.

use super::Context;
use crate::install::{self, exports};
use crate::progress::{Live, Tally};
use crate::run::{self, Cmd, Done};
use anyhow::Result;
use std::fs;
use std::path::Path;

/// Bytes that the stripped library may have.
const SHARED_BYTES: u64 = 1_000_000;

/// What the installed library is tried with.
const PROGRAM: &str = r#"#include <gort.h>
#include <stdio.h>
#include <stdlib.h>
int main(void)
{
    char *block = go_malloc(100);
    size_t room = go_usable_size(block);
    /* Foreign to gort when malloc is not interposed. */
    char *other = malloc(100);
    int both = block && other && go_usable_size(other) == room;
    free(block);
    go_free(other);
    puts(both ? "gort" : "not gort");
    return both ? 0 : 1;
}
"#;

const CMAKE_LISTS: &str = "\
cmake_minimum_required(VERSION 3.13)
project(user C)
find_package(gort 0.1 REQUIRED)
add_executable(shared user.c)
target_link_libraries(shared PRIVATE gort::gort)
add_executable(archive user.c)
target_link_libraries(archive PRIVATE gort::static)
";

pub(super) fn install(context: &Context, live: &Live) -> Result<Tally> {
    let dir = context.workspace.work_dir("install")?;
    fs::remove_dir_all(&dir)?;
    let (prefix, user) = (dir.join("prefix"), dir.join("user"));
    fs::create_dir_all(&user)?;
    install::install(&context.workspace, context.library()?, &prefix)?;
    fs::write(user.join("user.c"), PROGRAM)?;
    fs::write(user.join("CMakeLists.txt"), CMAKE_LISTS)?;
    let mut tally = Tally::default();
    live.item("the library");
    check_library(&mut tally, &prefix)?;
    live.item("the command");
    let stats = Cmd::new(prefix.join("bin/gort")).args(["run", "--stats", "--", "/bin/echo", "x"]).run()?;
    let reports = stats.stdout == b"x\n" && stats.stderr.starts_with(b"gort heap report");
    tally.check(stats.succeeded() && reports, "gort run --stats", || stats.text());
    live.item("pkg-config");
    with_pkg_config(&mut tally, &prefix, &user)?;
    live.item("cmake");
    with_cmake(&mut tally, &prefix, &user)?;
    Ok(tally)
}

fn check_library(tally: &mut Tally, prefix: &Path) -> Result<()> {
    let shared = prefix.join("lib/libgort.so");
    let bytes = fs::metadata(&shared)?.len();
    tally.notes.push(format!("libgort.so: {bytes} bytes, stripped"));
    tally.check(bytes < SHARED_BYTES, "libgort.so is too large", || format!("{bytes} bytes"));
    let deviations = exports::deviations(&shared)?;
    tally.check(deviations.is_empty(), "libgort.so exports other names", || deviations.join("\n"));
    let dynamic = Cmd::new("readelf").arg("-d").arg(&shared).env("LC_ALL", "C").ok()?.text();
    let named = dynamic.contains("soname: [libgort.so.0]");
    tally.check(named && prefix.join("lib/libgort.so.0").exists(), "the soname is wrong", || dynamic);
    Ok(())
}

fn with_pkg_config(tally: &mut Tally, prefix: &Path, user: &Path) -> Result<()> {
    if !run::found("pkg-config") {
        tally.skip("pkg-config is not installed (apt-get install pkg-config)");
        return Ok(());
    }
    for (name, line) in [
        ("shared", "gcc -Wall -Werror user.c -o by-$1 $(pkg-config --cflags --libs gort) -Wl,-rpath,$2/lib"),
        ("static", "gcc -Wall -Werror -static user.c -o by-$1 $(pkg-config --static --cflags --libs gort)"),
    ] {
        let command = Cmd::new("sh").args(["-ec", &format!("{line}; ./by-$1"), "sh", name]).arg(prefix);
        let command = command.dir(user).env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
        judge(tally, &format!("pkg-config, {name}"), &command.run()?);
    }
    Ok(())
}

fn with_cmake(tally: &mut Tally, prefix: &Path, user: &Path) -> Result<()> {
    if !run::found("cmake") {
        tally.skip("cmake is not installed (apt-get install cmake)");
        return Ok(());
    }
    let build = Cmd::new("sh")
        .args(["-ec", "cmake -S . -B build -DCMAKE_PREFIX_PATH=$1 && cmake --build build", "sh"])
        .arg(prefix)
        .dir(user)
        .run()?;
    if !build.succeeded() {
        tally.fail("cmake does not build", build.text());
        return Ok(());
    }
    for name in ["shared", "archive"] {
        judge(tally, &format!("cmake, {name}"), &Cmd::new(user.join("build").join(name)).run()?);
    }
    Ok(())
}

fn judge(tally: &mut Tally, name: &str, done: &Done) {
    tally.check(done.succeeded() && done.stdout == b"gort\n", name, || {
        format!("{}\n{}", done.end, done.text())
    });
}
