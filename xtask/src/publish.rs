//! `cargo xtask publish-check`: every crate that is to be published can be packed, in floor order.

use crate::progress::{Live, Tally};
use crate::workspace::{Member, Workspace};
use anyhow::Result;

pub(crate) fn run() -> Result<bool> {
    let workspace = Workspace::load()?;
    let live = Live::start("publish-check");
    let tally = check(&workspace)?;
    live.finish(&tally);
    for member in in_floor_order(&workspace) {
        println!("      {}", member.name);
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    Ok(tally.failed == 0)
}

/// One test for each crate's papers, one for the packing of all.
pub(crate) fn check(workspace: &Workspace) -> Result<Tally> {
    let mut tally = Tally::default();
    let members = in_floor_order(workspace);
    for member in &members {
        let missing = missing(workspace, member);
        match missing.is_empty() {
            true => tally.pass(),
            false => tally.fail(format!("{} cannot be published", member.name), missing.join("\n")),
        }
    }
    // All at once: a crate that no registry knows yet is found among its neighbours.
    let mut command = workspace.cargo(["package", "--no-verify", "--allow-dirty", "--quiet"]);
    for member in &members {
        command = command.args(["-p", &member.name]);
    }
    let done = command.run()?;
    match done.succeeded() {
        true => tally.pass(),
        false => tally.fail(command.line(), done.text()),
    }
    Ok(tally)
}

/// The crates to be published, each after those that it needs.
fn in_floor_order(workspace: &Workspace) -> Vec<&Member> {
    let mut order: Vec<&Member> = Vec::new();
    let mut rest: Vec<&Member> = workspace.members.iter().filter(|member| member.is_published).collect();
    while !rest.is_empty() {
        let waits = |member: &&Member| member.depends.iter().any(|name| rest.iter().any(|r| r.name == *name));
        let (later, ready): (Vec<_>, Vec<_>) = rest.iter().partition(|member| waits(member));
        assert!(!ready.is_empty(), "the crates depend on each other in a circle");
        order.extend(ready);
        rest = later;
    }
    order
}

/// What a published crate must have and this one has not.
fn missing(workspace: &Workspace, member: &Member) -> Vec<String> {
    let files = ["README.md", "CHANGELOG.md"].into_iter().filter(|file| !member.dir.join(file).is_file());
    let files = files.map(|file| format!("no {file}"));
    let fields = member.lacks.iter().map(|field| format!("no `{field}` in Cargo.toml"));
    let paths = member.unversioned.iter().map(|name| format!("{name}: a path without a version"));
    let below =
        member.depends.iter().filter_map(|name| workspace.member(name)).filter(|below| !below.is_published);
    let below = below.map(|below| format!("needs {}, which is not published", below.name));
    files.chain(fields).chain(paths).chain(below).collect()
}
