//! What can be seen in the file of a program: whether the dynamic loader starts it, and where its segments go.

use std::path::Path;

use object::elf::{FileHeader64, PT_INTERP, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, ReadCache};

/// A part of a file that is mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where it starts in the file.
    pub offset: u64,
    /// The address that the file was linked for.
    pub address: u64,
    /// Bytes in the file.
    pub len: u64,
}

/// What a 64-bit ELF file says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elf {
    /// Whether it names a dynamic loader; without one nothing can be preloaded.
    pub has_loader: bool,
    /// The parts that are mapped.
    pub segments: Vec<Segment>,
}

impl Elf {
    /// Reads a file's headers; `None` when it is no such file: a script, or something unreadable.
    pub fn read(path: &Path) -> Option<Self> {
        let data = ReadCache::new(std::fs::File::open(path).ok()?);
        let header = FileHeader64::<Endianness>::parse(&data).ok()?;
        let endian = header.endian().ok()?;
        let mut elf = Self::default();
        for segment in header.program_headers(endian, &data).ok()? {
            match segment.p_type(endian) {
                PT_INTERP => elf.has_loader = true,
                PT_LOAD => elf.segments.push(Segment {
                    offset: segment.p_offset(endian),
                    address: segment.p_vaddr(endian),
                    len: segment.p_filesz(endian),
                }),
                _ => {}
            }
        }
        Some(elf)
    }

    /// The address that the byte at an offset of the file was linked for.
    pub fn address_of(&self, offset: u64) -> Option<u64> {
        let holds = |s: &&Segment| (s.offset..s.offset + s.len).contains(&offset);
        self.segments.iter().find(holds).map(|s| s.address + (offset - s.offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_has_a_loader_and_a_script_is_none() {
        let elf = Elf::read(Path::new("/proc/self/exe")).unwrap();
        assert!(elf.has_loader && elf.segments.len() > 1, "{elf:?}");
        assert_eq!(Elf::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")), None);
    }

    #[test]
    fn addresses_follow_the_segments() {
        let segment = |offset, address, len| Segment { offset, address, len };
        let elf =
            Elf { has_loader: true, segments: vec![segment(0, 0, 0x500), segment(0x500, 0x1500, 0x100)] };
        assert_eq!(elf.address_of(0x4ff), Some(0x4ff));
        assert_eq!(elf.address_of(0x510), Some(0x1510));
        assert_eq!(elf.address_of(0x600), None);
    }
}
