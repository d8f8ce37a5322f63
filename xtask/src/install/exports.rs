//! The names that libgort.so exports: the C library's, C++'s operators, and what begins with `go_`. No others.

use crate::run::Cmd;
use anyhow::Result;
use std::collections::BTreeSet;
use std::path::Path;

/// The C library's names, as docs/C-API.md lists them.
const LIBC: &[&str] = &[
    "malloc",
    "calloc",
    "realloc",
    "reallocarray",
    "free",
    "free_sized",
    "free_aligned_sized",
    "cfree",
    "aligned_alloc",
    "posix_memalign",
    "memalign",
    "valloc",
    "pvalloc",
    "malloc_usable_size",
    "malloc_trim",
    "mallopt",
    "mallinfo",
    "mallinfo2",
    "malloc_stats",
    "malloc_info",
    "__libc_malloc",
    "__libc_calloc",
    "__libc_realloc",
    "__libc_free",
    "__libc_memalign",
    "__libc_valloc",
    "__libc_pvalloc",
    "__posix_memalign",
];

/// How the symbols of `operator new` and `operator new[]` go on.
const NEW: &[&str] = &["m", "mRKSt9nothrow_t", "mSt11align_val_t", "mSt11align_val_tRKSt9nothrow_t"];

/// How the symbols of `operator delete` and `operator delete[]` go on.
const DELETE: &[&str] = &[
    "Pv",
    "PvRKSt9nothrow_t",
    "PvSt11align_val_t",
    "PvSt11align_val_tRKSt9nothrow_t",
    "Pvm",
    "PvmSt11align_val_t",
];

/// Every name that is asked for, besides `go_`.
fn promised() -> BTreeSet<String> {
    let new =
        ["_Znw", "_Zna"].into_iter().flat_map(|stem| NEW.iter().map(move |rest| format!("{stem}{rest}")));
    let delete =
        ["_Zdl", "_Zda"].into_iter().flat_map(|stem| DELETE.iter().map(move |rest| format!("{stem}{rest}")));
    LIBC.iter().map(|name| (*name).to_owned()).chain(new).chain(delete).collect()
}

/// The names that a library exports beyond the promise, and those that it lacks.
pub(crate) fn deviations(library: &Path) -> Result<Vec<String>> {
    let listing = Cmd::new("nm").args(["-D", "--defined-only", "--format=posix"]).arg(library).ok()?;
    let listing = String::from_utf8_lossy(&listing.stdout).into_owned();
    let found: BTreeSet<String> =
        listing.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    Ok(compare(&found))
}

fn compare(found: &BTreeSet<String>) -> Vec<String> {
    let promised = promised();
    let more = found.difference(&promised).filter(|name| !name.starts_with("go_"));
    let more = more.map(|name| format!("exported without need: {name}"));
    more.chain(promised.difference(found).map(|name| format!("not exported: {name}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_new_and_twelve_delete() {
        let count =
            |stems: [&str; 2]| promised().iter().filter(|n| stems.iter().any(|s| n.starts_with(s))).count();
        assert_eq!((count(["_Znw", "_Zna"]), count(["_Zdl", "_Zda"])), (8, 12));
    }

    #[test]
    fn a_name_too_many_and_a_name_too_few_are_told() {
        let mut found = promised();
        found.insert("go_run".into());
        assert!(compare(&found).is_empty());
        found.insert("rust_eh_personality".into());
        found.remove("cfree");
        assert_eq!(compare(&found), ["exported without need: rust_eh_personality", "not exported: cfree"]);
    }
}
