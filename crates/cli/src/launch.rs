//! `gort run`: a program in place of the command, with the library before all others.

use crate::args::Run;
use crate::elf::Elf;
use crate::{Failure, library};
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The rate of sampling when a profile is asked for and nobody says one.
const DEFAULT_RATE: &str = "512K";

/// Starts the program. Comes back only when that fails.
pub fn launch(run: &Run) -> Failure {
    match prepare(run, |name| std::env::var_os(name)) {
        Ok(mut command) => cannot_run(command.get_program().to_owned(), &command.exec()),
        Err(failure) => failure,
    }
}

/// The program with its arguments and what changes in its environment.
fn prepare(run: &Run, variable: impl Fn(&str) -> Option<OsString>) -> Result<Command, Failure> {
    let here = std::env::current_exe().map_err(|e| Failure::own(format_args!("cannot find myself: {e}")))?;
    let library = library::find(variable(library::VARIABLE).as_deref(), &here)?;
    let (program, arguments) = run.program.split_first().expect("clap wants one");
    if let Some(file) = search(program, variable("PATH").as_deref())
        && Elf::read(&file).is_some_and(|elf| !elf.has_loader)
    {
        let name = file.display();
        return Err(Failure {
            status: Failure::CANNOT_RUN,
            message: format!(
                "{name} is statically linked, so nothing can be preloaded; link it with libgort.a"
            ),
        });
    }
    let mut command = Command::new(program);
    command.args(arguments).env("LD_PRELOAD", preload(&library, variable("LD_PRELOAD")));
    for (name, value) in knobs(run, &variable)? {
        command.env(name, value);
    }
    Ok(command)
}

/// The library, then what is preloaded already.
fn preload(library: &Path, already: Option<OsString>) -> OsString {
    let mut list = library.as_os_str().to_owned();
    if let Some(already) = already.filter(|list| !list.is_empty()) {
        list.push(":");
        list.push(already);
    }
    list
}

/// The variables that stand for the options.
fn knobs(
    run: &Run,
    variable: &impl Fn(&str) -> Option<OsString>,
) -> Result<Vec<(&'static str, OsString)>, Failure> {
    let mut knobs: Vec<(&'static str, OsString)> = Vec::new();
    if run.stats {
        knobs.push(("GORT_STATS", "1".into()));
    }
    if let Some(level) = run.check {
        knobs.push(("GORT_CHECK", level.to_string().into()));
    }
    if let Some(file) = &run.profile {
        // The program may change its directory.
        let path = std::path::absolute(file)
            .map_err(|e| Failure::own(format_args!("cannot write a profile to {}: {e}", file.display())))?;
        knobs.push(("GORT_PROFILE", path.into()));
    }
    match run.rate {
        Some(rate) => knobs.push(("GORT_PROFILE_RATE", rate.to_string().into())),
        None if run.profile.is_some() && variable("GORT_PROFILE_RATE").is_none() => {
            knobs.push(("GORT_PROFILE_RATE", DEFAULT_RATE.into()));
        }
        None => {}
    }
    Ok(knobs)
}

/// The file that the system will run for a name.
fn search(program: &OsStr, path: Option<&OsStr>) -> Option<PathBuf> {
    let name = Path::new(program);
    if program.as_encoded_bytes().contains(&b'/') {
        return Some(name.to_owned());
    }
    std::env::split_paths(path?).map(|dir| dir.join(name)).find(|file| file.is_file())
}

fn cannot_run(program: OsString, e: &std::io::Error) -> Failure {
    let status = if e.kind() == ErrorKind::NotFound { Failure::NOT_FOUND } else { Failure::CANNOT_RUN };
    Failure { status, message: format!("cannot run {}: {e}", program.display()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knobs_of(run: &Run, rate: Option<&str>) -> Vec<(&'static str, OsString)> {
        knobs(run, &|name| rate.filter(|_| name == "GORT_PROFILE_RATE").map(OsString::from)).unwrap()
    }

    #[test]
    fn what_is_preloaded_already_stays() {
        let library = Path::new("/lib/libgort.so");
        for (already, list) in [
            (None, "/lib/libgort.so"),
            (Some(""), "/lib/libgort.so"),
            (Some("/lib/a.so:b.so"), "/lib/libgort.so:/lib/a.so:b.so"),
        ] {
            assert_eq!(preload(library, already.map(OsString::from)), list);
        }
    }

    #[test]
    fn options_become_variables() {
        assert_eq!(knobs_of(&Run::default(), None), []);
        let run = Run { stats: true, check: Some(2), ..Run::default() };
        assert_eq!(knobs_of(&run, None), [("GORT_STATS", "1".into()), ("GORT_CHECK", "2".into())]);
        let file = || ("GORT_PROFILE", OsString::from("/p"));
        let run = Run { profile: Some("/p".into()), ..Run::default() };
        assert_eq!(knobs_of(&run, None), [file(), ("GORT_PROFILE_RATE", DEFAULT_RATE.into())]);
        assert_eq!(knobs_of(&run, Some("1M")), [file()], "the environment has its own");
        let run = Run { rate: Some(100), ..run };
        assert_eq!(knobs_of(&run, Some("1M")), [file(), ("GORT_PROFILE_RATE", "100".into())]);
    }

    #[test]
    fn names_are_looked_up_as_the_system_does() {
        assert_eq!(search(OsStr::new("./x"), None), Some(PathBuf::from("./x")));
        assert_eq!(
            search(OsStr::new("sh"), Some(OsStr::new("/nowhere:/bin"))),
            Some(PathBuf::from("/bin/sh"))
        );
        assert_eq!(search(OsStr::new("sh"), Some(OsStr::new("/nowhere"))), None);
    }
}
