//! Calls of the whole malloc against a map of live blocks and their contents.

use core::ptr::null_mut;
use gort_malloc::MALLOC;
use gort_sys::rand::{Choices, mix};
use std::collections::BTreeMap;

/// A live block: bytes asked for, and the seed of its contents.
#[derive(Clone, Copy)]
struct Block {
    size: usize,
    /// As asked for, and as `free_aligned_sized` must say.
    align: usize,
    seed: u64,
}

/// Blocks by address.
#[derive(Default)]
struct Model(BTreeMap<usize, Block>);

/// Bytes at each end of a block that are checked.
const EDGE: usize = 64;

fn byte_at(seed: u64, i: usize) -> u8 {
    mix(seed.wrapping_add(i as u64)) as u8
}

/// The offsets of a block of `size` bytes that are checked.
fn offsets(size: usize) -> impl Iterator<Item = usize> {
    let tail = size.saturating_sub(EDGE).max(EDGE.min(size));
    (0..EDGE.min(size)).chain((EDGE..tail).step_by(4096)).chain(tail..size)
}

fn random_size(choices: &mut Choices<'_>) -> usize {
    match choices.below(16) {
        0 => choices.below(2 << 20),
        1 => 30_000 + choices.below(6000),
        2 | 3 => choices.below(64 << 10),
        4..=6 => choices.below(5000),
        7 => 0,
        _ => choices.below(600),
    }
}

impl Model {
    /// Takes a fresh block in: it overlaps no other, is aligned and large enough; fills it.
    fn add(&mut self, block: *mut u8, size: usize, align: usize) {
        let addr = block.addr();
        assert!(!block.is_null() && addr.is_multiple_of(align), "{size} bytes aligned to {align}: {addr:#x}");
        if let Some((other, b)) = self.0.range(..addr + size.max(1)).next_back() {
            assert!(other + b.size.max(1) <= addr, "{addr:#x} of {size} lies in {other:#x} of {}", b.size);
        }
        let usable = MALLOC.usable_size(block);
        assert!(usable >= size, "{usable} for {size}");
        let seed = mix(addr as u64 ^ size as u64);
        // SAFETY: inside the block.
        offsets(size).for_each(|i| unsafe { block.add(i).write(byte_at(seed, i)) });
        self.0.insert(addr, Block { size, align, seed });
    }

    /// The first `upto` bytes at `block` are what was written to `b`.
    fn check(block: *mut u8, b: Block, upto: usize) {
        for i in offsets(b.size).filter(|i| *i < upto) {
            // SAFETY: inside the block.
            let byte = unsafe { block.add(i).read() };
            assert_eq!(byte, byte_at(b.seed, i), "{block:?} of {}, byte {i}", b.size);
        }
    }

    /// Takes a live block out.
    fn take(&mut self, choices: &mut Choices<'_>) -> Option<(*mut u8, Block)> {
        let nth = choices.below(self.0.len().max(1));
        let addr = *self.0.keys().nth(nth)?;
        let b = self.0.remove(&addr)?;
        let block = core::ptr::with_exposed_provenance_mut(addr);
        Self::check(block, b, b.size);
        Some((block, b))
    }

    fn realloc(&mut self, choices: &mut Choices<'_>) {
        let (block, old) = self.take(choices).unwrap_or((null_mut(), Block { size: 0, align: 16, seed: 0 }));
        let size = match choices.below(3) {
            0 => old.size + choices.below(old.size / 4 + 40),
            1 => old.size - choices.below(old.size / 4 + 1),
            _ => random_size(choices),
        };
        // SAFETY: a live block that was taken out of the model, or null.
        let new = unsafe { MALLOC.realloc(block, size) };
        if size == 0 && !block.is_null() {
            return assert!(new.is_null(), "realloc to nought frees");
        }
        Self::check(new, old, size);
        self.add(new, size, 16);
    }

    fn free(&mut self, choices: &mut Choices<'_>) {
        let Some((block, b)) = self.take(choices) else { return };
        // SAFETY: a live block that was taken out of the model.
        unsafe {
            match choices.below(3) {
                0 => MALLOC.free_sized(block, b.size, b.align, false, "free_sized"),
                _ => MALLOC.free(block),
            }
        }
    }

    fn calloc(&mut self, size: usize) {
        let block = MALLOC.calloc(1, size);
        // SAFETY: inside the block.
        assert!((0..size).all(|i| unsafe { block.add(i).read() } == 0), "calloc of {size} is dirty");
        self.add(block, size, 16);
    }
}

/// Calls on the calling thread; all blocks are freed at the end.
pub(crate) fn replay(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let mut model = Model::default();
    while !choices.is_empty() {
        match choices.below(16) {
            0..=4 => {
                let size = random_size(&mut choices);
                model.add(MALLOC.malloc(size), size, 16);
            }
            5 | 6 => model.calloc(random_size(&mut choices)),
            7 => {
                let (size, align) = (random_size(&mut choices), 1usize << choices.below(18));
                model.add(MALLOC.aligned_alloc(align, size), size, align);
            }
            8 | 9 => model.realloc(&mut choices),
            10 if choices.below(16) == 0 => _ = MALLOC.trim(),
            11 => {
                // What cannot be is refused.
                let huge = usize::MAX - choices.below(1 << 20);
                assert!(MALLOC.malloc(huge).is_null() && MALLOC.calloc(huge, 2).is_null());
            }
            _ => model.free(&mut choices),
        }
    }
    while !model.0.is_empty() {
        model.free(&mut choices);
    }
}
