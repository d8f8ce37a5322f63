//! Large blocks of malloc's: spans of their own, which are parked for a while when they are freed, and change their length
//! in place while the pages behind them are free.
//!
//! Follows `allocLarge` of Go's `mcache.go`, and departs from it by parking (`parked`).

use crate::heap::{Heap, zone_of};
use crate::pages::Pages;
use crate::zone::Zone;
use gort_mspan::span::SpanState;
use gort_mspan::{Kind, PAGE_SHIFT, SpanRef};

impl Heap {
    /// A block of `pages` pages for malloc: a parked one if there is one of about that length, else a new one; `None`
    /// when the OS has no memory.
    pub fn alloc_large(&self, pages: usize) -> Option<SpanRef> {
        let mut held = self.zones[zone_of(Kind::Malloc)].lock();
        let Some(span) = held.parked.pop_fitting(pages) else {
            drop(held);
            return self.alloc_whole(Kind::Malloc, pages, 1);
        };
        // SAFETY: records live as long as the heap; a parked span is ours.
        let pages = unsafe {
            span.as_ref().unpark();
            span.as_ref().pages()
        };
        drop(held);
        self.counters.span_taken(Kind::Malloc, pages);
        Some(span)
    }

    /// Takes a large block of malloc's back, to be parked or freed. `false`, and nothing changes, when it has no user:
    /// a double free.
    ///
    /// # Safety
    /// The span is of this heap, a large block, and its user gives it up (or did so before).
    pub unsafe fn free_large(&self, span: SpanRef) -> bool {
        // SAFETY: records live as long as the heap.
        let record = unsafe { span.as_ref() };
        let zone = &self.zones[zone_of(Kind::Malloc)];
        let mut held = zone.lock();
        if record.state() != SpanState::InUse {
            return false;
        }
        let pages = record.pages();
        // SAFETY: in use, and the user gives it up: so it is ours.
        unsafe {
            if held.may_park(pages) {
                record.park();
                held.parked.push(span);
            } else {
                self.give_span(zone, &mut held, span);
            }
        }
        self.counters.span_given(Kind::Malloc, pages);
        self.release_after_give(zone, held);
        true
    }

    /// Frees all parked spans.
    pub(crate) fn unpark_all(&self, zone: &Zone, held: &mut Pages) {
        while let Some(span) = held.parked.pop_any() {
            // SAFETY: a parked span is ours.
            unsafe { self.give_span(zone, held, span) };
        }
    }

    /// Grows or shrinks a large block where it stands. `false`, and nothing changes, when the pages behind it are taken.
    ///
    /// # Safety
    /// The span is a large block of this heap, and the caller owns it.
    pub unsafe fn resize_whole(&self, span: SpanRef, pages: usize) -> bool {
        // SAFETY: records live as long as the heap.
        let record = unsafe { span.as_ref() };
        let (base, old, kind) = (record.base(), record.pages(), record.class().kind());
        let zone = &self.zones[zone_of(kind)];
        let mut held = zone.lock();
        if pages > old {
            let tail = base + (old << PAGE_SHIFT);
            let Some(taken) = zone.take_at(&mut held, tail, pages - old) else { return false };
            held.note_take(&taken);
            zone.publish(record, tail, pages - old);
            // SAFETY: the caller owns the span.
            unsafe { record.with_body(|body| body.need_zero |= taken.need_zero) };
            self.counters.span_taken(kind, pages - old);
        } else if pages < old {
            let tail = base + (pages << PAGE_SHIFT);
            zone.withdraw(tail, old - pages, false);
            zone.give(&mut held, tail, old - pages);
            self.counters.span_given(kind, old - pages);
        }
        // SAFETY: the caller owns the span; the page table is in step.
        unsafe { record.resize(pages) };
        self.release_after_give(zone, held);
        true
    }
}
