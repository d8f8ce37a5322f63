//! Actions on the scavenger's index against a vector of counts.

use gort_mheap::page_alloc::bits::CHUNK_PAGES;
use gort_mheap::page_alloc::scav_index::ScavIndex;
use gort_sys::rand::Choices;

const CHUNKS: usize = 40;
/// From so many pages in use on, a chunk is nearly full.
const DENSE: usize = CHUNK_PAGES - CHUNK_PAGES / 32;

/// A chunk of the model.
#[derive(Clone, Copy, Default)]
struct Chunk {
    ready: bool,
    in_use: usize,
    marked: bool,
}

/// Chunks come, their pages are taken and given, and the highest with something to scavenge is asked for.
pub(crate) fn replay(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let mut index = ScavIndex::new(CHUNKS).unwrap();
    let mut model = [Chunk::default(); CHUNKS];
    while !choices.is_empty() {
        let at = choices.below(CHUNKS);
        let chunk = &mut model[at];
        match choices.below(6) {
            0 if !chunk.ready => {
                index.make_ready(at..at + 1).unwrap();
                chunk.ready = true;
            }
            1 | 2 if chunk.in_use < CHUNK_PAGES && chunk.ready => {
                let n = 1 + choices.below(CHUNK_PAGES - chunk.in_use);
                index.taken(at, n);
                chunk.in_use += n;
            }
            3 if chunk.in_use > 0 => {
                let n = 1 + choices.below(chunk.in_use);
                index.given(at, n);
                (chunk.in_use, chunk.marked) = (chunk.in_use - n, true);
            }
            4 => {
                let force = choices.below(2) == 0;
                let expected = model.iter().rposition(|c| c.marked && (force || c.in_use < DENSE));
                assert_eq!(index.find(force), expected, "force {force}");
            }
            5 if chunk.ready => {
                index.set_empty(at);
                chunk.marked = false;
            }
            _ => {}
        }
        assert_eq!((index.is_ready(at), index.in_use(at)), (model[at].ready, model[at].in_use));
    }
}
