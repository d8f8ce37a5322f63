//! The workloads: small programs of benches/malloc, and real programs at work.

use crate::run::Cmd;
use anyhow::{Context as _, Result};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A fixed amount of work for an allocator.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) kind: Kind,
    /// On several threads; its time is then the clock's, else the processor's.
    pub(crate) threads: bool,
}

/// What is run.
pub(crate) enum Kind {
    /// A file of benches/malloc in C or C++.
    Source(&'static str),
    /// CPython on benches/malloc/python.py, with its small-object cache or without.
    Python { own_cache: bool },
    /// perl on benches/malloc/perl.pl.
    Perl,
    /// The sqlite3 shell on benches/malloc/sqlite.sql.
    Sqlite,
    /// The C compiler proper on a generated file.
    Compiler,
}

const fn one(name: &'static str, file: &'static str, about: &'static str) -> Workload {
    Workload { name, about, kind: Kind::Source(file), threads: false }
}

const fn many(name: &'static str, file: &'static str, about: &'static str) -> Workload {
    Workload { name, about, kind: Kind::Source(file), threads: true }
}

const fn program(name: &'static str, kind: Kind, about: &'static str) -> Workload {
    Workload { name, about, kind, threads: false }
}

pub(crate) fn all() -> Vec<Workload> {
    vec![
        one("pairs", "pairs.c", "malloc and free in turn, four sizes"),
        one("bursts", "bursts.c", "20,000 blocks, freed in random order"),
        one("million", "million.c", "a million live, replaced at random"),
        one("mixed", "mixed.c", "5,000 live, most die young, 8 B to 8 KB"),
        one("tree", "tree.c", "a search tree, as many inserts as deletes"),
        one("strings", "strings.cc", "C++ strings and hash maps"),
        one("sized", "sized.cc", "C++ objects, sized delete"),
        one("zeroed", "zeroed.c", "calloc, 32 B to 512 KB"),
        one("fragments", "fragments.c", "fill, free nine of ten, refill with other sizes"),
        one("vectors", "vectors.c", "arrays that grow by realloc, to 200 MB"),
        one("medium", "medium.c", "4 to 256 KB, 400 live"),
        one("large", "large.c", "0.5 to 8 MB, 24 live"),
        many("server", "server.c", "requests on 4 threads, a shared cache"),
        many("prodcons", "prodcons.c", "a producer and a consumer"),
        many("ring", "ring.c", "4 threads, every free is remote"),
        many("heirs", "heirs.c", "objects left to the next thread"),
        many("threads", "threads.c", "20,000 short-lived threads"),
        many("sharing-active", "sharing-active.c", "small blocks written by 4 threads"),
        many("sharing-passive", "sharing-passive.c", "the same, after one thread allocated the first"),
        program("python", Kind::Python { own_cache: true }, "CPython: JSON, words, objects, compile"),
        program("python-malloc", Kind::Python { own_cache: false }, "the same with PYTHONMALLOC=malloc"),
        program("perl", Kind::Perl, "perl: words, records, patterns"),
        program("sqlite", Kind::Sqlite, "sqlite3: tables and indexes in memory"),
        program("gcc", Kind::Compiler, "cc1 -O1 on a generated file"),
    ]
}

const WARNINGS: [&str; 4] = ["-O2", "-Wall", "-Wextra", "-Werror"];

/// The compiler knows malloc and would leave out blocks that nobody reads.
const NO_BUILTINS: [&str; 4] =
    ["-fno-builtin-malloc", "-fno-builtin-free", "-fno-builtin-calloc", "-fno-builtin-realloc"];

impl Workload {
    /// The program that this workload needs and the machine lacks.
    pub(crate) fn missing(&self) -> Option<String> {
        let program = match self.kind {
            Kind::Source(_) => return None,
            Kind::Python { .. } => python(),
            Kind::Perl => "perl".to_owned(),
            Kind::Sqlite => "sqlite3".to_owned(),
            Kind::Compiler => compiler(),
        };
        let found = Cmd::new("sh").args(["-c", &format!("command -v '{program}'")]).run();
        if found.is_ok_and(|done| done.succeeded()) { None } else { Some(program) }
    }

    /// Compiles or generates what the workload runs on.
    pub(crate) fn prepare(&self, sources: &Path, dir: &Path) -> Result<()> {
        match self.kind {
            Kind::Source(file) => compile(&sources.join(file), &dir.join(self.name), &["-pthread"]),
            Kind::Compiler => std::fs::write(dir.join("made.c"), made_source()).context("made.c"),
            _ => Ok(()),
        }
    }

    /// The program and its arguments, for this share of the full work. A real program may have one amount only.
    pub(crate) fn command(&self, sources: &Path, dir: &Path, percent: u32) -> Vec<String> {
        let at = |base: &Path, name: &str| base.join(name).display().to_string();
        let percent = percent.to_string();
        match self.kind {
            Kind::Source(_) => vec![at(dir, self.name), percent],
            Kind::Python { .. } => vec![python(), at(sources, "python.py"), percent],
            Kind::Perl => vec!["perl".into(), at(sources, "perl.pl"), percent],
            Kind::Sqlite => {
                vec!["sqlite3".into(), ":memory:".into(), format!(".read {}", at(sources, "sqlite.sql"))]
            }
            Kind::Compiler => {
                let flags = ["-O1", "-quiet", "-o", "/dev/null"].map(str::to_owned);
                [vec![compiler(), at(dir, "made.c")], flags.to_vec()].concat()
            }
        }
    }

    /// What the program's environment must hold.
    pub(crate) const fn env(&self) -> Option<(&'static str, &'static str)> {
        match self.kind {
            Kind::Python { own_cache: false } => Some(("PYTHONMALLOC", "malloc")),
            _ => None,
        }
    }
}

/// Compiles one of our programs; a warning is an error.
pub(crate) fn compile(source: &Path, output: &Path, flags: &[&str]) -> Result<()> {
    let compiler = if source.extension().is_some_and(|e| e == "cc") { "c++" } else { "cc" };
    let cc = Cmd::new(compiler).args(WARNINGS).args(NO_BUILTINS).args(flags);
    cc.arg(source).arg("-o").arg(output).ok().map(drop)
}

/// The system's Python first: a wrapper script in the path would be measured too.
fn python() -> String {
    let own = PathBuf::from("/usr/bin/python3");
    if own.exists() { own.display().to_string() } else { "python3".to_owned() }
}

/// `cc1`, which does the work; the driver `gcc` only starts it.
fn compiler() -> String {
    let done = Cmd::new("gcc").arg("-print-prog-name=cc1").run();
    done.map_or_else(|_| "cc1".to_owned(), |done| done.text())
}

/// A C file of a few thousand lines in which every function differs.
fn made_source() -> String {
    const FUNCTIONS: u64 = 240;
    let mut state = 15u64;
    let mut below = move |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    let mut text =
        "typedef unsigned long u64;\nstruct node { struct node *next; u64 key; double weight; };\n"
            .to_owned();
    for f in 0..FUNCTIONS {
        let size = 4 + below(60);
        _ = writeln!(
            text,
            "static u64 f{f}(struct node *list, u64 a, double x) {{\n    u64 t[{size}] = {{0}}, s = a;"
        );
        for _ in 0..4 + below(8) {
            let (c, d) = (3 + below(9999), 1 + below(9));
            _ = writeln!(text, "    {}", statement(below(4), c, d));
        }
        let callee = below(f.max(1));
        let call = if f > 0 && below(5) < 3 { format!(" + f{callee}(list, s, x)") } else { String::new() };
        _ = writeln!(text, "    return s{call};\n}}");
    }
    let calls: String = (0..FUNCTIONS).map(|f| format!("    s += f{f}(l, a + {f}, x);\n")).collect();
    text + "u64 all(struct node *l, u64 a, double x) {\n    u64 s = 0;\n" + &calls + "    return s;\n}\n"
}

fn statement(kind: u64, c: u64, d: u64) -> String {
    match kind {
        0 => format!(
            "for (struct node *n = list; n; n = n->next) {{ s += n->key * {c}; if (n->weight > x) t[s % 4] ^= n->key; }}"
        ),
        1 => format!(
            "switch (s & 7) {{ case 0: s += t[1]; break; case 1: s ^= {c}; break; case 3: x = x * {d}.5 + t[0]; break; default: t[2] += s; }}"
        ),
        2 => format!(
            "for (u64 i = 0; i < {c}; i++) {{ t[i % 4] += s * i; s = (s << {d}) ^ (s >> 7) ^ t[(i + 1) % 4]; }}"
        ),
        _ => format!(
            "if (s > {c} && x < {d}.25) {{ s = s / 3 + t[3]; }} else {{ t[0]++; s -= (u64)(x * 2); }}"
        ),
    }
}
