//! Actions on a span's blocks against a vector of flags.

use gort_mspan::size_class::SPAN_PAGES_MAX;
use gort_mspan::{Kind, PAGE_SIZE, SizeClass, Span, SpanClass};
use gort_sys::rand::Choices;

/// A span of some class: blocks are taken in bulk and put back one by one, doubly at times, and addresses are asked for.
pub(crate) fn replay(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let class = SizeClass::new(1 + choices.below(63) as u8);
    let pages = class.span_pages(choices.below(6) as u32);
    assert!(pages <= SPAN_PAGES_MAX);
    let base = (1 + choices.below(1000)) * PAGE_SIZE;
    let span = Span::dead();
    // SAFETY: a fresh record of our own, here and below.
    unsafe { span.open_blocks(base, pages, SpanClass::new(Kind::Malloc, class), false) };
    let mut free = vec![true; span.blocks()];
    while !choices.is_empty() {
        match choices.below(4) {
            0 => {
                let count = choices.below(40);
                let expected: Vec<usize> = (0..free.len()).filter(|i| free[*i]).take(count).collect();
                let mut taken = Vec::new();
                // SAFETY: as above.
                let n = unsafe { span.with_body(|body| body.take_up_to(count, |i| taken.push(i))) };
                assert_eq!((n, &taken), (expected.len(), &expected));
                taken.iter().for_each(|i| free[*i] = false);
            }
            1 | 2 => {
                let i = choices.below(free.len());
                // SAFETY: as above.
                let put = unsafe { span.with_body(|body| body.put(i)) };
                assert_eq!(put, !core::mem::replace(&mut free[i], true));
            }
            _ => {
                let offset = choices.below(pages * PAGE_SIZE + 100);
                let index = offset / class.size();
                let inside = index < free.len() && offset < pages * PAGE_SIZE;
                let expected = inside.then(|| (index, base + index * class.size()));
                assert_eq!(span.block_of(base + offset), expected);
                let starts = inside && offset.is_multiple_of(class.size());
                assert_eq!(span.index_of(base + offset).ok(), starts.then_some(index));
            }
        }
        // SAFETY: as above.
        unsafe { span.with_body(|body| body.check_invariants(free.len())) };
    }
}
