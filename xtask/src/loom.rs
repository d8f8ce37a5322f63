//! `cargo xtask loom`: the models of every crate, each a test binary built with `--cfg loom`.
//!
//! A model is a test target `loom_*` of a crate, or any test target of `loom-tests`. The build has a target directory
//! of its own, for the flag reaches every crate. A model that passed is not run again until a source below it changes.

use crate::cache::{self, Input};
use crate::progress::{Live, Tally};
use crate::run::{self, Cmd};
use crate::workspace::{Member, Workspace};
use anyhow::Result;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What `cargo xtask loom` is told.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A crate, as `mheap` or `gort-mheap`; all without one.
    name: Option<String>,
    /// Run what is unchanged since it passed, too.
    #[arg(long)]
    fresh: bool,
}

/// Preemptions that loom tries at most in one execution, unless `LOOM_MAX_PREEMPTIONS` says otherwise.
const PREEMPTIONS: &str = "3";
/// Seconds that one model's binary may take.
const LIMIT: u64 = 900;

/// A test binary of models.
struct Model<'a> {
    member: &'a Member,
    test: &'a str,
}

pub(crate) fn run(args: &Args) -> Result<bool> {
    let workspace = Workspace::load()?;
    let live = Live::start("loom");
    let tally = models(&workspace, args.name.as_deref(), args.fresh, &live)?;
    live.finish(&tally);
    println!("{} passed, {} failed", tally.passed, tally.failed);
    Ok(tally.failed == 0 && tally.passed > 0)
}

/// Runs the models of all crates, or of one.
pub(crate) fn models(workspace: &Workspace, name: Option<&str>, fresh: bool, live: &Live) -> Result<Tally> {
    let all = find(workspace, name);
    anyhow::ensure!(!all.is_empty(), "there are no models of {}", name.unwrap_or("any crate"));
    let mut tally = Tally::default();
    let mut stale = Vec::new();
    for model in all {
        let (stamp, input) = (model.stamp(workspace)?, model.input(workspace)?);
        match cache::count(&stamp, &input).filter(|_| !fresh) {
            Some(count) => tally.passed += count,
            None => stale.push((model, stamp, input)),
        }
    }
    if tally.passed > 0 {
        tally.notes.push(format!("{} of them unchanged since they passed (--fresh runs them)", tally.passed));
    }
    if stale.is_empty() {
        return Ok(tally);
    }
    live.item("building");
    let built = build(workspace, stale.iter().map(|(model, ..)| model))?;
    let results = run::parallel(&stale, |(model, stamp, input)| {
        live.item(model.test);
        run_model(model, &built, stamp, input)
    });
    results.into_iter().try_for_each(|result| result.map(|one| tally.add(one)))?;
    Ok(tally)
}

fn find<'a>(workspace: &'a Workspace, name: Option<&str>) -> Vec<Model<'a>> {
    let named = |m: &&Member| name.is_none_or(|n| m.name == n || m.name.strip_prefix("gort-") == Some(n));
    let is_model = |m: &Member, test: &str| m.name == "loom-tests" || test.starts_with("loom_");
    let models = workspace.members.iter().filter(named).flat_map(|member| {
        let tests = member.tests.iter().filter(move |test| is_model(member, test));
        tests.map(move |test| Model { member, test })
    });
    models.collect()
}

impl Model<'_> {
    fn stamp(&self, workspace: &Workspace) -> Result<PathBuf> {
        Ok(workspace.work_dir("loom")?.join(format!("{}-{}", self.member.name, self.test)))
    }

    /// The sources of the crate and of all crates below, the versions of the rest, and how deep loom looks.
    fn input(&self, workspace: &Workspace) -> Result<Input> {
        let input = Input::default().text(&preemptions()).file(&workspace.root.join("Cargo.lock"));
        workspace.closure(self.member).into_iter().try_fold(input, |input, member| input.tree(&member.dir))
    }
}

fn preemptions() -> String {
    std::env::var("LOOM_MAX_PREEMPTIONS").unwrap_or_else(|_| PREEMPTIONS.into())
}

/// What a build made of the models.
struct Built {
    /// A crate's directory, a model's name, and its binary.
    binaries: Vec<(PathBuf, String, PathBuf)>,
    /// What the compiler said of those that did not become one.
    errors: String,
}

/// Builds the models, also when one of them does not compile.
fn build<'a>(workspace: &Workspace, models: impl Iterator<Item = &'a Model<'a>>) -> Result<Built> {
    let mut command = workspace.cargo(["build", "--release", "--keep-going", "--message-format", "json"]);
    for model in models {
        command = command.args(["-p", &model.member.name, "--test", model.test]);
    }
    let done = command
        .env("RUSTFLAGS", "--cfg loom")
        .env("CARGO_TARGET_DIR", workspace.target.join("loom"))
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true")
        .run()?;
    let messages = String::from_utf8_lossy(&done.stdout);
    let messages: Vec<Value> = messages.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let rendered = messages.iter().filter(|m| m["message"]["level"] == "error");
    let errors: String = rendered.filter_map(|m| m["message"]["rendered"].as_str()).collect();
    let binary = |m: &Value| {
        let manifest = Path::new(m["manifest_path"].as_str()?).parent()?.to_owned();
        let (name, path) = (m["target"]["name"].as_str()?, m["executable"].as_str()?);
        Some((manifest, name.to_owned(), PathBuf::from(path)))
    };
    let binaries = messages.iter().filter_map(binary).collect();
    Ok(Built { binaries, errors })
}

fn run_model(model: &Model<'_>, built: &Built, stamp: &Path, input: &Input) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut binaries = built.binaries.iter();
    let Some((.., binary)) = binaries.find(|(dir, name, _)| *dir == model.member.dir && name == model.test)
    else {
        tally.fail(format!("{} of {} does not compile", model.test, model.member.name), &built.errors);
        return Ok(tally);
    };
    let command = Cmd::new(binary).arg("--test-threads=1").dir(&model.member.dir).limit(LIMIT);
    let done = command.env("LOOM_MAX_PREEMPTIONS", preemptions()).env("RUST_BACKTRACE", "0").run()?;
    tally = Tally::counted(&done);
    if done.succeeded() && tally.passed > 0 {
        cache::record(stamp, input, tally.passed)?;
    } else {
        tally.failed = tally.failed.saturating_sub(1);
        tally.fail(format!("{} of {} ({})", model.test, model.member.name, done.end), done.text());
    }
    Ok(tally)
}
