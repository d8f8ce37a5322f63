//! The heap profile in pprof's format: a gzipped protobuf, as `profile.proto` of google/pprof defines it.
//!
//! Follows `writeHeapProto` of Go's `runtime/pprof`: four values a stack (objects and bytes, allocated and in use), scaled
//! up from samples to an estimate of the whole. Addresses stay addresses; the mappings of the process come along, so that
//! the tool finds the symbols.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use gort_malloc::MALLOC;
use gort_malloc::sample::Bucket;
use gort_sys::maps;
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
        mapping: mappings(&mut strings),
        ..Default::default()
    };
    let buckets = buckets();
    let mut addresses: Vec<u64> =
        buckets.iter().flat_map(|bucket| &bucket.stack[..bucket.depth]).map(|pc| *pc as u64).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let id = |pc: u64| addresses.partition_point(|a| *a < pc) as u64 + 1;
    profile.location = addresses
        .iter()
        // A return address may be the first of the next line: the call is the byte before.
        .map(|pc| proto::Location {
            id: id(*pc),
            mapping_id: mapping_of(&profile.mapping, pc - 1),
            address: pc - 1,
        })
        .collect();
    profile.sample = buckets
        .iter()
        .map(|bucket| proto::Sample {
            location_id: bucket.stack[..bucket.depth].iter().map(|pc| id(*pc as u64)).collect(),
            value: value_of(bucket, rate),
        })
        .collect();
    profile.string_table = strings.0;
    gzip(&profile.encode_to_vec())
}

fn mapping_of(mappings: &[proto::Mapping], pc: u64) -> u64 {
    mappings.iter().find(|m| (m.memory_start..m.memory_limit).contains(&pc)).map_or(0, |m| m.id)
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
