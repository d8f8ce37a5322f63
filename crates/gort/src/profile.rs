//! The heap profile in pprof's format: a gzipped protobuf, as `profile.proto` of google/pprof defines it.
//!
//! Follows `writeHeapProto` of Go's `runtime/pprof`: four values a stack (objects and bytes, allocated and in use), scaled
//! up from samples to an estimate of the whole; the label `bytes` is the size that was asked for. Addresses stay
//! addresses; the mappings of the process come along, so that the tool finds the symbols.
//!
//! A stack starts where the program called: the library's own frames are cut off. In a program that contains the library
//! they cannot be told by their mapping; there the tool drops them by name.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use gort_malloc::MALLOC;
use gort_malloc::sample::Bucket;
use gort_sys::{clock, env, maps};
use prost::Message;

/// The messages of profile.proto, as far as a heap profile uses them.
mod proto {
    use super::{String, Vec};

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Profile {
        #[prost(message, repeated, tag = "1")]
        pub sample_type: Vec<ValueType>,
        #[prost(message, repeated, tag = "2")]
        pub sample: Vec<Sample>,
        #[prost(message, repeated, tag = "3")]
        pub mapping: Vec<Mapping>,
        #[prost(message, repeated, tag = "4")]
        pub location: Vec<Location>,
        #[prost(string, repeated, tag = "6")]
        pub string_table: Vec<String>,
        #[prost(int64, tag = "7")]
        pub drop_frames: i64,
        #[prost(int64, tag = "9")]
        pub time_nanos: i64,
        #[prost(message, optional, tag = "11")]
        pub period_type: Option<ValueType>,
        #[prost(int64, tag = "12")]
        pub period: i64,
        #[prost(int64, tag = "14")]
        pub default_sample_type: i64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct ValueType {
        #[prost(int64, tag = "1")]
        pub kind: i64,
        #[prost(int64, tag = "2")]
        pub unit: i64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Sample {
        #[prost(uint64, repeated, tag = "1")]
        pub location_id: Vec<u64>,
        #[prost(int64, repeated, tag = "2")]
        pub value: Vec<i64>,
        #[prost(message, repeated, tag = "3")]
        pub label: Vec<Label>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Label {
        #[prost(int64, tag = "1")]
        pub key: i64,
        #[prost(int64, tag = "3")]
        pub num: i64,
        #[prost(int64, tag = "4")]
        pub num_unit: i64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Mapping {
        #[prost(uint64, tag = "1")]
        pub id: u64,
        #[prost(uint64, tag = "2")]
        pub memory_start: u64,
        #[prost(uint64, tag = "3")]
        pub memory_limit: u64,
        #[prost(uint64, tag = "4")]
        pub file_offset: u64,
        #[prost(int64, tag = "5")]
        pub filename: i64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Location {
        #[prost(uint64, tag = "1")]
        pub id: u64,
        #[prost(uint64, tag = "2")]
        pub mapping_id: u64,
        #[prost(uint64, tag = "3")]
        pub address: u64,
    }
}

/// Strings by number, as the format wants them; number 0 is empty.
struct Strings(Vec<String>);

impl Strings {
    fn number(&mut self, text: &str) -> i64 {
        let at = self.0.iter().position(|s| s == text).unwrap_or_else(|| {
            self.0.push(text.to_string());
            self.0.len() - 1
        });
        at as i64
    }

    fn value_type(&mut self, kind: &str, unit: &str) -> proto::ValueType {
        proto::ValueType { kind: self.number(kind), unit: self.number(unit) }
    }
}

/// From samples to an estimate: a block of `size` bytes is sampled with probability `1 - exp(-size / rate)`.
fn scale(samples: usize, size: usize, rate: usize) -> (i64, i64) {
    if rate <= 1 || samples == 0 {
        return (samples as i64, (samples * size) as i64);
    }
    let each = 1.0 / (1.0 - libm::exp(-(size.max(1) as f64) / rate as f64));
    let count = samples as f64 * each;
    (count as i64, (count * size as f64) as i64)
}

fn value_of(bucket: &Bucket, rate: usize) -> Vec<i64> {
    let (allocs, alloc_bytes) = scale(bucket.allocs, bucket.size, rate);
    let (live, live_bytes) = scale(bucket.allocs - bucket.frees, bucket.size, rate);
    Vec::from([allocs, alloc_bytes, live, live_bytes])
}

/// The buckets, copied out: allocating while their lock is held is not allowed, so room is made first.
fn buckets() -> Vec<Bucket> {
    loop {
        let mut count = 0;
        MALLOC.each_bucket(|_| count += 1);
        let mut all = Vec::with_capacity(count + 64);
        let mut complete = true;
        MALLOC.each_bucket(|bucket| {
            if all.len() < all.capacity() {
                all.push(*bucket);
            } else {
                complete = false;
            }
        });
        if complete {
            return all;
        }
    }
}

/// The profile of this moment.
pub fn encode() -> Vec<u8> {
    let rate = MALLOC.profile_rate();
    let mut strings = Strings(Vec::from([String::new()]));
    let mut profile = proto::Profile {
        sample_type: Vec::from([
            strings.value_type("alloc_objects", "count"),
            strings.value_type("alloc_space", "bytes"),
            strings.value_type("inuse_objects", "count"),
            strings.value_type("inuse_space", "bytes"),
        ]),
        period_type: Some(strings.value_type("space", "bytes")),
        period: rate as i64,
        default_sample_type: strings.number("inuse_space"),
        drop_frames: strings.number(OWN_NAMES),
        time_nanos: clock::wall_ns() as i64,
        mapping: mappings(&mut strings),
        ..Default::default()
    };
    let buckets = buckets();
    let own = own_mapping(&profile.mapping);
    let stacks: Vec<&[usize]> = buckets.iter().map(|bucket| callers(bucket, own)).collect();
    let mut addresses: Vec<u64> = stacks.iter().copied().flatten().map(|pc| *pc as u64).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let id = |pc: u64| addresses.partition_point(|a| *a < pc) as u64 + 1;
    let (key, num_unit) = (strings.number("bytes"), strings.number("bytes"));
    profile.location = addresses
        .iter()
        // A return address may be the first of the next line: the call is the byte before.
        .map(|pc| proto::Location {
            id: id(*pc),
            mapping_id: mapping_of(&profile.mapping, pc - 1).map_or(0, |mapping| mapping.id),
            address: pc - 1,
        })
        .collect();
    profile.sample = buckets
        .iter()
        .zip(&stacks)
        .map(|(bucket, stack)| proto::Sample {
            location_id: stack.iter().map(|pc| id(*pc as u64)).collect(),
            value: value_of(bucket, rate),
            label: Vec::from([proto::Label { key, num: bucket.size as i64, num_unit }]),
        })
        .collect();
    profile.string_table = strings.0;
    gzip(&profile.encode_to_vec())
}

/// Functions that are no places of a program, as a regular expression; pprof drops what they call, too.
const OWN_NAMES: &str = "(go_|__libc_)?(malloc|calloc|realloc|reallocarray|aligned_alloc|memalign|posix_memalign|valloc|pvalloc)|\
                         operator new.*|gort_.*";

/// The library's mapping; `None` where the library is part of the program.
fn own_mapping(mappings: &[proto::Mapping]) -> Option<&proto::Mapping> {
    let own = mapping_of(mappings, encode as *const () as u64)?;
    (!(own.memory_start..own.memory_limit).contains(&(env::entry() as u64))).then_some(own)
}

/// A stack without the library's frames at its inner end.
fn callers<'a>(bucket: &'a Bucket, own: Option<&proto::Mapping>) -> &'a [usize] {
    let stack = &bucket.stack[..bucket.depth];
    let is_own =
        |pc: &usize| own.is_some_and(|own| (own.memory_start..own.memory_limit).contains(&(*pc as u64)));
    let first = stack.iter().position(|pc| !is_own(pc)).unwrap_or(stack.len());
    &stack[first..]
}

fn mapping_of(mappings: &[proto::Mapping], pc: u64) -> Option<&proto::Mapping> {
    mappings.iter().find(|m| (m.memory_start..m.memory_limit).contains(&pc))
}

/// The executable mappings of the process.
fn mappings(strings: &mut Strings) -> Vec<proto::Mapping> {
    let mut all = Vec::new();
    maps::each_executable(|map| {
        let filename = strings.number(&String::from_utf8_lossy(map.path));
        all.push(proto::Mapping {
            id: all.len() as u64 + 1,
            memory_start: map.start as u64,
            memory_limit: map.end as u64,
            file_offset: map.offset as u64,
            filename,
        });
    });
    all
}

/// RFC 1952 around RFC 1951.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    out.extend(miniz_oxide::deflate::compress_to_vec(bytes, 6));
    out.extend(crc32(bytes).to_le_bytes());
    out.extend((bytes.len() as u32).to_le_bytes());
    out
}

/// The check sum of RFC 1952, section 8. (The usual crate for it would bring the standard library in wherever another
/// crate of the same build asks for that, and with it a second panic handler.)
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |sum, byte| {
        (0..8).fold(sum ^ *byte as u32, |sum, _| sum >> 1 ^ (0xedb8_8320 & (sum & 1).wrapping_neg()))
    })
}
