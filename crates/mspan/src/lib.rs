//! Size classes, spans and span sets: the vocabulary of the memory column.
//!
//! Floor 2. A *span* is a run of 8 KiB pages that serves one purpose: blocks of one size class, one large block, or
//! memory managed by hand (stacks). Everything about a span is kept out of line, in a [`Span`] record; the memory that it
//! describes holds user data only. The parts:
//!
//! * [`size_class`]: which block sizes there are ([`SizeClass`]), and how many pages a span of each takes;
//! * [`span_class`]: what a span is for ([`Kind`]), as the collector sees it;
//! * [`free_bits`]: one bit a block ([`FreeBits`]);
//! * [`span`]: the record itself, and which of its fields belongs to whom;
//! * [`span_list`]: spans in a list, under a lock; [`span_set`]: spans in a set, without one;
//! * [`sweep_gen`]: where a collected span stands in the sweep ([`SweepGen`]);
//! * [`strategy`]: segregated fit as a small allocator of its own.
#![cfg_attr(not(any(loom, test)), no_std)]

pub mod free_bits;
pub mod size_class;
pub mod span;
pub mod span_class;
pub mod span_list;
pub mod span_set;
pub mod strategy;
pub mod sweep_gen;

pub use free_bits::FreeBits;
pub use size_class::{PAGE_SHIFT, PAGE_SIZE, SizeClass};
pub use span::{Misplaced, Span, SpanRef};
pub use span_class::{Kind, SpanClass};
pub use span_list::SpanList;
pub use span_set::SpanSet;
pub use sweep_gen::SweepGen;

/// The examples of README.md, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
