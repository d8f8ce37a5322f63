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

    fn look_up(&mut self, location: &Location) -> Option<String> {
        let mapping = self.mapping(location)?.clone();
        let path = self.profile.text(mapping.filename).to_string();
        let file = self
            .files
            .entry(mapping.filename)
            .or_insert_with(|| {
                Some(File { elf: Elf::read(Path::new(&path))?, loader: Loader::new(&path).ok()? })
            })
            .as_ref()?;
        let address = file.elf.address_of(location.address - mapping.memory_start + mapping.file_offset)?;
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
        Some(format!("{} ({})", demangle_auto(Cow::Borrowed(symbol), None), base_name(&path)))
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
