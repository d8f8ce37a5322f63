//! Sizes that models shrink.

use gort_mspan::PAGE_SHIFT;

/// log2 of the pages of an arena: 64 MiB, the step in which address space is reserved.
#[cfg(not(loom))]
pub const ARENA_PAGES_SHIFT: u32 = 13;
/// log2 of the pages of an arena: one chunk.
#[cfg(loom)]
pub const ARENA_PAGES_SHIFT: u32 = crate::page_alloc::bits::CHUNK_SHIFT;

/// Pages of an arena.
pub const ARENA_PAGES: usize = 1 << ARENA_PAGES_SHIFT;
/// Bytes of an arena.
pub const ARENA_BYTES: usize = ARENA_PAGES << PAGE_SHIFT;

/// Arenas of a window: 1 TiB of addresses.
#[cfg(not(loom))]
pub const WINDOW_ARENAS: usize = 1 << 14;
/// Arenas of a window.
#[cfg(loom)]
pub const WINDOW_ARENAS: usize = 2;

/// Bytes of a window.
pub const WINDOW_BYTES: usize = WINDOW_ARENAS * ARENA_BYTES;

/// First step in which reserved memory is made ready; each further step doubles, up to [`READY_STEP_MAX`].
pub const READY_STEP_MIN: usize = 256 << 10;
/// Largest step, and the step for runs larger than it.
pub const READY_STEP_MAX: usize = 4 << 20;
