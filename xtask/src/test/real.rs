//! Real programs under preload: output, exit status and files must be, to the byte, those of a run without.
//!
//! A case is a shell line, run twice in fresh directories of its own, once with `LD_PRELOAD`, at the same time. `$P`
//! is the folder of the scripts, `$PYTHON` the interpreter itself (not a shim that would start it).

use super::Context;
use super::conformance::all;
use super::examples::first_difference;
use crate::progress::{Live, Tally};
use crate::run::{self, Cmd, Done, End};
use anyhow::{Context as _, Result};
use std::path::Path;

/// A real program at work.
struct Case {
    name: &'static str,
    /// The program, and the package of Debian that has it.
    needs: (&'static str, &'static str),
    line: &'static str,
    /// Files that must come out equal.
    files: &'static [&'static str],
}

const PYTHON: (&str, &str) = ("python3", "python3");
const SQLITE: (&str, &str) = ("sqlite3", "sqlite3");

const fn case(name: &'static str, needs: (&'static str, &'static str), line: &'static str) -> Case {
    Case { name, needs, line, files: &[] }
}

const CASES: &[Case] = &[
    case("python: threads and forks", PYTHON, "exec $PYTHON $P/python_work.py"),
    case("python: all on malloc", PYTHON, "PYTHONMALLOC=malloc exec $PYTHON $P/python_work.py"),
    case("python: test_list", PYTHON, "exec $PYTHON $P/python_own.py test.test_list"),
    case("python: test_dict", PYTHON, "PYTHONMALLOC=malloc exec $PYTHON $P/python_own.py test.test_dict"),
    case("python: test_json", PYTHON, "PYTHONMALLOC=malloc exec $PYTHON $P/python_own.py test.test_json"),
    case("python: test_threading", PYTHON, "exec $PYTHON $P/python_own.py test.test_threading"),
    case("node: workers", ("node", "nodejs"), "exec node $P/node_work.js"),
    case("perl", ("perl", "perl"), "exec perl $P/perl_work.pl"),
    case("git", ("git", "git"), "sh $P/git_work.sh"),
    Case {
        name: "gcc -O2",
        needs: ("gcc", "gcc"),
        line: "cp $C/conformance/* . && for f in ma*.c stress.c; do gcc -std=gnu11 -O2 -c $f; done && cat *.o > all",
        files: &["all"],
    },
    Case {
        name: "g++ -O2",
        needs: ("g++", "g++"),
        line: "cp $P/cxx_work.cc . && g++ -std=gnu++17 -O2 -c cxx_work.cc",
        files: &["cxx_work.o"],
    },
    case("java", ("javac", "default-jdk-headless"), "javac -d . $P/Work.java && exec java -cp . Work"),
    case(
        "gdb -batch",
        ("gdb", "gdb"),
        // The inferior's process number differs, and whether the thread library is found is the machine's business.
        "cp $P/gdb_work.c . && gcc -g -O0 gdb_work.c -o work && gdb -nx -batch -ex 'set print address off' \
         -ex 'break sum' -ex run -ex 'print node->name' -ex 'ptype node' -ex 'info source' -ex finish -ex continue \
         ./work 2>&1 | grep -v -e thread_db -e 'exited normally' -e 'Compilation directory' -e 'Located in'",
    ),
    case("sqlite3", SQLITE, "exec sqlite3 work.db < $P/sqlite_work.sql"),
    case(
        "sort, on two threads",
        ("sort", "coreutils"),
        "seq 400000 | sort --parallel=2 -S 40M -R --random-source=$P/Work.java | cksum",
    ),
    case(
        "xz, on two threads",
        ("xz", "xz-utils"),
        "seq 500000 | xz -T2 --block-size=500000 -c | xz -dc | cksum",
    ),
    case("python, 4 GB at most", PYTHON, "ulimit -v 4000000 && exec $PYTHON $P/python_work.py"),
    case("sqlite3, 4 GB at most", SQLITE, "ulimit -v 4000000 && exec sqlite3 work.db < $P/sqlite_work.sql"),
    case("perl, 4 GB at most", ("perl", "perl"), "ulimit -v 4000000 && exec perl $P/perl_work.pl"),
    case("git, 4 GB at most", ("git", "git"), "ulimit -v 4000000 && sh $P/git_work.sh"),
    Case {
        name: "g++, 4 GB at most",
        needs: ("g++", "g++"),
        line: "ulimit -v 4000000 && cp $P/cxx_work.cc . && g++ -std=gnu++17 -O2 -c cxx_work.cc",
        files: &["cxx_work.o"],
    },
];

pub(super) fn programs(context: &Context, live: &Live) -> Result<Tally> {
    let cases: Vec<&Case> = CASES.iter().filter(|case| context.takes("programs", case.name)).collect();
    let library = context.library()?.shared();
    let python = run::python();
    Ok(all(live, &cases, |case| case.name.into(), |case| one(context, case, &library, &python)))
}

fn one(context: &Context, case: &Case, library: &Path, python: &str) -> Result<Tally> {
    let mut tally = Tally::default();
    let (program, package) = case.needs;
    if !run::found(program) {
        tally.skip(format!("{}: {program} is not installed (apt-get install {package})", case.name));
        return Ok(tally);
    }
    let results = run::parallel(&[None, Some(library)], |preload| run_in(context, case, *preload, python));
    let [plain, gort] = <[_; 2]>::try_from(results).ok().context("two runs")?;
    let ((plain, plain_files), (gort, gort_files)) = (plain?, gort?);
    if plain.end != End::Status(0) {
        let text = plain.text();
        let why = text.lines().last().unwrap_or("no output");
        tally.skip(format!("{}: without gort already {}: {why}", case.name, plain.end));
        return Ok(tally);
    }
    match difference(&plain, &gort).or_else(|| (plain_files != gort_files).then(|| "files differ".into())) {
        None => tally.pass(),
        Some(why) => tally.fail(case.name, format!("{}\n{why}\n{}", case.line, gort.text())),
    }
    Ok(tally)
}

/// Runs a case in a fresh directory; what it did, and the contents of the files it made.
fn run_in(
    context: &Context,
    case: &Case,
    preload: Option<&Path>,
    python: &str,
) -> Result<(Done, Vec<Option<Vec<u8>>>)> {
    // Names of equal length, for a program that prints its directory into a file of a fixed layout.
    let name = format!("{}/{}", case.name.replace(' ', "-"), if preload.is_some() { "gort" } else { "libc" });
    let dir = context.workspace.work_dir("programs")?.join(name);
    _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir)?;
    let mut command = Cmd::new("sh").args(["-c", case.line]).dir(&dir).limit(300);
    command = command.env("P", context.workspace.root.join("xtask/programs")).env("PYTHON", python);
    command = command.env("C", context.workspace.root.join("c-examples")).env("LC_ALL", "C");
    if let Some(library) = preload {
        command = command.env("LD_PRELOAD", library);
    }
    let done = command.run()?;
    let files = case.files.iter().map(|file| std::fs::read(dir.join(file)).ok()).collect();
    Ok((done, files))
}

/// The first thing in which a run differs from the plain one.
fn difference(plain: &Done, gort: &Done) -> Option<String> {
    if plain.end != gort.end {
        return Some(format!("{}, without gort {}", gort.end, plain.end));
    }
    let streams = [("output", &plain.stdout, &gort.stdout), ("standard error", &plain.stderr, &gort.stderr)];
    let (name, expected, found) = streams.into_iter().find(|(_, expected, found)| expected != found)?;
    Some(format!("{name} differs at {}", first_difference(expected, found)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_difference_counts() {
        let done = |end, out: &str, err: &str| Done { end, stdout: out.into(), stderr: err.into() };
        let plain = done(End::Status(0), "a\n", "");
        assert_eq!(difference(&plain, &done(End::Status(0), "a\n", "")), None);
        for other in
            [done(End::Status(1), "a\n", ""), done(End::Status(0), "a", ""), done(End::Status(0), "a\n", "x")]
        {
            assert!(difference(&plain, &other).is_some());
        }
    }

    #[test]
    fn every_script_is_used_and_there() {
        let dir = crate::root().join("xtask/programs");
        let lines: String = CASES.iter().map(|case| format!("{} ", case.line)).collect();
        for path in crate::cache::files_below(&dir).unwrap() {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            assert!(lines.contains(&format!("$P/{name}")), "{name} is not used");
        }
        let used = lines.split("$P/").skip(1).map(|rest| rest.split([' ', '|']).next().unwrap_or(rest));
        for name in used {
            assert!(dir.join(name).is_file(), "{name} is missing");
        }
    }
}
