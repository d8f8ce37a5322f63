//! The bitmap of a chunk: 512 pages, one bit each.
//!
//! Follows Go's `mpallocbits.go`. In the bitmap of allocation a set bit is a page in use; in the bitmap of scavenging it
//! is a page whose memory the OS has.

use super::summary::Summary;

/// log2 of the pages of a chunk.
#[cfg(not(loom))]
pub const CHUNK_SHIFT: u32 = 9;
/// log2 of the pages of a chunk: one word of bits.
#[cfg(loom)]
pub const CHUNK_SHIFT: u32 = 6;
/// Pages of a chunk: 4 MiB (less in models).
pub const CHUNK_PAGES: usize = 1 << CHUNK_SHIFT;

const WORDS: usize = CHUNK_PAGES / 64;

/// One bit a page.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PageBits([u64; WORDS]);

/// A mask of the bits `from..from + n` of a word; `n` is at most `64 - from`.
const fn mask(from: usize, n: usize) -> u64 {
    if n >= 64 { u64::MAX } else { ((1 << n) - 1) << from }
}

impl PageBits {
    /// No bit is set.
    pub const EMPTY: Self = Self([0; WORDS]);

    /// Whether bit `i` is set.
    #[inline]
    pub const fn get(&self, i: usize) -> bool {
        self.0[i / 64] >> (i % 64) & 1 != 0
    }

    /// The 64 bits around bit `i`, from a multiple of 64 on.
    #[inline]
    pub const fn word(&self, i: usize) -> u64 {
        self.0[i / 64]
    }

    /// Calls `f` with each word that `from..from + n` touches, and the mask of the bits in it.
    #[inline]
    fn each_word(&mut self, from: usize, n: usize, mut f: impl FnMut(&mut u64, u64)) {
        let (mut i, end) = (from, from + n);
        while i < end {
            let here = (end - i).min(64 - i % 64);
            f(&mut self.0[i / 64], mask(i % 64, here));
            i += here;
        }
    }

    /// Sets bits `from..from + n`.
    #[inline]
    pub fn set_range(&mut self, from: usize, n: usize) {
        self.each_word(from, n, |word, mask| *word |= mask);
    }

    /// Clears bits `from..from + n`.
    #[inline]
    pub fn clear_range(&mut self, from: usize, n: usize) {
        self.each_word(from, n, |word, mask| *word &= !mask);
    }

    /// Sets those bits of the word around `i` that are set in `bits`.
    pub fn set_word(&mut self, i: usize, bits: u64) {
        self.0[i / 64] |= bits;
    }

    /// Clears those bits of the word around `i` that are set in `bits`.
    pub fn clear_word(&mut self, i: usize, bits: u64) {
        self.0[i / 64] &= !bits;
    }

    /// How many of the bits `from..from + n` are set.
    pub fn count(&self, from: usize, n: usize) -> usize {
        let (mut i, end, mut count) = (from, from + n, 0);
        while i < end {
            let here = (end - i).min(64 - i % 64);
            count += (self.0[i / 64] & mask(i % 64, here)).count_ones() as usize;
            i += here;
        }
        count
    }

    /// Runs of clear bits: at the start, the longest, at the end.
    pub fn summarize(&self) -> Summary {
        let (mut start, mut longest, mut run) = (None, 0usize, 0usize);
        for word in self.0 {
            if word == 0 {
                run += 64;
                continue;
            }
            // A run that reaches into the word ends at its lowest set bit.
            run += word.trailing_zeros() as usize;
            start.get_or_insert(run);
            longest = longest.max(run);
            longest = longest.max(longest_inner_run(word, longest));
            run = word.leading_zeros() as usize;
        }
        Summary::new(start.unwrap_or(run), longest.max(run), run)
    }

    /// The first run of `n` clear bits at or after bit `from`: its start. And in any case the first clear bit at or after
    /// `from` ([`CHUNK_PAGES`] when there is none), from which the next search may start.
    pub fn find(&self, n: usize, from: usize) -> (Option<usize>, usize) {
        let first = self.next_clear(from);
        let mut start = first;
        while start + n <= CHUNK_PAGES {
            match self.next_set(start, start + n) {
                None => return (Some(start), first),
                Some(taken) => start = self.next_clear(taken),
            }
        }
        (None, first)
    }

    /// The first clear bit at or after `from`; [`CHUNK_PAGES`] when there is none.
    pub fn next_clear(&self, from: usize) -> usize {
        let mut i = from;
        while i < CHUNK_PAGES {
            let rest = !self.0[i / 64] >> (i % 64);
            if rest != 0 {
                return i + rest.trailing_zeros() as usize;
            }
            i = (i / 64 + 1) * 64;
        }
        CHUNK_PAGES
    }

    /// The first set bit in `from..end`.
    pub fn next_set(&self, from: usize, end: usize) -> Option<usize> {
        let mut i = from;
        while i < end {
            let rest = self.0[i / 64] >> (i % 64);
            if rest != 0 {
                let found = i + rest.trailing_zeros() as usize;
                return (found < end).then_some(found);
            }
            i = (i / 64 + 1) * 64;
        }
        None
    }
}

/// The longest run of clear bits between two set bits of a word, if it is longer than `known`; else something smaller.
fn longest_inner_run(word: u64, known: usize) -> usize {
    let mut rest = word >> word.trailing_zeros();
    let mut longest = 0;
    // Runs at the ends belong to the caller; strip run after run from the low end.
    while rest != 0 && rest != u64::MAX {
        rest >>= rest.trailing_ones();
        if rest == 0 || 64 - rest.leading_zeros() as usize <= known {
            break;
        }
        let run = rest.trailing_zeros();
        longest = longest.max(run as usize);
        rest >>= run;
    }
    longest
}

/// What is known of the pages of a chunk.
#[derive(Clone, Default)]
pub struct Chunk {
    /// Pages in use.
    pub alloc: PageBits,
    /// Free pages whose memory the OS has; no page in use is among them.
    pub scavenged: PageBits,
}

impl Chunk {
    /// Takes pages; how many of them were scavenged.
    pub fn take(&mut self, from: usize, n: usize) -> usize {
        let scavenged = self.scavenged.count(from, n);
        self.alloc.set_range(from, n);
        self.scavenged.clear_range(from, n);
        scavenged
    }

    /// The highest run of free pages that are not scavenged, at or below page `top`: start and length. It is made of
    /// blocks of `least` pages at multiples of `least` (a power of two, at most 64), all of whose pages qualify, and of
    /// at most `most` pages (a multiple of `least`).
    pub fn scavenge_candidate(&self, top: usize, least: usize, most: usize) -> Option<(usize, usize)> {
        let mut run: Option<(usize, usize)> = None;
        let mut block = top / least;
        loop {
            let start = block * least;
            let taken = (self.alloc.word(start) | self.scavenged.word(start)) & mask(start % 64, least) != 0;
            match (taken, &mut run) {
                (true, Some(_)) => break,
                (true, None) => {}
                (false, Some((at, n))) => (*at, *n) = (start, *n + least),
                (false, None) => run = Some((start, least)),
            }
            if block == 0 || run.is_some_and(|(_, n)| n >= most) {
                break;
            }
            block -= 1;
        }
        run
    }
}

#[cfg(all(test, not(loom)))]
#[path = "bits_test.rs"]
mod tests;
