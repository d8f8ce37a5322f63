//! Results that an unchanged input need not earn again: a file per result, which holds the input's hash and a count.

use anyhow::{Context as _, Result};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

/// The hash of everything that a result depends on.
#[derive(Default)]
pub(crate) struct Input(DefaultHasher);

impl Input {
    pub(crate) fn text(mut self, text: &str) -> Self {
        text.hash(&mut self.0);
        self
    }

    /// A file's content; a missing file counts as an empty one.
    pub(crate) fn file(mut self, path: &Path) -> Self {
        std::fs::read(path).unwrap_or_default().hash(&mut self.0);
        self
    }

    /// Names and contents of all files below a directory, build output aside.
    pub(crate) fn tree(mut self, dir: &Path) -> Result<Self> {
        for path in files_below(dir)? {
            self = self.text(&path.to_string_lossy()).file(&path);
        }
        Ok(self)
    }

    fn value(&self) -> String {
        format!("{:016x}", self.0.finish())
    }
}

/// All files below a directory in the order of their names, without `target` directories and hidden files.
pub(crate) fn files_below(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = std::fs::read_dir(dir).with_context(|| dir.display().to_string())?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "target" {
            continue;
        }
        if path.is_dir() { found.extend(files_below(&path)?) } else { found.push(path) }
    }
    Ok(found)
}

/// The count that `stamp` keeps, when it stands for this input.
pub(crate) fn count(stamp: &Path, input: &Input) -> Option<usize> {
    let text = std::fs::read_to_string(stamp).ok()?;
    let (value, count) = text.split_once(' ')?;
    if value == input.value() { count.parse().ok() } else { None }
}

/// Records a result that stands for this input.
pub(crate) fn record(stamp: &Path, input: &Input, count: usize) -> Result<()> {
    std::fs::write(stamp, format!("{} {count}", input.value())).with_context(|| stamp.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_changes_the_input() {
        let dir = std::env::temp_dir().join(format!("gort-cache-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("target")).unwrap();
        std::fs::write(dir.join("a"), "1").unwrap();
        let stamp = dir.join(".stamp");
        record(&stamp, &Input::default().tree(&dir).unwrap(), 7).unwrap();
        std::fs::write(dir.join("target/b"), "build output").unwrap();
        assert_eq!(count(&stamp, &Input::default().tree(&dir).unwrap()), Some(7));
        std::fs::write(dir.join("a"), "2").unwrap();
        assert_eq!(count(&stamp, &Input::default().tree(&dir).unwrap()), None);
        std::fs::remove_dir_all(dir).unwrap();
    }
}
