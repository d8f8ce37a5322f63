//! The peers, built from the C and C++ sources that their crates carry.
//!
//! Each becomes the library that its project means to be preloaded, with that project's own build's flags: a Rust shell
//! around it would put a jump before every call. `benches/peers/Cargo.toml` pins the versions, and cargo fetches them.

use crate::cache::{self, Input};
use crate::run::Cmd;
use crate::workspace::Workspace;
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A peer and how it is made into a library.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    package: &'static str,
    recipe: fn(source: &Path, scratch: &Path, library: &Path) -> Result<()>,
}

pub(crate) const ALL: &[Peer] = &[
    Peer {
        name: "mimalloc3",
        package: "libmimalloc-sys",
        recipe: |s, _, lib| mimalloc(&s.join("c_src/mimalloc/v3"), lib),
    },
    Peer {
        name: "mimalloc2",
        package: "libmimalloc-sys",
        recipe: |s, _, lib| mimalloc(&s.join("c_src/mimalloc/v2"), lib),
    },
    Peer { name: "snmalloc", package: "snmalloc-sys", recipe: snmalloc },
    Peer { name: "rpmalloc", package: "rpmalloc-sys", recipe: rpmalloc },
    Peer { name: "jemalloc", package: "tikv-jemalloc-sys", recipe: jemalloc },
];

/// What every compilation of a library shares.
const SHARED: [&str; 7] =
    ["-O3", "-DNDEBUG", "-fPIC", "-shared", "-pthread", "-fvisibility=hidden", "-ftls-model=initial-exec"];

/// Builds the peer, unless it stands there already, and gives its library.
pub(crate) fn build(workspace: &Workspace, peer: &Peer) -> Result<PathBuf> {
    let dir = workspace.work_dir("bench/peers")?;
    let library = dir.join(format!("lib{}.so", peer.name));
    let stamp = dir.join(format!("{}.stamp", peer.name));
    let source = source(workspace, peer.package)?;
    // The recipes stand in this file; the directory's name holds the version.
    let input = Input::default().text(include_str!("peers.rs")).text(&source.to_string_lossy());
    if library.exists() && cache::count(&stamp, &input).is_some() {
        return Ok(library);
    }
    println!("building {} from {}", peer.name, source.file_name().unwrap_or_default().display());
    let scratch = workspace.work_dir(&format!("bench/peers/{}", peer.name))?;
    let outcome = (peer.recipe)(&source, &scratch, &library);
    std::fs::remove_dir_all(&scratch)?;
    outcome?;
    cache::record(&stamp, &input, 1)?;
    Ok(library)
}

/// Where cargo keeps the sources of a package.
fn source(workspace: &Workspace, package: &str) -> Result<PathBuf> {
    let manifest = workspace.root.join("benches/peers/Cargo.toml");
    let query = Cmd::new("cargo")
        .args(["metadata", "--locked", "--format-version", "1", "--manifest-path"])
        .arg(manifest);
    let data: Value = serde_json::from_slice(&query.limit(300).ok()?.stdout)?;
    let packages = data["packages"].as_array().context("cargo metadata names no packages")?;
    let found =
        packages.iter().find(|p| p["name"] == package).with_context(|| format!("no package {package}"))?;
    let manifest = found["manifest_path"].as_str().context("a package without a manifest")?;
    Ok(Path::new(manifest).parent().context("a manifest without a directory")?.to_owned())
}

fn mimalloc(source: &Path, library: &Path) -> Result<()> {
    let include = format!("-I{}", source.join("include").display());
    let defines = ["-DMI_MALLOC_OVERRIDE", "-DMI_SHARED_LIB", "-DMI_SHARED_LIB_EXPORT"];
    let cc = Cmd::new("cc").args(SHARED).args(["-std=gnu11", "-fno-builtin-malloc", &include]).args(defines);
    cc.arg(source.join("src/static.c")).arg("-o").arg(library).limit(300).ok().map(drop)
}

/// The options are the defaults of its CMakeLists.txt on Linux.
fn snmalloc(source: &Path, _: &Path, library: &Path) -> Result<()> {
    const OPTIONS: [&str; 10] = [
        "-DSNMALLOC_EXPORT=__attribute__((visibility(\"default\")))",
        "-DSNMALLOC_USE_CXX11_THREAD_ATEXIT_DIRECT",
        "-DSNMALLOC_USE_WAIT_ON_ADDRESS=1",
        "-DSNMALLOC_NO_REALLOCARRAY",
        "-DSNMALLOC_NO_REALLOCARR",
        "-DMALLOC_USABLE_SIZE_QUALIFIER=",
        "-DSNMALLOC_CHECK_LOADS=false",
        "-DSNMALLOC_PAGEID=false",
        "-fomit-frame-pointer",
        "-ffunction-sections",
    ];
    let own = source.join("upstream/src");
    let include = format!("-I{}", own.display());
    let mut cc =
        Cmd::new("c++").args(SHARED).args(["-std=c++20", "-static-libstdc++", &include]).args(OPTIONS);
    if cfg!(target_arch = "x86_64") {
        cc = cc.args(["-mcx16", "-mprfchw"]);
    }
    let files = ["malloc.cc", "new.cc"].map(|name| own.join("snmalloc/override").join(name));
    cc.args(files).arg("-Wl,--exclude-libs,ALL").arg("-o").arg(library).limit(300).ok().map(drop)
}

fn rpmalloc(source: &Path, _: &Path, library: &Path) -> Result<()> {
    let defines = ["-D_GNU_SOURCE=1", "-DENABLE_PRELOAD=1", "-DENABLE_OVERRIDE=1"];
    let file = source.join("rpmalloc/rpmalloc/rpmalloc.c");
    Cmd::new("cc").args(SHARED).args(defines).arg(file).arg("-o").arg(library).limit(300).ok().map(drop)
}

/// Its own configure and make; then linked once more with the C++ library inside, since a program in C would else be
/// measured with libstdc++ in its memory.
fn jemalloc(source: &Path, scratch: &Path, library: &Path) -> Result<()> {
    Cmd::new("cp").args(["-r"]).arg(source.join("jemalloc/.")).arg(scratch).ok()?;
    Cmd::new("cp").arg(source.join("configure/configure")).arg(scratch).ok()?;
    let version = source.file_name().unwrap_or_default().to_string_lossy();
    let version = version.split_once('+').context("jemalloc's version is not in its directory's name")?.1;
    let configure = Cmd::new("sh").args(["configure", "--disable-doc", "--disable-static", "--enable-cxx"]);
    configure.arg(format!("--with-version={version}")).dir(scratch).limit(300).ok()?;
    Cmd::new("make").args(["-j2", "build_lib_shared"]).dir(scratch).limit(600).ok()?;
    let link = "exec c++ -shared -static-libstdc++ -static-libgcc -Wl,--exclude-libs,ALL src/*.pic.o -pthread -ldl -lm -o";
    Cmd::new("sh").arg("-c").arg(format!("{link} '{}'", library.display())).dir(scratch).ok().map(drop)
}
