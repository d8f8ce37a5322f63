//! Large blocks that were freed and wait, whole, for the next request of about their size.
//!
//! Go has nothing of the kind: its large objects come and go with a cycle of collection. A block that is freed by hand
//! is often followed by a request for one like it, and then the page allocator's work (bits, summaries, page table,
//! record) is for nothing, and its pages may have gone back to the OS meanwhile. So a freed block of malloc's is parked:
//! it keeps its pages, its record and its entries in the page table, and only its state says that it has no user.
//!
//! ```text
//!     bin      0    1   ...  15 | 16  17  18 ... 23 |  24  25 ...  | ...  79
//!     pages    1    2   ...  16 | 18  20  22 ... 32 |  36  40 ...  | ...   64      eight steps a doubling
//! ```
//!
//! A span stands in the bin of the largest size that it reaches. A request takes from the first bin all of whose spans
//! are long enough, from the two bins behind it, or the top span of its own bin if that is long enough: a quarter more
//! than was asked for at most.
//!
//! # Invariants
//! I1. A parked span is in exactly one bin, its state is `Parked`, and nobody but the zone's lock holder uses it.
//! I2. `pages` is the sum over the bins; a set bit in `used` is a bin that is not empty.
//!
//! Plain data, under the zone's lock.

use gort_mspan::{SpanList, SpanRef};

/// Pages up to which each length has a bin of its own.
const EXACT: usize = 16;
/// log2 of the bins of a doubling.
const STEP_SHIFT: u32 = 3;
/// Pages of the last bin: 512 KiB. What is longer costs its user more to fill than the page allocator costs us, and would
/// be missed where it cannot join its neighbours.
const LONGEST: usize = 64;
const BINS: usize = bin_of(LONGEST) + 1;
/// Bins behind the right one that a request may take from.
const SLACK: usize = 2;

/// The bin of a span of so many pages.
const fn bin_of(pages: usize) -> usize {
    if pages <= EXACT {
        return pages - 1;
    }
    let doubling = pages.ilog2();
    let step = (pages >> (doubling - STEP_SHIFT)) & ((1 << STEP_SHIFT) - 1);
    EXACT - 1 + (((doubling - EXACT.ilog2()) as usize) << STEP_SHIFT) + step
}

/// The pages of the shortest span of a bin.
const fn pages_of(bin: usize) -> usize {
    if bin < EXACT {
        return bin + 1;
    }
    let (doubling, step) = ((bin + 1 - EXACT) >> STEP_SHIFT, (bin + 1 - EXACT) & ((1 << STEP_SHIFT) - 1));
    (EXACT << doubling) + ((step * EXACT) << doubling >> STEP_SHIFT)
}

/// Parked spans by length.
pub(crate) struct Parked {
    bins: [SpanList; BINS],
    /// Fewest spans of each bin since the last tick: what nobody needed.
    idle: [u32; BINS],
    used: u64,
    pages: usize,
}

impl Parked {
    pub(crate) const fn new() -> Self {
        Self { bins: [const { SpanList::new() }; BINS], idle: [0; BINS], used: 0, pages: 0 }
    }

    /// Pages of all parked spans.
    pub(crate) const fn pages(&self) -> usize {
        self.pages
    }

    /// Whether a span of so many pages may be parked at all.
    pub(crate) const fn takes(pages: usize) -> bool {
        pages <= LONGEST
    }

    /// Parks a span.
    ///
    /// # Safety
    /// The caller owns the span, which is in no list, and it has at most [`LONGEST`] pages.
    pub(crate) unsafe fn push(&mut self, span: SpanRef) {
        // SAFETY: records live as long as the heap.
        let pages = unsafe { span.as_ref() }.pages();
        let bin = bin_of(pages);
        // SAFETY: by contract.
        unsafe { self.bins[bin].push(span) };
        self.used |= 1 << bin;
        self.pages += pages;
    }

    /// Takes a span of at least `pages` pages and at most about a quarter more.
    pub(crate) fn pop_fitting(&mut self, pages: usize) -> Option<SpanRef> {
        if self.used == 0 || !Self::takes(pages) {
            return None;
        }
        let own = bin_of(pages);
        if let Some(top) = self.bins[own].first()
            // SAFETY: records live as long as the heap.
            && unsafe { top.as_ref() }.pages() >= pages
        {
            return self.pop(own);
        }
        let first = if pages_of(own) < pages { own + 1 } else { own };
        let near = self.used >> first;
        let ahead = near.trailing_zeros() as usize;
        (near != 0 && ahead <= SLACK).then(|| self.pop(first + ahead)).flatten()
    }

    fn pop(&mut self, bin: usize) -> Option<SpanRef> {
        // SAFETY: the zone's lock holder owns the bins.
        let span = unsafe { self.bins[bin].pop() }?;
        if self.bins[bin].is_empty() {
            self.used &= !(1 << bin);
        }
        self.idle[bin] = self.idle[bin].min(self.bins[bin].len() as u32);
        // SAFETY: records live as long as the heap.
        self.pages -= unsafe { span.as_ref() }.pages();
        Some(span)
    }

    /// Takes any span out, the longest first.
    pub(crate) fn pop_any(&mut self) -> Option<SpanRef> {
        if self.used == 0 { None } else { self.pop(self.used.ilog2() as usize) }
    }

    /// Takes a span out that nobody needed since the last tick; `None` when there is none left. A tick is over when
    /// [`Parked::end_tick`] is called.
    pub(crate) fn pop_idle(&mut self) -> Option<SpanRef> {
        let bin = self.idle.iter().position(|n| *n > 0)?;
        self.idle[bin] -= 1;
        let left = self.idle[bin];
        let span = self.pop(bin);
        self.idle[bin] = left;
        span
    }

    /// Begins the next interval.
    pub(crate) fn end_tick(&mut self) {
        for (idle, bin) in self.idle.iter_mut().zip(&self.bins) {
            *idle = bin.len() as u32;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use gort_mspan::{Kind, PAGE_SIZE, Span};

    fn spans(lengths: &[usize]) -> Vec<Span> {
        let mut at = 1000;
        lengths
            .iter()
            .map(|pages| {
                let span = Span::dead();
                // SAFETY: a fresh record of our own.
                unsafe { span.open_whole(at * PAGE_SIZE, *pages, Kind::Malloc, true) };
                at += pages;
                span
            })
            .collect()
    }

    fn park(lengths: &[usize]) -> (Parked, Vec<Span>) {
        let (mut parked, spans) = (Parked::new(), spans(lengths));
        // SAFETY: the test owns its spans.
        spans.iter().for_each(|span| unsafe { parked.push(SpanRef::from(span)) });
        (parked, spans)
    }

    fn pages(span: Option<SpanRef>) -> Option<usize> {
        // SAFETY: the spans outlive the call.
        span.map(|span| unsafe { span.as_ref() }.pages())
    }

    #[test]
    fn bins_are_in_order_and_every_length_is_in_its_bin() {
        assert!((0..BINS - 1).all(|bin| pages_of(bin) < pages_of(bin + 1)));
        for n in 1..=LONGEST {
            let bin = bin_of(n);
            assert!(pages_of(bin) <= n && (bin + 1 == BINS || n < pages_of(bin + 1)), "{n} pages, bin {bin}");
        }
        assert_eq!((BINS, pages_of(BINS - 1)), (32, LONGEST));
    }

    #[test]
    fn a_request_gets_what_fits_and_is_not_much_too_long() {
        for (name, parked, wanted, got) in [
            ("nothing parked", &[][..], 5, None),
            ("the same length", &[5, 9], 5, Some(5)),
            ("two more", &[7], 5, Some(7)),
            ("far too long", &[12], 5, None),
            ("too short", &[4], 5, None),
            ("same bin, long enough", &[39], 38, Some(39)),
            ("same bin, too short", &[37], 38, None),
            ("next bin", &[41], 38, Some(41)),
            ("the longest", &[64], 64, Some(64)),
            ("longer than any bin", &[64], 65, None),
        ] {
            let (mut bins, _spans) = park(parked);
            assert_eq!(pages(bins.pop_fitting(wanted)), got, "{name}");
            assert_eq!(bins.pages(), parked.iter().sum::<usize>() - got.unwrap_or(0), "{name}");
        }
    }

    #[test]
    fn only_what_nobody_needed_leaves_on_a_tick() {
        let (mut bins, _spans) = park(&[6, 6, 6, 40]);
        assert!(bins.pop_idle().is_none(), "the first interval has just begun");
        bins.end_tick();
        let reused = bins.pop_fitting(6).unwrap();
        // SAFETY: the test owns the span.
        unsafe { bins.push(reused) };
        let gone: Vec<_> = core::iter::from_fn(|| pages(bins.pop_idle())).collect();
        assert_eq!(gone, [6, 6, 40]);
        assert_eq!(bins.pages(), 6);
    }
}
