//! `cargo xtask install --prefix DIR`: the library, the header, the command, and what pkg-config and CMake look for.
//!
//! ```text
//! DIR/bin/gort                                the command
//! DIR/include/gort.h, gort.hpp
//! DIR/lib/libgort.so -> libgort.so.0 -> libgort.so.0.1.0   stripped
//! DIR/lib/libgort.a
//! DIR/lib/pkgconfig/gort.pc                   finds the rest from where it lies, as CMake's files do
//! DIR/lib/cmake/gort/gortConfig.cmake         targets gort::gort and gort::static
//! ```

pub(crate) mod exports;

use crate::library::{Library, build_command};
use crate::run::Cmd;
use crate::workspace::Workspace;
use anyhow::{Context as _, Result};
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

/// What `cargo xtask install` is told.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where to install; /usr/local, for example.
    #[arg(long)]
    prefix: PathBuf,
}

/// The version of the interface: the library's soname is `libgort.so.0`.
const SONAME: &str = "libgort.so.0";

pub(crate) fn run(args: &Args) -> Result<()> {
    let workspace = Workspace::load()?;
    let library = Library::build(&workspace)?;
    let installed = install(&workspace, &library, &args.prefix)?;
    for (path, bytes) in &installed {
        println!("  {:<48} {:>8.1} KiB", path.display(), *bytes as f64 / 1024.0);
    }
    Ok(())
}

/// Installs everything; the paths below the prefix, with their sizes.
pub(crate) fn install(
    workspace: &Workspace,
    library: &Library,
    prefix: &Path,
) -> Result<Vec<(PathBuf, u64)>> {
    let version = &workspace.member("gort").context("there is no crate gort")?.version;
    let full_name = format!("libgort.so.{version}");
    let mut target = Target { prefix: prefix.to_owned(), made: Vec::new() };
    target.copy(&library.shared(), &format!("lib/{full_name}"), 0o755)?;
    target.copy(&library.archive(), "lib/libgort.a", 0o644)?;
    Cmd::new("strip").arg("--strip-unneeded").arg(prefix.join("lib").join(&full_name)).ok()?;
    Cmd::new("strip").arg("--strip-debug").arg(prefix.join("lib/libgort.a")).ok()?;
    target.link(&full_name, &format!("lib/{SONAME}"))?;
    target.link(SONAME, "lib/libgort.so")?;
    target.copy(&library.include.join("gort.h"), "include/gort.h", 0o644)?;
    target.copy(&library.include.join("gort.hpp"), "include/gort.hpp", 0o644)?;
    target.write("lib/pkgconfig/gort.pc", &PKG_CONFIG.replace("@VERSION@", version))?;
    target.write("lib/cmake/gort/gortConfig.cmake", CMAKE_CONFIG)?;
    target.write("lib/cmake/gort/gortConfigVersion.cmake", &CMAKE_VERSION.replace("@VERSION@", version))?;
    target.copy(&build_command(workspace)?, "bin/gort", 0o755)?;
    Cmd::new("strip").arg(prefix.join("bin/gort")).ok()?;
    target.sizes()
}

/// The tree that is written.
struct Target {
    prefix: PathBuf,
    made: Vec<PathBuf>,
}

impl Target {
    /// The place of a new file; whatever was there is gone, so that no running program sees its library change.
    fn place(&mut self, name: &str) -> Result<PathBuf> {
        let path = self.prefix.join(name);
        let dir = path.parent().context("a file without a directory")?;
        fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        if fs::symlink_metadata(&path).is_ok() {
            fs::remove_file(&path).with_context(|| path.display().to_string())?;
        }
        self.made.push(name.into());
        Ok(path)
    }

    fn copy(&mut self, from: &Path, name: &str, mode: u32) -> Result<()> {
        let to = self.place(name)?;
        fs::copy(from, &to).with_context(|| from.display().to_string())?;
        Ok(fs::set_permissions(&to, fs::Permissions::from_mode(mode))?)
    }

    fn write(&mut self, name: &str, text: &str) -> Result<()> {
        let to = self.place(name)?;
        fs::write(&to, text).with_context(|| to.display().to_string())
    }

    fn link(&mut self, to: &str, name: &str) -> Result<()> {
        let at = self.place(name)?;
        symlink(to, &at).with_context(|| at.display().to_string())
    }

    fn sizes(self) -> Result<Vec<(PathBuf, u64)>> {
        let size = |name: PathBuf| Ok((name.clone(), fs::symlink_metadata(self.prefix.join(&name))?.len()));
        self.made.into_iter().map(size).collect()
    }
}

const PKG_CONFIG: &str = "\
prefix=${pcfiledir}/../..
libdir=${prefix}/lib
includedir=${prefix}/include

Name: gort
Description: The Go runtime as a library
Version: @VERSION@
Cflags: -I${includedir}
Libs: -L${libdir} -lgort
Libs.private: -pthread
";

const CMAKE_CONFIG: &str = "\
# gort::gort is the shared library, gort::static the archive.
get_filename_component(_gort_prefix \"${CMAKE_CURRENT_LIST_DIR}/../../..\" ABSOLUTE)
find_package(Threads REQUIRED)
if(NOT TARGET gort::gort)
  add_library(gort::gort SHARED IMPORTED)
  set_target_properties(gort::gort PROPERTIES
    IMPORTED_LOCATION \"${_gort_prefix}/lib/libgort.so\"
    IMPORTED_SONAME \"libgort.so.0\"
    INTERFACE_INCLUDE_DIRECTORIES \"${_gort_prefix}/include\")
  add_library(gort::static STATIC IMPORTED)
  set_target_properties(gort::static PROPERTIES
    IMPORTED_LOCATION \"${_gort_prefix}/lib/libgort.a\"
    INTERFACE_INCLUDE_DIRECTORIES \"${_gort_prefix}/include\"
    INTERFACE_LINK_LIBRARIES Threads::Threads)
endif()
unset(_gort_prefix)
";

const CMAKE_VERSION: &str = "\
# Before 1.0, a new minor version may change the interface.
set(PACKAGE_VERSION \"@VERSION@\")
string(REGEX MATCH \"^[0-9]+\\\\.[0-9]+\" _gort_series \"${PACKAGE_VERSION}\")
if(PACKAGE_FIND_VERSION_COUNT LESS 2)
  set(_gort_wanted \"${_gort_series}\")
else()
  set(_gort_wanted \"${PACKAGE_FIND_VERSION_MAJOR}.${PACKAGE_FIND_VERSION_MINOR}\")
endif()
if(PACKAGE_VERSION VERSION_LESS PACKAGE_FIND_VERSION OR NOT _gort_wanted STREQUAL _gort_series)
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
else()
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
  if(PACKAGE_VERSION VERSION_EQUAL PACKAGE_FIND_VERSION)
    set(PACKAGE_VERSION_EXACT TRUE)
  endif()
endif()
";
