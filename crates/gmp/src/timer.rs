//! Timers: a 4-ary heap for each P.
//!
//! Follows Go's `time.go`, "timers", without its lazy deletion: a timer knows its heap and its place in it, so that stopping
//! one is a removal under the heap's lock. A P runs its due timers whenever it schedules; others run them when they steal, and
//! one idle M sleeps until the first of all (`sched`, the sleeper).
//!
//! A timer's function runs on the M that found it due, outside of the heap's lock; it wakes somebody or starts a goroutine, and
//! does not block. While it runs, the heap names the timer in `firing`; [`stop`] waits for that, so that after it returned the
//! timer's memory is the caller's again, and may be gone. The function itself may have let the owner go on: the heap does not
//! touch a timer after calling it.
//!
//! # Orderings
//! | tag | operation | order | pairs with | what must be visible |
//! |---|---|---|---|---|
//! | F1 | `run_due` clears `firing` | Release | F2 | what the function did |
//! | F2 | `stop` loads `firing` | Acquire | F1 | the same |
//! | F3 | `add` stores the timer's heap | Release | F4 | the heap |
//! | F4 | `stop` loads it | Acquire | F3 | the same |
//!
//! Model: `tests/loom_timer.rs`.

use core::cell::Cell;
use core::ptr::null_mut;
use gort_sync::atomic::Ordering::{Acquire, Relaxed, Release};
use gort_sync::atomic::{AtomicPtr, AtomicU64};
use gort_sys::lock::Mutex;

/// No moment: a timer that never fires, a heap without timers.
pub const NEVER: u64 = u64::MAX;

/// What a timer does: its argument, and the moment that it was due.
pub type Fire = fn(usize, u64);

/// A moment at which something happens. Pinned while it is in a heap.
pub struct Timer {
    when: Cell<u64>,
    period: Cell<u64>,
    fire: Fire,
    arg: usize,
    /// The heap it was put in last; null before the first time. Written under that heap's lock.
    heap: AtomicPtr<Timers>,
    /// Its place, or `OUT`. Under the heap's lock.
    place: Cell<u32>,
}

const OUT: u32 = u32::MAX;

// SAFETY: the cells belong to whoever holds the heap's lock, or to the owner while it is in no heap.
unsafe impl Send for Timer {}
// SAFETY: as above.
unsafe impl Sync for Timer {}

impl Timer {
    /// A timer that is not set.
    pub fn new(fire: Fire, arg: usize) -> Self {
        Self {
            when: Cell::new(NEVER),
            period: Cell::new(0),
            fire,
            arg,
            heap: AtomicPtr::new(null_mut()),
            place: Cell::new(OUT),
        }
    }
}

#[derive(Clone, Copy)]
struct Entry {
    when: u64,
    timer: *const Timer,
}

/// The heap's array. Memory comes from the OS, and doubles.
struct Heap {
    entries: memory::Entries,
    /// Somebody is in `run_due`.
    running: bool,
}

// SAFETY: timers in the heap belong to the heap.
unsafe impl Send for Heap {}

/// The timers of a P.
pub struct Timers {
    first: AtomicU64,
    firing: AtomicPtr<Timer>,
    heap: Mutex<Heap>,
}

impl Default for Timers {
    fn default() -> Self {
        Self::new()
    }
}

impl Timers {
    /// None.
    pub fn new() -> Self {
        Self {
            first: AtomicU64::new(NEVER),
            firing: AtomicPtr::new(null_mut()),
            heap: Mutex::new(Heap { entries: memory::Entries::new(), running: false }),
        }
    }

    /// When the first one is due, or [`NEVER`].
    #[inline]
    pub fn first(&self) -> u64 {
        self.first.load(Relaxed) // Relaxed: a hint; `sleeper` has the fence that matters.
    }

    /// Sets a timer that is not set: due at `when`, and every `period` after that unless it is nought. `false` when there
    /// is no memory. The caller wakes a sleeper.
    ///
    /// # Safety
    /// The timer stays where it is until it has fired or was stopped.
    pub unsafe fn add(&self, timer: *const Timer, when: u64, period: u64) -> bool {
        let mut heap = self.heap.lock();
        // SAFETY: the caller's timer, in no heap.
        let t = unsafe { &*timer };
        t.when.set(when);
        t.period.set(period);
        // ORD[F3] Release: the heap.
        t.heap.store(core::ptr::from_ref(self).cast_mut(), Release);
        let added = heap.insert(timer);
        self.note_first(&heap);
        added
    }

    fn note_first(&self, heap: &Heap) {
        let first = heap.entries.as_slice().first().map_or(NEVER, |entry| entry.when);
        self.first.store(first, Relaxed); // Relaxed: as `first`.
    }

    /// Fires what is due; how many. If somebody else is at it, leaves it to them.
    pub fn run_due(&self, now: u64) -> u32 {
        if self.first() > now {
            return 0;
        }
        let mut heap = self.heap.lock();
        if core::mem::replace(&mut heap.running, true) {
            return 0;
        }
        let mut fired = 0;
        while let Some(timer) = heap.take_due(now) {
            // SAFETY: it was in the heap, and nobody takes it out of our hands: `stop` waits for `firing`.
            let (fire, arg, when) = unsafe { ((*timer).fire, (*timer).arg, (*timer).when.get()) };
            // SAFETY: as above.
            unsafe { heap.repeat(timer, now) };
            self.firing.store(timer.cast_mut(), Relaxed); // Relaxed: under the lock.
            self.note_first(&heap);
            drop(heap);
            fire(arg, when);
            // ORD[F1] Release: what the function did. The timer itself may be gone.
            self.firing.store(null_mut(), Release);
            fired += 1;
            heap = self.heap.lock();
        }
        heap.running = false;
        self.note_first(&heap);
        fired
    }
}

/// Stops a timer; whether it was set. Afterwards its function does not run, nor will it. Not for the function itself, and
/// not under a lock that the function takes.
///
/// # Safety
/// Nobody sets it at the same time.
pub unsafe fn stop(timer: &Timer) -> bool {
    // ORD[F4] Acquire: the heap.
    let heap = timer.heap.load(Acquire);
    // SAFETY: null, or the timers of a P, which are never freed.
    let Some(timers) = (unsafe { heap.as_ref() }) else { return false };
    let mut heap = timers.heap.lock();
    let was_set = timer.place.get() != OUT;
    if was_set {
        heap.remove(timer.place.get());
        timers.note_first(&heap);
    }
    drop(heap);
    let mut backoff = gort_sync::Backoff::new();
    // ORD[F2] Acquire: what the function did.
    while core::ptr::eq(timers.firing.load(Acquire), timer) {
        if !backoff.spin() {
            relax();
        }
    }
    was_set
}

#[cfg(not(loom))]
fn relax() {
    gort_sys::native::yield_now();
}
#[cfg(loom)]
fn relax() {
    gort_sync::model::thread::yield_now();
}

impl Heap {
    fn set(&mut self, place: usize, entry: Entry) {
        self.entries.as_mut_slice()[place] = entry;
        // SAFETY: a timer of this heap, which is locked.
        unsafe { (*entry.timer).place.set(place as u32) };
    }

    fn insert(&mut self, timer: *const Timer) -> bool {
        // SAFETY: the timer belongs to the heap.
        let when = unsafe { (*timer).when.get() };
        if !self.entries.push(Entry { when, timer }) {
            return false;
        }
        self.rise(self.entries.as_slice().len() - 1);
        true
    }

    fn remove(&mut self, place: u32) {
        let place = place as usize;
        let Some(last) = self.entries.pop() else { return };
        let removed = self.entries.as_slice().get(place).copied();
        // SAFETY: timers of this heap, which is locked.
        unsafe { (*removed.unwrap_or(last).timer).place.set(OUT) };
        if removed.is_some() {
            self.set(place, last);
            self.rise(place);
            // SAFETY: as above.
            self.sink(unsafe { (*last.timer).place.get() } as usize);
        }
    }

    fn take_due(&mut self, now: u64) -> Option<*const Timer> {
        let first = *self.entries.as_slice().first()?;
        if first.when > now {
            return None;
        }
        self.remove(0);
        Some(first.timer)
    }

    /// Sets a periodic timer again, on the next multiple that is not over: periods that passed unseen are dropped (TI-4).
    ///
    /// # Safety
    /// The timer is in our hands.
    unsafe fn repeat(&mut self, timer: *const Timer, now: u64) {
        // SAFETY: the caller's promise.
        let t = unsafe { &*timer };
        let (when, period) = (t.when.get(), t.period.get());
        if let Some(missed) = now.saturating_sub(when).checked_div(period) {
            t.when.set(when.saturating_add(period.saturating_mul(missed + 1)));
            self.insert(timer);
        }
    }

    fn rise(&mut self, mut place: usize) {
        let entry = self.entries.as_slice()[place];
        while place > 0 {
            let parent = (place - 1) / 4;
            let above = self.entries.as_slice()[parent];
            if above.when <= entry.when {
                break;
            }
            self.set(place, above);
            place = parent;
        }
        self.set(place, entry);
    }

    fn sink(&mut self, mut place: usize) {
        let entry = self.entries.as_slice()[place];
        loop {
            let children = self.entries.as_slice().iter().enumerate().skip(4 * place + 1).take(4);
            match children.min_by_key(|(_, child)| child.when) {
                Some((at, &child)) if child.when < entry.when => {
                    self.set(place, child);
                    place = at;
                }
                _ => break,
            }
        }
        self.set(place, entry);
    }
}

/// The array of a heap.
mod memory {
    use super::Entry;

    /// A vector from the OS: never from malloc, whose user a timer may be.
    #[cfg(not(loom))]
    pub(super) struct Entries {
        at: usize,
        len: usize,
        bytes: usize,
    }

    #[cfg(not(loom))]
    impl Entries {
        pub(super) const fn new() -> Self {
            Self { at: align_of::<Entry>(), len: 0, bytes: 0 }
        }

        pub(super) fn as_slice(&self) -> &[Entry] {
            // SAFETY: `len` entries were pushed.
            unsafe { core::slice::from_raw_parts(core::ptr::with_exposed_provenance(self.at), self.len) }
        }

        pub(super) fn as_mut_slice(&mut self) -> &mut [Entry] {
            // SAFETY: as above, and we are borrowed exclusively.
            unsafe {
                core::slice::from_raw_parts_mut(core::ptr::with_exposed_provenance_mut(self.at), self.len)
            }
        }

        pub(super) fn push(&mut self, entry: Entry) -> bool {
            if (self.len + 1) * size_of::<Entry>() > self.bytes && !self.grow() {
                return false;
            }
            self.len += 1;
            let last = self.len - 1;
            self.as_mut_slice()[last] = entry;
            true
        }

        pub(super) fn pop(&mut self) -> Option<Entry> {
            let last = *self.as_slice().last()?;
            self.len -= 1;
            Some(last)
        }

        fn grow(&mut self) -> bool {
            use gort_sys::mem;
            let new = if self.bytes == 0 {
                mem::map(mem::page_size()).map(|at| (at, mem::page_size()))
            } else {
                // SAFETY: our own mapping; nobody keeps an address in it.
                unsafe { mem::remap(self.at, self.bytes, 2 * self.bytes, true) }
                    .map(|at| (at, 2 * self.bytes))
            };
            new.map(|(at, bytes)| (self.at, self.bytes) = (at, bytes)).is_ok()
        }
    }

    #[cfg(loom)]
    pub(super) struct Entries(Vec<Entry>);

    #[cfg(loom)]
    impl Entries {
        pub(super) fn new() -> Self {
            Self(Vec::new())
        }
        pub(super) fn as_slice(&self) -> &[Entry] {
            &self.0
        }
        pub(super) fn as_mut_slice(&mut self) -> &mut [Entry] {
            &mut self.0
        }
        pub(super) fn push(&mut self, entry: Entry) -> bool {
            self.0.push(entry);
            true
        }
        pub(super) fn pop(&mut self) -> Option<Entry> {
            self.0.pop()
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::cell::RefCell;

    thread_local! { static FIRED: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) }; }

    fn note(arg: usize, _: u64) {
        FIRED.with_borrow_mut(|fired| fired.push(arg));
    }

    fn add(timers: &Timers, timer: &Timer, when: u64, period: u64) {
        // SAFETY: the timers of these tests stay where they are.
        assert!(unsafe { timers.add(timer, when, period) });
    }

    fn fired() -> Vec<usize> {
        FIRED.take()
    }

    #[test]
    fn a_thousand_fire_in_order_and_half_of_them_are_stopped() {
        let timers = Timers::new();
        let all: Vec<Timer> = (0..1000).map(|i| Timer::new(note, i)).collect();
        let when = |i: usize| gort_sys::rand::mix(i as u64) >> 40;
        all.iter().enumerate().for_each(|(i, t)| add(&timers, t, when(i), 0));
        // SAFETY: one thread.
        all.iter().step_by(2).for_each(|t| assert!(unsafe { stop(t) }));
        let mut expected: Vec<usize> = (1..1000).step_by(2).collect();
        expected.sort_by_key(|i| when(*i));
        assert_eq!(timers.first(), when(expected[0]));
        let half = when(expected[250]);
        assert_eq!(timers.run_due(half), 251);
        assert_eq!(timers.run_due(half), 0);
        assert_eq!(timers.run_due(u64::MAX - 1), 249);
        assert_eq!(fired(), expected);
        assert_eq!(timers.first(), NEVER);
        // SAFETY: one thread.
        assert!(all.iter().all(|t| !unsafe { stop(t) }), "TI-2: fired or stopped already");
    }

    /// TI-4: ticks that nobody saw are dropped, and the period keeps its phase.
    #[test]
    fn ti_04_a_late_ticker_keeps_its_phase() {
        let timers = Timers::new();
        let ticker = Timer::new(note, 1);
        add(&timers, &ticker, 100, 10);
        for (now, fires, next) in [(99, 0, 100), (100, 1, 110), (137, 1, 140), (140, 1, 150)] {
            assert_eq!(timers.run_due(now), fires, "at {now}");
            assert_eq!(timers.first(), next, "at {now}");
        }
        // SAFETY: one thread.
        assert!(unsafe { stop(&ticker) });
        assert_eq!(timers.run_due(1000), 0);
    }
}
