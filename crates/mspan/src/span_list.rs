//! A doubly linked list of spans, threaded through their records.
//!
//! Follows Go's `mSpanList`. The list's owner is the owner of every span in it, so nothing here is atomic.

use crate::span::{Span, SpanRef};

/// Spans in a row; a span is in one list at most.
#[derive(Default)]
pub struct SpanList {
    first: Option<SpanRef>,
    len: usize,
}

// SAFETY: the list belongs to whoever guards it, and so do the spans' links.
unsafe impl Send for SpanList {}

impl SpanList {
    /// An empty list.
    pub const fn new() -> Self {
        Self { first: None, len: 0 }
    }

    /// How many spans there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first span.
    pub const fn first(&self) -> Option<SpanRef> {
        self.first
    }

    /// Puts a span first.
    ///
    /// # Safety
    /// The caller owns the list and the span, which is in no list.
    pub unsafe fn push(&mut self, span: SpanRef) {
        // SAFETY: the caller owns the span and all spans of the list.
        unsafe {
            links(span, |next, prev| (*next, *prev) = (self.first, None));
            if let Some(first) = self.first {
                links(first, |_, prev| *prev = Some(span));
            }
        }
        self.first = Some(span);
        self.len += 1;
    }

    /// Takes the first span out.
    ///
    /// # Safety
    /// The caller owns the list.
    pub unsafe fn pop(&mut self) -> Option<SpanRef> {
        let span = self.first?;
        // SAFETY: the span is in this list.
        unsafe { self.remove(span) };
        Some(span)
    }

    /// Takes a span out.
    ///
    /// # Safety
    /// The caller owns the list, and the span is in it.
    pub unsafe fn remove(&mut self, span: SpanRef) {
        // SAFETY: the caller owns the span and its neighbours.
        unsafe {
            let (next, prev) = links(span, |next, prev| (next.take(), prev.take()));
            match prev {
                Some(prev) => links(prev, |n, _| *n = next),
                None => self.first = next,
            }
            if let Some(next) = next {
                links(next, |_, p| *p = prev);
            }
        }
        self.len -= 1;
    }
}

/// # Safety
/// The caller owns the span.
unsafe fn links<R>(span: SpanRef, f: impl FnOnce(&mut Option<SpanRef>, &mut Option<SpanRef>) -> R) -> R {
    // SAFETY: records outlive their lists; the caller owns the body.
    let span: &Span = unsafe { span.as_ref() };
    // SAFETY: the caller owns the body.
    unsafe { span.with_body(|body| f(&mut body.next, &mut body.prev)) }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn spans_leave_from_front_middle_and_end() {
        let spans: Vec<Span> = (0..4).map(|_| Span::dead()).collect();
        let at = |i: usize| SpanRef::from(&spans[i]);
        let mut list = SpanList::new();
        // SAFETY: the test owns list and spans; each is pushed and removed once.
        unsafe {
            (0..4).for_each(|i| list.push(at(i)));
            list.remove(at(2));
            list.remove(at(0));
            assert_eq!(list.len(), 2);
            assert_eq!(list.pop(), Some(at(3)));
            assert_eq!(list.pop(), Some(at(1)));
            assert_eq!(list.pop(), None);
        }
        assert!(list.is_empty());
    }
}
