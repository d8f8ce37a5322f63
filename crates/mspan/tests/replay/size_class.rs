//! Requests against a search through the list of sizes.

use gort_mspan::size_class::SIZE_MAX;
use gort_mspan::{PAGE_SIZE, SizeClass};
use gort_sys::rand::Choices;

/// Sizes and alignments: each gets the first class of the list that will do, and no other.
pub(crate) fn replay(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    while !choices.is_empty() {
        let size = match choices.below(4) {
            0 => choices.below(300),
            1 => choices.below(SIZE_MAX + 100),
            2 => SizeClass::new(choices.below(64) as u8).size() + choices.below(3),
            _ => usize::MAX >> choices.below(64),
        };
        let holds = |class: &SizeClass| class.size() >= size;
        assert_eq!(SizeClass::of(size), SizeClass::all().find(holds), "{size}");
        let align = 1usize << choices.below(64);
        let fits =
            |class: &SizeClass| holds(class) && class.size().is_multiple_of(align) && align <= PAGE_SIZE;
        assert_eq!(SizeClass::of_aligned(size, align), SizeClass::all().find(fits), "{size} {align}");
        if let Some(class) = SizeClass::of(size) {
            let offset = choices.below(class.span_pages(5) * PAGE_SIZE);
            assert_eq!(class.index_of_offset(offset), offset / class.size(), "{class:?} {offset}");
        }
    }
}
