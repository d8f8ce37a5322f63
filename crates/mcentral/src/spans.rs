//! The spans of a class, and how blocks leave them and come back.
//!
//! Blocks move by the batch. Of a batch that comes back, neighbours often belong to one span: they are handled as a run,
//! which looks the span up once and moves it on the shelves once. The records of scattered blocks are asked for in advance,
//! so that their cache misses overlap.
//!
//! # Invariants
//! I1. A span all of whose bits are set goes back to the heap, unless it is the only one on the shelves.
//! I2. `out` is the number of clear bits in all spans.
//!
//! Plain data, under the class's lock.

use crate::batch::BATCH_MAX;
use crate::central::Misuse;
use crate::shelves::Shelves;
use core::ptr::with_exposed_provenance_mut;
use gort_mheap::Heap;
use gort_mspan::{Kind, PAGE_SHIFT, SizeClass, Span, SpanClass, SpanRef};

/// Spans of one class.
pub(crate) struct Spans {
    class: SizeClass,
    shelves: Shelves,
    len: usize,
    pages: usize,
    out: usize,
}

impl Spans {
    pub(crate) const fn new(class: SizeClass) -> Self {
        Self { class, shelves: Shelves::new(), len: 0, pages: 0, out: 0 }
    }

    /// How many spans there are.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Their pages.
    pub(crate) const fn pages(&self) -> usize {
        self.pages
    }

    /// Blocks that left the spans and have not come back.
    pub(crate) const fn out(&self) -> usize {
        self.out
    }

    /// Fills `out`; how many blocks there were, fewer only when the OS has no memory. They stand in falling order, so that
    /// a stack gives the lowest first.
    pub(crate) fn take(&mut self, heap: &Heap, out: &mut [*mut u8]) -> usize {
        let mut room = out.len();
        while room > 0 {
            let Some(span) = self.shelves.fullest().or_else(|| self.grow(heap)) else { break };
            // SAFETY: records live as long as the heap.
            let record = unsafe { span.as_ref() };
            let (base, size) = (record.base(), self.class.size());
            let block = |index: usize| with_exposed_provenance_mut::<u8>(base + index * size);
            // SAFETY: the lock makes us the span's owner, and the span is on the shelf that it says.
            unsafe {
                room -= record.with_body(|body| body.take_down(&mut out[..room], block));
                self.shelves.settle(span, record.blocks());
            }
        }
        let taken = out.len() - room;
        if room > 0 {
            out.copy_within(room.., 0);
        }
        self.out += taken;
        taken
    }

    /// One more span, on its shelf.
    #[cold]
    fn grow(&mut self, heap: &Heap) -> Option<SpanRef> {
        // A class that has many spans gets longer ones: 16 spans a doubling.
        let grown = (self.len / 16 + 1).ilog2();
        let class = SpanClass::new(Kind::Malloc, self.class);
        let span = heap
            .alloc_blocks(class, self.class.span_pages(grown))
            .or_else(|| heap.alloc_blocks(class, self.class.span_pages(0)))?;
        self.len += 1;
        // SAFETY: records live as long as the heap.
        self.pages += unsafe { span.as_ref() }.pages();
        // SAFETY: a fresh span is ours.
        unsafe { self.shelves.add(span) };
        Some(span)
    }

    /// Takes blocks back, at most `BATCH_MAX`. The first that is no block, or is free already, with what is wrong; the
    /// others are back then.
    pub(crate) fn give(&mut self, heap: &Heap, blocks: &[*mut u8]) -> Result<(), (*mut u8, Misuse)> {
        let mut spans: [Option<&Span>; BATCH_MAX] = [None; BATCH_MAX];
        find_spans(heap, blocks, &mut spans);
        let (mut rest, mut spans) = (blocks, &spans[..blocks.len()]);
        let mut result = Ok(());
        while let Some(span) = spans.first() {
            let same = |other: &&Option<&Span>| other.map(SpanRef::from) == span.map(SpanRef::from);
            let run = spans.iter().take_while(same).count();
            let outcome = match span.filter(|span| span.class().size_class() == self.class) {
                Some(span) => self.give_run(heap, span, &rest[..run]),
                None => Err((rest[0], Misuse::NotABlock)),
            };
            result = result.and(outcome);
            (rest, spans) = (&rest[run..], &spans[run..]);
        }
        result
    }

    /// Takes blocks back that all lie in one span of the class.
    #[inline]
    fn give_run(&mut self, heap: &Heap, span: &Span, blocks: &[*mut u8]) -> Result<(), (*mut u8, Misuse)> {
        let (base, count, class) = (span.base(), span.blocks(), self.class);
        let mut result = Ok(());
        // SAFETY: the lock makes us the span's owner.
        let free = unsafe {
            span.with_body(|body| {
                let before = body.free;
                for block in blocks {
                    let offset = block.addr() - base;
                    let index = class.index_of_offset(offset);
                    if index * class.size() != offset || index >= count {
                        result = result.and(Err((*block, Misuse::NotABlock)));
                    } else if !body.put(index) {
                        result = result.and(Err((*block, Misuse::DoubleFree)));
                    }
                }
                self.out -= (body.free - before) as usize;
                body.free as usize
            })
        };
        let at = SpanRef::from(span);
        // SAFETY: we own the span, and it is on the shelf that it says.
        unsafe {
            self.shelves.settle(at, count);
            if free == count && self.shelves.len() > 1 {
                self.shelves.remove(at);
                self.len -= 1;
                self.pages -= span.pages();
                heap.free_span(at);
            }
        }
        result
    }
}

/// Looks the spans of blocks up, and asks for their records. Blocks on one page are looked up once.
fn find_spans<'a>(heap: &'a Heap, blocks: &[*mut u8], spans: &mut [Option<&'a Span>; BATCH_MAX]) {
    let (mut page, mut found) = (usize::MAX, None);
    for (span, block) in spans.iter_mut().zip(blocks) {
        let here = block.addr() >> PAGE_SHIFT;
        if here != page {
            page = here;
            found = heap.malloc_span_of(block.addr());
            if let Some(found) = found {
                gort_sys::arch::prefetch(core::ptr::from_ref(found).cast());
            }
        }
        *span = found;
    }
}
