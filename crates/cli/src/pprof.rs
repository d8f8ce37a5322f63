//! A heap profile, read: the gzipped protobuf that `profile.proto` of google/pprof defines.

use crate::Failure;
use prost::Message;
use std::io::Read;
use std::path::Path;

/// A profile. Strings are numbers of the string table.
#[derive(Clone, PartialEq, Message)]
pub struct Profile {
    /// What the values of a sample are.
    #[prost(message, repeated, tag = "1")]
    pub sample_type: Vec<ValueType>,
    /// One for each stack and size.
    #[prost(message, repeated, tag = "2")]
    pub sample: Vec<Sample>,
    /// The executable mappings of the process.
    #[prost(message, repeated, tag = "3")]
    pub mapping: Vec<Mapping>,
    /// The addresses of the stacks.
    #[prost(message, repeated, tag = "4")]
    pub location: Vec<Location>,
    /// All strings; the first is empty.
    #[prost(string, repeated, tag = "6")]
    pub string_table: Vec<String>,
    /// Names of functions that are not worth showing, a regular expression.
    #[prost(int64, tag = "7")]
    pub drop_frames: i64,
    /// When it was taken, in nanoseconds since 1970.
    #[prost(int64, tag = "9")]
    pub time_nanos: i64,
    /// What lies between two samples.
    #[prost(message, optional, tag = "11")]
    pub period_type: Option<ValueType>,
    /// How much of it.
    #[prost(int64, tag = "12")]
    pub period: i64,
    /// The type to show first.
    #[prost(int64, tag = "14")]
    pub default_sample_type: i64,
}

/// A kind of value and its unit.
#[derive(Clone, PartialEq, Message)]
pub struct ValueType {
    /// Such as `inuse_space`.
    #[prost(int64, tag = "1")]
    pub kind: i64,
    /// Such as `bytes`.
    #[prost(int64, tag = "2")]
    pub unit: i64,
}

/// A stack and its values.
#[derive(Clone, PartialEq, Message)]
pub struct Sample {
    /// The innermost call comes first.
    #[prost(uint64, repeated, tag = "1")]
    pub location_id: Vec<u64>,
    /// One for each type.
    #[prost(int64, repeated, tag = "2")]
    pub value: Vec<i64>,
    /// What else is known of it.
    #[prost(message, repeated, tag = "3")]
    pub label: Vec<Label>,
}

/// A property of a sample.
#[derive(Clone, PartialEq, Message)]
pub struct Label {
    /// Its name.
    #[prost(int64, tag = "1")]
    pub key: i64,
    /// Its value, a number.
    #[prost(int64, tag = "3")]
    pub num: i64,
    /// The number's unit.
    #[prost(int64, tag = "4")]
    pub num_unit: i64,
}

/// A part of a file in memory.
#[derive(Clone, PartialEq, Message)]
pub struct Mapping {
    /// Not nought.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// The first address.
    #[prost(uint64, tag = "2")]
    pub memory_start: u64,
    /// The first address behind it.
    #[prost(uint64, tag = "3")]
    pub memory_limit: u64,
    /// Where in the file it starts.
    #[prost(uint64, tag = "4")]
    pub file_offset: u64,
    /// The file.
    #[prost(int64, tag = "5")]
    pub filename: i64,
}

/// An address in code.
#[derive(Clone, PartialEq, Message)]
pub struct Location {
    /// Not nought.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// Nought: in no file.
    #[prost(uint64, tag = "2")]
    pub mapping_id: u64,
    /// The address, inside of the call.
    #[prost(uint64, tag = "3")]
    pub address: u64,
}

impl Profile {
    /// Reads a file, compressed or not.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let fail = |e: &dyn std::fmt::Display| Failure::own(format_args!("{}: {e}", path.display()));
        let raw = std::fs::read(path).map_err(|e| fail(&e))?;
        Self::decode_any(&raw).map_err(|e| fail(&format_args!("no profile: {e}")))
    }

    /// Decodes a profile, compressed or not.
    pub fn decode_any(raw: &[u8]) -> Result<Self, Box<dyn std::error::Error>> {
        if !raw.starts_with(&[0x1f, 0x8b]) {
            return Ok(Self::decode(raw)?);
        }
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(raw).read_to_end(&mut bytes)?;
        Ok(Self::decode(bytes.as_slice())?)
    }

    /// A string by number; empty when there is none.
    pub fn text(&self, number: i64) -> &str {
        usize::try_from(number).ok().and_then(|at| self.string_table.get(at)).map_or("", String::as_str)
    }

    /// Which value of a sample is of a kind.
    pub fn value_index(&self, kind: &str) -> Option<usize> {
        self.sample_type.iter().position(|each| self.text(each.kind) == kind)
    }
}
