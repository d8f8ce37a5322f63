//! The release build of the library, staged under the names that a linker and a loader look for.

use crate::workspace::Workspace;
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};

/// A directory with `libgort.so`, `libgort.so.0` and `libgort.a`, and the header beside it when there is one.
pub(crate) struct Library {
    pub(crate) dir: PathBuf,
    pub(crate) include: PathBuf,
}

impl Library {
    /// Builds the facade for release and stages it. A file that did not change keeps its time.
    pub(crate) fn build(workspace: &Workspace) -> Result<Self> {
        workspace.cargo(["build", "--release", "-p", "gort"]).ok()?;
        Self::stage(workspace, &workspace.target, workspace.work_dir("lib")?)
    }

    /// The library whose OS calls fail on request, with the checks of debug builds, in a target directory of its own.
    pub(crate) fn build_with_faults(workspace: &Workspace) -> Result<Self> {
        let target = workspace.target.join("fault");
        workspace
            .cargo(["build", "--release", "-p", "gort", "--features", "fault", "--target-dir"])
            .arg(&target)
            .env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true")
            .env("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true")
            .ok()?;
        Self::stage(workspace, &target, workspace.work_dir("lib-fault")?)
    }

    fn stage(workspace: &Workspace, target: &Path, dir: PathBuf) -> Result<Self> {
        let built = target.join("release");
        for name in ["libgort.so", "libgort.a"] {
            refresh(&built.join(name), &dir.join(name))?;
        }
        let versioned = dir.join("libgort.so.0");
        if !versioned.exists() {
            std::os::unix::fs::symlink("libgort.so", &versioned)?;
        }
        Ok(Self { dir, include: workspace.root.join("include") })
    }

    pub(crate) fn shared(&self) -> PathBuf {
        self.dir.join("libgort.so")
    }

    pub(crate) fn archive(&self) -> PathBuf {
        self.dir.join("libgort.a")
    }
}

/// Builds the command `gort` for release; its path.
pub(crate) fn build_command(workspace: &Workspace) -> Result<PathBuf> {
    // Not together with the library: the features that the command wants of a crate would be the library's, too.
    workspace.cargo(["build", "--release", "-p", "gort-cli"]).ok()?;
    Ok(workspace.target.join("release/gort"))
}

/// Copies `from` to `to` when they differ; the old file stays whole for those who run on it.
fn refresh(from: &Path, to: &Path) -> Result<()> {
    let new = std::fs::read(from).with_context(|| from.display().to_string())?;
    if std::fs::read(to).is_ok_and(|old| old == new) {
        return Ok(());
    }
    let fresh = to.with_extension("new");
    std::fs::write(&fresh, new)?;
    std::fs::rename(&fresh, to).with_context(|| to.display().to_string())
}
