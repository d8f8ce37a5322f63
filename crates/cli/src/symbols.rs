//! Names for the addresses of a profile, from the files that the program had mapped.

use crate::elf::Elf;
use crate::pprof::{Location, Mapping, Profile};
use addr2line::{Loader, demangle_auto};
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

/// Names of addresses, looked up once each.
pub struct Symbols<'a> {
    profile: &'a Profile,
    files: HashMap<i64, Option<File>>,
    names: HashMap<u64, String>,
}

/// The library's names that are not its own.
const ALLOCATORS: &[&str] = &[
    "malloc",
    "calloc",
    "realloc",
    "reallocarray",
    "aligned_alloc",
    "memalign",
    "posix_memalign",
    "valloc",
    "pvalloc",
    "go_malloc",
    "go_calloc",
    "go_realloc",
    "go_aligned_alloc",
    "_Znwm",
    "_Znam",
    "_ZnwmSt11align_val_t",
    "_ZnamSt11align_val_t",
];

struct File {
    elf: Elf,
    loader: Loader,
}

impl<'a> Symbols<'a> {
    /// Nothing looked up yet.
    pub fn new(profile: &'a Profile) -> Self {
        Self { profile, files: HashMap::new(), names: HashMap::new() }
    }

    /// The name of a location: function, and file and line where the program has debug information.
    pub fn name(&mut self, location: &Location) -> &str {
        if !self.names.contains_key(&location.id) {
            let name = self.look_up(location).unwrap_or_else(|| self.fallback(location));
            self.names.insert(location.id, name);
        }
        &self.names[&location.id]
    }

    /// Whether a location is the library's own, in a program that was linked with it.
    pub fn is_own(&mut self, location: &Location) -> bool {
        self.symbol(location).is_some_and(|symbol| {
            let name = demangle_auto(Cow::Borrowed(symbol), None);
            name.trim_start_matches('<').starts_with("gort") || ALLOCATORS.contains(&symbol)
        })
    }

    fn symbol(&mut self, location: &Location) -> Option<&str> {
        let (file, address, _) = self.file_of(location)?;
        file.loader.find_symbol(address)
    }

    /// The file of a location, the address that it was linked for, and the file's path.
    fn file_of(&mut self, location: &Location) -> Option<(&File, u64, &'a str)> {
        let mapping = self.mapping(location)?;
        let path = self.profile.text(mapping.filename);
        let file = self
            .files
            .entry(mapping.filename)
            .or_insert_with(|| {
                Some(File { elf: Elf::read(Path::new(path))?, loader: Loader::new(path).ok()? })
            })
            .as_ref()?;
        let address = file.elf.address_of(location.address - mapping.memory_start + mapping.file_offset)?;
        Some((file, address, path))
    }

    fn look_up(&mut self, location: &Location) -> Option<String> {
        let (file, address, path) = self.file_of(location)?;
        let mut frames = file.loader.find_frames(address).ok()?;
        if let Ok(Some(frame)) = frames.next()
            && let Some(function) = frame.function
        {
            let name = function.demangle().unwrap_or(Cow::Borrowed("?")).into_owned();
            let place = frame.location.and_then(|at| Some((at.file?, at.line?)));
            return Some(match place {
                Some((file, line)) => format!("{name} {}:{line}", base_name(file)),
                None => name,
            });
        }
        let symbol = file.loader.find_symbol(address)?;
        Some(format!("{} ({})", demangle_auto(Cow::Borrowed(symbol), None), base_name(path)))
    }

    /// Where the address is, at least.
    fn fallback(&self, location: &Location) -> String {
        match self.mapping(location) {
            Some(mapping) => {
                let path = self.profile.text(mapping.filename);
                let offset = location.address - mapping.memory_start + mapping.file_offset;
                format!("{}+{offset:#x}", base_name(path))
            }
            None => format!("{:#x}", location.address),
        }
    }

    fn mapping(&self, location: &Location) -> Option<&'a Mapping> {
        self.profile.mapping.iter().find(|mapping| {
            mapping.id == location.mapping_id
                && (mapping.memory_start..mapping.memory_limit).contains(&location.address)
        })
    }
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
