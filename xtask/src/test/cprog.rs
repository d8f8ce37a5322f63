//! C and C++ programs: compiled against the library in one of its modes, and run.

use super::Context;
use crate::cache::{self, Input};
use crate::library::Library;
use crate::run::Cmd;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// How a program comes by the library.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    /// `LD_PRELOAD`; the program knows nothing of it.
    Preload,
    /// Linked, before the other libraries.
    LinkFirst,
    /// Linked, after the other libraries.
    LinkLast,
    /// Fully static, with the archive.
    Static,
    /// Neither linked nor preloaded; the program opens the library itself, by the path it is given.
    Dlopen,
}

impl Mode {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Preload => "preload",
            Self::LinkFirst => "link-first",
            Self::LinkLast => "link-last",
            Self::Static => "static",
            Self::Dlopen => "dlopen",
        }
    }

    /// What stands behind the source file on the compiler's line.
    fn link(self, library: &Library) -> Vec<String> {
        let dir = library.dir.display();
        let gort = [format!("-L{dir}"), format!("-Wl,-rpath,{dir}"), "-lgort".to_owned()];
        let others = ["-Wl,--no-as-needed", "-lm", "-ldl"].map(str::to_owned);
        match self {
            Self::Preload | Self::Dlopen => others.into(),
            Self::LinkFirst => [&others[..1], &gort, &others[1..]].concat(),
            Self::LinkLast => [&others[..], &gort].concat(),
            Self::Static => vec!["-static".into(), library.archive().display().to_string()],
        }
    }
}

/// A language standard, and the compiler that speaks it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Dialect {
    pub(super) name: &'static str,
    compiler: &'static str,
    flags: &'static [&'static str],
}

pub(super) const C11: Dialect = Dialect { name: "c11", compiler: "gcc", flags: &["-std=c11", "-pedantic"] };
pub(super) const GNU11: Dialect = Dialect { name: "gnu11", compiler: "gcc", flags: &["-std=gnu11"] };
pub(super) const CXX17: Dialect =
    Dialect { name: "c++17", compiler: "g++", flags: &["-std=gnu++17", "-xc++"] };

/// A program to be compiled.
#[derive(Clone)]
pub(super) struct Program {
    pub(super) source: PathBuf,
    pub(super) dialect: Dialect,
    pub(super) mode: Mode,
}

impl Program {
    /// The dialect that the file's suffix names.
    pub(super) fn new(source: &Path, mode: Mode) -> Self {
        let cxx = source.extension().is_some_and(|suffix| suffix == "cc");
        Self { source: source.to_owned(), dialect: if cxx { CXX17 } else { GNU11 }, mode }
    }

    /// As the report names it.
    pub(super) fn name(&self) -> String {
        let file = self.source.file_stem().unwrap_or_default().to_string_lossy();
        format!("{file} ({}, {})", self.mode.name(), self.dialect.name)
    }

    /// Compiles the program unless that was done with the same input; the path of the executable.
    pub(super) fn compile(&self, context: &Context, library: &Library) -> Result<PathBuf> {
        let area = self.source.parent().unwrap_or(Path::new("."));
        let stem = self.source.file_stem().unwrap_or_default();
        let folder = format!("c/{}", area.file_name().unwrap_or_default().display());
        let name = format!("{}-{}-{}", stem.display(), self.mode.name(), self.dialect.name);
        let built = context.workspace.work_dir(&folder)?.join(name);
        let command = Cmd::new(self.dialect.compiler)
            .args(self.dialect.flags)
            .args(["-Wall", "-Wextra", "-Werror", "-O1", "-g", "-pthread"])
            .arg(format!("-I{}", library.include.display()))
            .arg(&self.source)
            .args(["-xnone", "-o"])
            .arg(&built)
            .args(self.mode.link(library));
        let archive = if self.mode == Mode::Static { library.archive() } else { PathBuf::new() };
        let input = Input::default().text(&command.line()).file(&archive).tree(area)?;
        let input = input.file(&library.include.join("gort.h"));
        let stamp = built.with_added_extension("stamp");
        if !built.exists() || cache::count(&stamp, &input).is_none() {
            command.ok()?;
            cache::record(&stamp, &input, 1)?;
        }
        Ok(built)
    }

    /// The command that runs what was compiled.
    pub(super) fn command(&self, built: &Path, library: &Library) -> Cmd {
        let command = Cmd::new(built);
        match self.mode {
            Mode::Preload => command.env("LD_PRELOAD", library.shared()),
            Mode::Dlopen => command.arg(library.shared()),
            Mode::LinkFirst | Mode::LinkLast | Mode::Static => command,
        }
    }
}
