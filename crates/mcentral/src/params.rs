//! How many blocks move at a time, and how many may wait.

use gort_mspan::SizeClass;

use crate::batch::BATCH_MAX;

/// Bytes of blocks that move between a magazine and the depot at a time, where the batch's length allows.
const BATCH_BYTES: usize = 16 << 10;
/// Bytes of blocks that a class's depot holds.
#[cfg(not(loom))]
const DEPOT_BYTES: usize = 512 << 10;
#[cfg(loom)]
const DEPOT_BYTES: usize = 1;

/// Blocks of a batch of a class: at most [`BATCH_MAX`], at least two.
pub const fn batch_len(class: SizeClass) -> usize {
    let fitting = BATCH_BYTES / class.size();
    if fitting > BATCH_MAX {
        BATCH_MAX
    } else if fitting < 2 {
        2
    } else {
        fitting
    }
}

/// Batches that a class's depot holds at first.
#[cfg(not(loom))]
pub const DEPOT_LEN_MIN: usize = 2;
/// Batches that a class's depot holds at first.
#[cfg(loom)]
pub const DEPOT_LEN_MIN: usize = 1;

/// Batches that a class's depot holds at most.
pub const fn depot_len(class: SizeClass) -> usize {
    let bytes = batch_len(class) * class.size();
    if DEPOT_BYTES < bytes { 1 } else { DEPOT_BYTES / bytes }
}
