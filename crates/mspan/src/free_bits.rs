//! The bitmap of a span: one bit a block, set while the block is free.
//!
//! Follows Go's `mbitmap.go` and the `allocCache` of `mheap.go`, which holds the complement of the alloc bits so that
//! counting trailing zeros finds the next free block. Here the stored bits are that complement, since blocks are also
//! freed one by one: returning a block sets its bit, and a bit that was set already is a double free.

use crate::size_class::BLOCKS_MAX;

const WORDS: usize = BLOCKS_MAX / 64;

/// Which blocks of a span are free. Plain data: its owner guards it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FreeBits {
    words: [u64; WORDS],
}

impl FreeBits {
    /// No block is free.
    pub const EMPTY: Self = Self { words: [0; WORDS] };

    /// The first `blocks` blocks are free.
    pub const fn full(blocks: usize) -> Self {
        let mut bits = Self::EMPTY;
        let mut i = 0;
        while i < WORDS {
            bits.words[i] = match blocks.saturating_sub(i * 64) {
                0 => 0,
                n if n >= 64 => u64::MAX,
                n => (1 << n) - 1,
            };
            i += 1;
        }
        bits
    }

    /// Whether block `i` is free.
    #[inline]
    pub const fn is_free(&self, i: usize) -> bool {
        self.words[i / 64] >> (i % 64) & 1 != 0
    }

    /// Marks block `i` free. `false`, and nothing changes, when it was free already.
    #[inline]
    #[must_use = "a block that was free already is a double free"]
    pub const fn set_free(&mut self, i: usize) -> bool {
        let bit = 1 << (i % 64);
        let word = &mut self.words[i / 64];
        let was_taken = *word & bit == 0;
        *word |= bit;
        was_taken
    }

    /// Takes block `i` if it is free.
    #[inline]
    pub const fn take(&mut self, i: usize) -> bool {
        let was_free = self.is_free(i);
        self.words[i / 64] &= !(1 << (i % 64));
        was_free
    }

    /// Takes up to `count` free blocks, lowest first, from block `from` on and no earlier, calling `each` with every
    /// number. How many there were.
    #[inline]
    pub fn take_up_to(&mut self, from: usize, count: usize, mut each: impl FnMut(usize)) -> usize {
        let mut taken = 0;
        for w in from / 64..WORDS {
            let mut word = self.words[w];
            let below = if w == from / 64 { word & ((1 << (from % 64)) - 1) } else { 0 };
            word &= !below;
            while word != 0 && taken < count {
                each(w * 64 + word.trailing_zeros() as usize);
                word &= word - 1;
                taken += 1;
            }
            self.words[w] = word | below;
            if taken == count {
                break;
            }
        }
        taken
    }

    /// Takes free blocks, lowest first, until `out` is full or there are none left, and writes what `block` makes of
    /// their numbers to `out` from its end downwards. No block below `from` is free. How many there were, and a number
    /// below which none is free now.
    #[inline]
    pub fn take_down<T>(&mut self, from: usize, out: &mut [T], block: impl Fn(usize) -> T) -> (usize, usize) {
        let len = out.len();
        let mut slots = out.iter_mut().rev();
        for (w, word) in self.words.iter_mut().enumerate().skip(from / 64) {
            while *word != 0 {
                let Some(slot) = slots.next() else { return (len, w * 64 + word.trailing_zeros() as usize) };
                *slot = block(w * 64 + word.trailing_zeros() as usize);
                *word &= *word - 1;
            }
        }
        (len - slots.len(), BLOCKS_MAX)
    }

    /// The first free block at or after `from`.
    pub fn next_free(&self, from: usize) -> Option<usize> {
        (from / 64..WORDS).find_map(|w| {
            let word = if w == from / 64 { self.words[w] & (u64::MAX << (from % 64)) } else { self.words[w] };
            (word != 0).then(|| w * 64 + word.trailing_zeros() as usize)
        })
    }

    /// How many blocks are free.
    pub fn count(&self) -> usize {
        self.words.iter().map(|w| w.count_ones() as usize).sum()
    }

    /// The 64 bits from block `i` on, `i` a multiple of 64: what Go's `refillAllocCache` loads.
    #[inline]
    pub const fn word_of(&self, i: usize) -> u64 {
        self.words[i / 64]
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn full_sets_exactly_the_first_bits() {
        for blocks in [0, 1, 63, 64, 65, 128, 500, 511, 512] {
            let bits = FreeBits::full(blocks);
            assert_eq!(bits.count(), blocks);
            assert!((0..BLOCKS_MAX).all(|i| bits.is_free(i) == (i < blocks)), "{blocks}");
        }
    }

    #[test]
    fn freeing_twice_is_seen() {
        let mut bits = FreeBits::EMPTY;
        assert!(bits.set_free(77));
        assert!(!bits.set_free(77));
        assert!(bits.take(77));
        assert!(!bits.take(77));
    }

    /// Random takes and frees against a vector of flags.
    #[test]
    fn agrees_with_a_naive_model() {
        let mut state = 1u64;
        let mut random = move |n: usize| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as usize % n
        };
        let mut bits = FreeBits::full(300);
        let mut model: Vec<bool> = (0..BLOCKS_MAX).map(|i| i < 300).collect();
        for _ in 0..20_000 {
            match random(5) {
                4 => {
                    let from = model.iter().position(|free| *free).unwrap_or(BLOCKS_MAX);
                    let mut out = vec![0; random(40)];
                    let (n, next) = bits.take_down(from, &mut out, |i| i);
                    let expected: Vec<usize> =
                        (0..BLOCKS_MAX).filter(|i| model[*i]).take(out.len()).collect();
                    let taken: Vec<usize> = out.iter().rev().take(n).copied().collect();
                    assert_eq!(taken, expected);
                    taken.into_iter().for_each(|i| model[i] = false);
                    assert!(model[..next].iter().all(|free| !free));
                }
                0 => {
                    let (from, count) = (random(BLOCKS_MAX), random(40));
                    let mut taken = Vec::new();
                    let n = bits.take_up_to(from, count, |i| taken.push(i));
                    let expected: Vec<usize> = (from..BLOCKS_MAX).filter(|i| model[*i]).take(count).collect();
                    assert_eq!((n, &taken), (expected.len(), &expected));
                    taken.into_iter().for_each(|i| model[i] = false);
                }
                1 => {
                    let i = random(BLOCKS_MAX);
                    assert_eq!(bits.take(i), std::mem::take(&mut model[i]));
                }
                2 => {
                    let from = random(BLOCKS_MAX);
                    assert_eq!(bits.next_free(from), (from..BLOCKS_MAX).find(|i| model[*i]));
                }
                _ => {
                    let i = random(300);
                    assert_eq!(bits.set_free(i), !std::mem::replace(&mut model[i], true));
                }
            }
            assert_eq!(bits.count(), model.iter().filter(|f| **f).count());
        }
    }
}
