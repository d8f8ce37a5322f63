//! One sequence of requests on each general strategy: what fits, and what is left of the range.
//!
//! `cargo run --example strategies -p gort-mheap`
//!
//! A range of 4 MiB is filled to one half with blocks of 16 to 1,024 bytes, small ones more often; then 40,000 times a random
//! block is exchanged for another one; then the range is filled until a request finds no place.

use gort_mheap::strategy::{Bump, Fit, FreeList};
use gort_mspan::strategy::{SLAB, SegregatedFit};

const SLABS: usize = 64;
const RANGE: usize = SLABS * SLAB;
const EXCHANGES: usize = 40_000;

/// What the strategies have in common.
trait Strategy {
    fn alloc(&mut self, size: usize) -> Option<usize>;
    fn free(&mut self, at: usize, size: usize);
}

impl Strategy for Bump {
    fn alloc(&mut self, size: usize) -> Option<usize> {
        Bump::alloc(self, size, 16)
    }
    /// Nothing comes back before everything does.
    fn free(&mut self, _: usize, _: usize) {}
}

impl<const HOLES: usize> Strategy for FreeList<HOLES> {
    fn alloc(&mut self, size: usize) -> Option<usize> {
        FreeList::alloc(self, size)
    }
    fn free(&mut self, at: usize, size: usize) {
        assert_eq!(FreeList::free(self, at, size), Ok(()));
    }
}

impl<const N: usize> Strategy for SegregatedFit<N> {
    fn alloc(&mut self, size: usize) -> Option<usize> {
        SegregatedFit::alloc(self, size)
    }
    fn free(&mut self, at: usize, _: usize) {
        assert_eq!(SegregatedFit::free(self, at), Ok(()));
    }
}

/// How far a run came.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Exchanges of a block for another before a request found no place.
    pub(crate) exchanges: usize,
    /// How full the range was when a request found no place, in percent.
    pub(crate) full_percent: usize,
}

/// A repeatable sequence of numbers below `n`.
fn draw(state: &mut u64, n: usize) -> usize {
    *state = gort_sys::rand::mix(*state);
    (*state >> 33) as usize % n
}

/// 16 to 1,024 bytes, in steps of 16; half of the requests below 128.
fn draw_size(state: &mut u64) -> usize {
    let most = if draw(state, 2) == 0 { 8 } else { 64 };
    16 * (1 + draw(state, most))
}

fn replay(strategy: &mut dyn Strategy) -> Outcome {
    let (mut state, mut live, mut used) = (1, Vec::new(), 0);
    let mut exchanges = 0;
    loop {
        if used * 2 >= RANGE && exchanges < EXCHANGES {
            let (at, size): (usize, usize) = live.swap_remove(draw(&mut state, live.len()));
            strategy.free(at, size);
            used -= size;
            exchanges += 1;
        }
        let size = draw_size(&mut state);
        let Some(at) = strategy.alloc(size) else {
            return Outcome { exchanges, full_percent: used * 100 / RANGE };
        };
        live.push((at, size));
        used += size;
    }
}

/// Every strategy by name, with what it counted.
pub(crate) fn outcomes() -> Vec<(&'static str, Outcome)> {
    let mut all: Vec<(&'static str, Box<dyn Strategy>)> = vec![
        ("bump", Box::new(Bump::new(RANGE))),
        ("free list, first fit", Box::new(FreeList::<16384>::new(RANGE, Fit::First))),
        ("free list, next fit", Box::new(FreeList::<16384>::new(RANGE, Fit::Next))),
        ("free list, best fit", Box::new(FreeList::<16384>::new(RANGE, Fit::Best))),
        ("segregated fit", Box::new(SegregatedFit::<SLABS>::new())),
    ];
    all.iter_mut().map(|(name, strategy)| (*name, replay(strategy.as_mut()))).collect()
}

/// Prints the table.
pub(crate) fn main() {
    println!("{:<22} {:>10} {:>8}", "strategy", "exchanges", "full at");
    for (name, outcome) in outcomes() {
        println!("{name:<22} {:>10} {:>7}%", outcome.exchanges, outcome.full_percent);
    }
}
