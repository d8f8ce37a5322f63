//! Where libgort.so is.

use crate::Failure;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The variable that names the library.
pub const VARIABLE: &str = "GORT_LIBRARY";

/// Where the library may be, seen from the directory of the command: beside it, where `install --prefix` puts the two,
/// and in a target directory of cargo.
const PLACES: &[&str] = &["libgort.so", "../lib/libgort.so", "../lib64/libgort.so", "../release/libgort.so"];

/// The library's path, absolute: as `named` says, or of the places around the command the first that has it.
pub fn find(named: Option<&OsStr>, command: &Path) -> Result<PathBuf, Failure> {
    let found = match named.filter(|name| !name.is_empty()) {
        Some(name) => is_file(Path::new(name)).ok_or_else(|| {
            Failure::own(format_args!("{VARIABLE} names {}, where there is no file", name.display()))
        })?,
        None => {
            let around = command.parent().unwrap_or(Path::new("/"));
            PLACES.iter().find_map(|place| is_file(&around.join(place))).ok_or_else(|| not_found(around))?
        }
    };
    // The loader splits its list at these, and knows no way to quote them.
    if found.as_os_str().as_bytes().iter().any(|c| b" :".contains(c)) {
        let path = found.display();
        return Err(Failure::own(format_args!("cannot preload {path}: a blank or a colon in the path")));
    }
    Ok(found)
}

fn is_file(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().filter(|path| path.is_file())
}

fn not_found(around: &Path) -> Failure {
    let tried: Vec<String> = PLACES.iter().map(|place| around.join(place).display().to_string()).collect();
    Failure::own(format_args!(
        "no libgort.so: not at {}; build it (cargo build --release -p gort), or set {VARIABLE} to its path",
        tried.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("gort-library-{name}-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("bin")).unwrap();
        std::fs::create_dir_all(dir.join("lib")).unwrap();
        dir.canonicalize().unwrap()
    }

    #[test]
    fn the_variable_comes_first_then_the_places_in_order() {
        let dir = directory("order");
        let command = dir.join("bin/gort");
        let touch = |path: &str| std::fs::write(dir.join(path), "").unwrap();
        let message = find(None, &command).unwrap_err().message;
        assert!(message.contains("GORT_LIBRARY") && message.contains("bin/libgort.so"), "{message}");
        touch("lib/libgort.so");
        assert_eq!(find(None, &command).unwrap(), dir.join("lib/libgort.so"));
        touch("bin/libgort.so");
        assert_eq!(find(None, &command).unwrap(), dir.join("bin/libgort.so"));
        touch("mine.so");
        assert_eq!(find(Some(dir.join("mine.so").as_os_str()), &command).unwrap(), dir.join("mine.so"));
        assert!(find(Some(dir.join("other.so").as_os_str()), &command).is_err());
        assert_eq!(find(Some(OsStr::new("")), &command).unwrap(), dir.join("bin/libgort.so"));
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_path_that_the_loader_would_split_is_refused() {
        let dir = directory("with blank");
        std::fs::write(dir.join("lib/libgort.so"), "").unwrap();
        assert!(find(None, &dir.join("bin/gort")).unwrap_err().message.contains("blank"));
        std::fs::remove_dir_all(dir).unwrap();
    }
}
