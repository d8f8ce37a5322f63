//! Pages: where spans come from and go back to.
//!
//! Floor 3. From the bottom up:
//!
//! * [`page_alloc`]: which pages of a window are free, first fit, by radix summaries over bitmaps; [`page_cache`]: 64 of
//!   them in one owner's hands;
//! * [`scavenge`]: which free pages go back to the OS, and when;
//! * [`arena`], [`class_table`]: what is known of every page: its span, its size class;
//! * [`zone`]: a window of addresses that grows arena by arena, `pages`: what its lock guards; [`heap`]: three zones, kept apart by kind, and the
//!   records of spans; `large`, `parked`: large blocks, and freed ones that wait for the next request of their size;
//! * [`strategy`]: two general allocators of ranges, bump and free list, to use and to compare.
#![cfg_attr(not(any(loom, test)), no_std)]

pub mod arena;
pub mod class_table;
pub mod heap;
mod large;
pub mod page_alloc;
pub mod page_cache;
mod pages;
pub mod params;
mod parked;
pub mod scavenge;
pub mod stats;
pub mod strategy;
pub mod zone;

pub use arena::Lookup;
pub use class_table::ClassTable;
pub use heap::Heap;
pub use page_alloc::PageAlloc;
pub use page_cache::PageCache;
pub use stats::HeapStats;

/// The examples of README.md, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
