//! Size classes: the block sizes that small requests are rounded up to, and the spans they are cut from.
//!
//! Follows Go's `sizeclasses.go`, and departs from it in three ways:
//!
//! * every size is a multiple of 16, since C's `max_align_t` asks for that (Go has classes of 8 and 24 bytes);
//! * eight steps a doubling up to 8 KiB, where Go thins out to four or fewer: requests of up to 8 KiB lose 4.5 % of
//!   their blocks to rounding, with Go's table 6 % (docs/decisions/0005);
//! * spans hold at least 32 blocks up to 1 KiB and at least four above, where Go stops at one, so that a refill brings
//!   several blocks.
//!
//! ```text
//!      16, 32, ... 256          every 16      classes  1 to 16
//!     288, 320, ... 512         every 32              17 to 24
//!     576, 640, ... 1024        every 64              25 to 32
//!    1152, ...      2048        every 128             33 to 40
//!    2304, ...      3584, 4096  every 256             41 to 47     <- SMALL_MAX: magazines in thread words
//!    4608, ...      8192        every 512             48 to 55
//!   10240, ...     32768        every 2048, 4096      56 to 63     <- SIZE_MAX
//! ```
//!
//! Class 0 stands for everything that is no block of a size class: large blocks, collected ones, foreign memory.

/// log2 of the bytes of a runtime page.
pub const PAGE_SHIFT: u32 = 13;
/// Bytes of a runtime page, the unit of spans: 8 KiB, whatever the OS's pages are.
pub const PAGE_SIZE: usize = 1 << PAGE_SHIFT;

/// Number of classes, class 0 included.
pub const CLASSES: usize = 64;
/// The last class whose magazine hangs in a thread word.
pub const SMALL_CLASS_MAX: SizeClass = SizeClass(47);
/// Bytes of a block of [`SMALL_CLASS_MAX`].
pub const SMALL_MAX: usize = 4096;
/// The largest request that a size class serves.
pub const SIZE_MAX: usize = 32 << 10;
/// Most blocks of a span, hence bits of its bitmap.
pub const BLOCKS_MAX: usize = 512;
/// Most pages of a span of blocks.
pub const SPAN_PAGES_MAX: usize = 16;

/// The number of a size class, 0 to 63.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SizeClass(u8);

/// Block sizes by class.
const SIZES: [u32; CLASSES] = sizes();
/// Pages of a class's smallest span.
const PAGES: [u8; CLASSES] = pages();
/// Class of a request of up to [`SMALL_MAX`] bytes, by its size in 16-byte steps, rounded up.
pub static CLASS_BY_16: [u8; SMALL_MAX / 16 + 1] = classes_by_step::<{ SMALL_MAX / 16 + 1 }>(16);
/// Class of a request of up to [`SIZE_MAX`] bytes, by its size in 128-byte steps, rounded up. Exact above 1 KiB.
static CLASS_BY_128: [u8; SIZE_MAX / 128 + 1] = classes_by_step::<{ SIZE_MAX / 128 + 1 }>(128);

const fn sizes() -> [u32; CLASSES] {
    let mut sizes = [0; CLASSES];
    let (mut class, mut size) = (1, 16);
    while class < CLASSES {
        sizes[class] = size;
        class += 1;
        size += match size {
            0..256 => 16,
            256..512 => 32,
            512..1024 => 64,
            1024..2048 => 128,
            3584 => 512, // 3840 is left out: it would be the 48th magazine.
            2048..4096 => 256,
            4096..8192 => 512,
            8192..16384 => 2048,
            _ => 4096,
        };
    }
    sizes
}

const fn pages() -> [u8; CLASSES] {
    let mut pages = [0; CLASSES];
    let mut class = 1;
    while class < CLASSES {
        pages[class] = match SIZES[class] {
            0..=128 => 1,
            129..=256 => 2,
            257..=1024 => 4,
            1025..=8192 => 8,
            _ => 16,
        };
        class += 1;
    }
    pages
}

const fn classes_by_step<const N: usize>(step: usize) -> [u8; N] {
    let mut table = [1; N];
    let (mut i, mut class) = (1, 1);
    while i < N {
        while SIZES[class] < (i * step) as u32 {
            class += 1;
        }
        table[i] = class as u8;
        i += 1;
    }
    table
}

impl SizeClass {
    /// Class 0: no block of a size class.
    pub const NONE: Self = Self(0);

    /// The class with this number.
    ///
    /// # Panics
    /// When `number` is 64 or more.
    pub const fn new(number: u8) -> Self {
        assert!((number as usize) < CLASSES);
        Self(number)
    }

    /// The smallest class whose blocks hold `size` bytes; `None` above [`SIZE_MAX`]. A request of nought gets a block
    /// of the smallest class.
    #[inline]
    pub const fn of(size: usize) -> Option<Self> {
        if size <= SMALL_MAX {
            return Some(Self(CLASS_BY_16[size.div_ceil(16)]));
        }
        if size <= SIZE_MAX {
            return Some(Self(CLASS_BY_128[size.div_ceil(128)]));
        }
        None
    }

    /// The smallest class whose blocks hold `size` bytes and all stand at multiples of `align`, a power of two;
    /// `None` when no class does.
    ///
    /// Spans start at pages, so blocks of a size that is a multiple of `align` are aligned, up to a page.
    pub const fn of_aligned(size: usize, align: usize) -> Option<Self> {
        if align > PAGE_SIZE {
            return None;
        }
        let Some(Self(mut class)) = Self::of(size) else { return None };
        while (class as usize) < CLASSES {
            if (SIZES[class as usize] as usize).is_multiple_of(align) {
                return Some(Self(class));
            }
            class += 1;
        }
        None
    }

    /// All classes of blocks, from the smallest.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..CLASSES as u8).map(Self)
    }

    /// The number.
    #[inline]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The number, to index with.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Bytes of a block; nought for class 0.
    #[inline]
    pub const fn size(self) -> usize {
        SIZES[self.index()] as usize
    }

    /// Whether the class's magazine hangs in a thread word.
    #[inline]
    pub const fn is_small(self) -> bool {
        self.0 <= SMALL_CLASS_MAX.0
    }

    /// Pages of a span of this class, when the class has `grown` by so many doublings: from 8 KiB up, bounded by
    /// [`SPAN_PAGES_MAX`], 64 KiB for small classes and [`BLOCKS_MAX`].
    pub const fn span_pages(self, grown: u32) -> usize {
        let mut pages = PAGES[self.index()] as usize;
        let limit = if self.is_small() { 8 } else { SPAN_PAGES_MAX };
        let mut i = 0;
        while i < grown && pages * 2 <= limit && (pages * 2 * PAGE_SIZE) / self.size() <= BLOCKS_MAX {
            pages *= 2;
            i += 1;
        }
        pages
    }

    /// The factor with which [`SizeClass::index_of_offset`] divides.
    const fn reciprocal(self) -> u32 {
        (u32::MAX as usize / self.size() + 1) as u32
    }

    /// Which block of a span an offset from the span's start lies in: a division by multiplication, exact for the
    /// offsets of any span.
    #[inline]
    pub const fn index_of_offset(self, offset: usize) -> usize {
        const RECIPROCALS: [u32; CLASSES] = {
            let mut table = [0; CLASSES];
            let mut class = 1;
            while class < CLASSES {
                table[class] = SizeClass(class as u8).reciprocal();
                class += 1;
            }
            table
        };
        ((offset as u64 * RECIPROCALS[self.index()] as u64) >> 32) as usize
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_what_the_head_says() {
        assert_eq!(SMALL_CLASS_MAX.size(), SMALL_MAX);
        assert_eq!(SizeClass(63).size(), SIZE_MAX);
        assert_eq!(
            [1, 16, 17, 24, 25, 32, 33, 40, 41, 48, 55, 56].map(|c| SIZES[c]),
            [16, 256, 288, 512, 576, 1024, 1152, 2048, 2304, 4608, 8192, 10240]
        );
        assert!(SIZES.windows(2).all(|w| w[0] < w[1]));
        assert!(SIZES.iter().all(|s| s % 16 == 0));
    }

    #[test]
    fn every_request_gets_the_smallest_class_that_holds_it() {
        let mut class = 1;
        for size in 0..=SIZE_MAX {
            while SIZES[class] < size as u32 {
                class += 1;
            }
            assert_eq!(SizeClass::of(size), Some(SizeClass(class as u8)), "{size}");
        }
        assert_eq!(SizeClass::of(SIZE_MAX + 1), None);
        assert_eq!(SizeClass::of(usize::MAX), None);
    }

    #[test]
    fn rounding_costs_less_than_five_percent_on_the_mean() {
        for largest in [SMALL_MAX, 8192] {
            let lost = |size: usize| (1.0 - size as f64 / SizeClass::of(size).unwrap().size() as f64) * 100.0;
            let mean = (1..=largest).map(lost).sum::<f64>() / largest as f64;
            assert!((4.0..5.0).contains(&mean), "{largest}: {mean}");
        }
    }

    #[test]
    fn aligned_requests_get_blocks_at_multiples() {
        for align in (0..=14).map(|shift| 1 << shift) {
            for size in (0..=SIZE_MAX).step_by(13) {
                match SizeClass::of_aligned(size, align) {
                    Some(class) => {
                        assert!(class.size() >= size && class.size() % align == 0 && align <= PAGE_SIZE);
                    }
                    None => assert!(
                        align > PAGE_SIZE || size.next_multiple_of(align) > SIZE_MAX,
                        "{size} {align}"
                    ),
                }
            }
        }
    }

    #[test]
    fn spans_fit_the_bitmap_and_waste_little() {
        for class in SizeClass::all() {
            for grown in 0..5 {
                let bytes = class.span_pages(grown) * PAGE_SIZE;
                let blocks = bytes / class.size();
                assert!((4..=BLOCKS_MAX).contains(&blocks), "{class:?}");
                assert!(class.span_pages(grown) <= SPAN_PAGES_MAX);
                assert!((bytes % class.size()) * 100 <= bytes * 13, "{class:?} {}", class.size());
            }
        }
    }

    #[test]
    fn division_by_multiplication_is_exact() {
        for class in SizeClass::all() {
            for offset in 0..SPAN_PAGES_MAX * PAGE_SIZE {
                assert_eq!(class.index_of_offset(offset), offset / class.size(), "{class:?} {offset}");
            }
        }
    }
}
