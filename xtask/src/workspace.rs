//! What cargo knows of the workspace: the root, the target directory, the members and who depends on whom.

use crate::run::Cmd;
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The workspace as `cargo metadata` tells it.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) members: Vec<Member>,
}

/// A member of the workspace.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) dir: PathBuf,
    /// Names of the members that it is built from; those it only tests with are left out.
    pub(crate) depends: Vec<String>,
    /// The targets under `tests/`.
    pub(crate) tests: Vec<String>,
    pub(crate) version: String,
    pub(crate) is_published: bool,
    /// Fields of the manifest that a registry asks for and that are not there.
    pub(crate) lacks: Vec<&'static str>,
    /// Dependencies by path alone, which no registry can resolve.
    pub(crate) unversioned: Vec<String>,
}

/// What a published crate says of itself.
const FIELDS: [&str; 6] = ["description", "license", "keywords", "categories", "readme", "rust_version"];

impl Workspace {
    pub(crate) fn load() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask has no parent")?;
        let query = Cmd::new("cargo").args(["metadata", "--no-deps", "--format-version", "1"]).dir(root);
        let data: Value = serde_json::from_slice(&query.ok()?.stdout)?;
        let packages = data["packages"].as_array().context("cargo metadata names no packages")?;
        let names: BTreeSet<&str> = packages.iter().filter_map(|p| p["name"].as_str()).collect();
        let members = packages.iter().map(|p| member(p, &names)).collect::<Result<Vec<_>>>()?;
        let target = data["target_directory"].as_str().context("cargo metadata names no target directory")?;
        Ok(Self { root: root.to_owned(), target: target.into(), members })
    }

    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|m| m.name == name)
    }

    /// The member and all members below it.
    pub(crate) fn closure<'a>(&'a self, member: &'a Member) -> Vec<&'a Member> {
        let mut found = vec![member];
        let mut next = 0;
        while let Some(at) = found.get(next).copied() {
            for below in at.depends.iter().filter_map(|name| self.member(name)) {
                if !found.iter().any(|f| f.name == below.name) {
                    found.push(below);
                }
            }
            next += 1;
        }
        found
    }

    /// Where the tasks keep what they build and remember.
    pub(crate) fn work_dir(&self, name: &str) -> Result<PathBuf> {
        let dir = self.target.join("xtask").join(name);
        std::fs::create_dir_all(&dir).with_context(|| dir.display().to_string())?;
        Ok(dir)
    }

    /// A cargo command in the root.
    pub(crate) fn cargo<const N: usize>(&self, args: [&str; N]) -> Cmd {
        Cmd::new("cargo").args(args).dir(&self.root).limit(2400).in_our_group()
    }
}

fn member(package: &Value, names: &BTreeSet<&str>) -> Result<Member> {
    let name = package["name"].as_str().context("a package without a name")?.to_owned();
    let manifest = Path::new(package["manifest_path"].as_str().context("a package without a manifest")?);
    let array = |key: &str| package[key].as_array().map(Vec::as_slice).unwrap_or_default();
    let depends = array("dependencies").iter().filter(|d| d["kind"].as_str() != Some("dev"));
    let depends = depends.filter_map(|d| d["name"].as_str()).filter(|d| names.contains(d) && *d != name);
    let is_test = |target: &&Value| target["kind"].as_array().is_some_and(|k| k.iter().any(|k| k == "test"));
    let empty = |field: &Value| field.is_null() || field.as_array().is_some_and(Vec::is_empty);
    let by_path = |d: &&Value| d["kind"].as_str() != Some("dev") && d["req"].as_str() == Some("*");
    let unversioned = array("dependencies").iter().filter(by_path).filter_map(|d| d["name"].as_str());
    let tests = array("targets").iter().filter(is_test).filter_map(|t| t["name"].as_str());
    Ok(Member {
        depends: depends.map(str::to_owned).collect(),
        tests: tests.map(str::to_owned).collect(),
        version: package["version"].as_str().context("a package without a version")?.to_owned(),
        is_published: package["publish"].as_array().is_none_or(|registries| !registries.is_empty()),
        lacks: FIELDS.into_iter().filter(|field| empty(&package[*field])).collect(),
        unversioned: unversioned.map(str::to_owned).collect(),
        dir: manifest.parent().context("a manifest without a directory")?.to_owned(),
        name,
    })
}
