//! What is measured: gort, the peers that could be built, the C library's own allocator.

use super::peers;
use crate::workspace::Workspace;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// An allocator as a program gets it: by a library to preload, or by none.
#[derive(Clone)]
pub(crate) struct Allocator {
    pub(crate) name: String,
    pub(crate) preload: Option<PathBuf>,
    pub(crate) env: Option<(&'static str, &'static str)>,
}

/// The name of the row that all ratios are about.
pub(crate) const GORT: &str = "gort";

/// The peers whose memory counts as the mark: those that compete for speed. The C library's allocator is smaller and
/// slower; tcmalloc is Debian's build.
pub(crate) const MARKS: [&str; 5] = ["mimalloc3", "mimalloc2", "snmalloc", "rpmalloc", "jemalloc"];

/// Where Debian has tcmalloc; a program finds it under this name.
const TCMALLOC: [&str; 2] = [
    "/usr/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4",
    "/usr/lib/aarch64-linux-gnu/libtcmalloc_minimal.so.4",
];

impl Allocator {
    pub(crate) fn library(name: &str, path: &Path) -> Self {
        Self { name: name.to_owned(), preload: Some(path.to_owned()), env: None }
    }

    /// Is it gort, with whatever options?
    pub(crate) fn is_own(name: &str) -> bool {
        name.starts_with(GORT)
    }
}

pub(crate) fn gort(shared: PathBuf, check: bool) -> Vec<Allocator> {
    let plain = Allocator { name: GORT.to_owned(), preload: Some(shared), env: None };
    let checked =
        Allocator { name: "gort check=2".to_owned(), env: Some(("GORT_CHECK", "2")), ..plain.clone() };
    if check { vec![plain, checked] } else { vec![plain] }
}

/// The peers named in `wanted`, or all. One that cannot be built is reported and left out.
pub(crate) fn peers(workspace: &Workspace, wanted: &[String]) -> Result<Vec<Allocator>> {
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|w| w == name);
    let mut found = Vec::new();
    for peer in peers::ALL.iter().filter(|peer| is_wanted(peer.name)) {
        match peers::build(workspace, peer) {
            Ok(path) => found.push(Allocator::library(peer.name, &path)),
            Err(error) => println!("left out: {}: {error:#}", peer.name),
        }
    }
    match TCMALLOC.iter().map(Path::new).find(|path| path.exists()) {
        Some(path) if is_wanted("tcmalloc") => found.push(Allocator::library("tcmalloc", path)),
        None if is_wanted("tcmalloc") => {
            println!("left out: tcmalloc: Debian's libtcmalloc-minimal4 is not installed")
        }
        _ => {}
    }
    found.push(Allocator { name: "glibc".to_owned(), preload: None, env: None });
    Ok(found)
}
