//! Actions on a bitmap against a vector of flags.

use gort_mspan::FreeBits;
use gort_mspan::size_class::BLOCKS_MAX;
use gort_sys::rand::Choices;

/// A bitmap: bits are taken in bulk or alone, set, and looked for.
pub(crate) fn replay(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let blocks = choices.below(BLOCKS_MAX + 1);
    let mut bits = FreeBits::full(blocks);
    let mut free: Vec<bool> = (0..BLOCKS_MAX).map(|i| i < blocks).collect();
    while !choices.is_empty() {
        let i = choices.below(BLOCKS_MAX);
        match choices.below(5) {
            0 => {
                let count = choices.below(70);
                let expected: Vec<usize> = (i..BLOCKS_MAX).filter(|i| free[*i]).take(count).collect();
                let mut taken = Vec::new();
                let n = bits.take_up_to(i, count, |i| taken.push(i));
                assert_eq!((n, &taken), (expected.len(), &expected));
                taken.iter().for_each(|i| free[*i] = false);
            }
            1 => assert_eq!(bits.take(i), core::mem::take(&mut free[i])),
            2 => assert_eq!(bits.next_free(i), (i..BLOCKS_MAX).find(|i| free[*i])),
            3 => {
                let word: u64 = (0..64).map(|bit| (free[i & !63 | bit] as u64) << bit).sum();
                assert_eq!(bits.word_of(i & !63), word);
            }
            _ => assert_eq!(bits.set_free(i), !core::mem::replace(&mut free[i], true)),
        }
        assert_eq!(bits.count(), free.iter().filter(|f| **f).count());
        assert!((0..BLOCKS_MAX).all(|i| bits.is_free(i) == free[i]));
    }
}
