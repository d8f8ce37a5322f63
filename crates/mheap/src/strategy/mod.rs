//! General strategies of dynamic storage allocation, each a small allocator of offsets in a range.
//!
//! Segregated fit, the third one, is `gort_mspan::strategy`. All three are for use and for teaching: the runtime's own
//! persistent allocator bumps, its page allocator is a first fit over bitmaps, its spans are segregated fit.

pub mod bump;
pub mod free_list;

pub use bump::Bump;
pub use free_list::{Fit, FreeList};
