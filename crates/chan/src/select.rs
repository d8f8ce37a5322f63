//! `select`: waits for several channels, and takes part in one exchange.
//!
//! Follows Go's `select.go`. All channels are locked, in the order of their addresses, each once (SE-8); the cases are looked at in
//! random order, and one that is ready is taken (SE-3). Where none is, a place is put into every queue, all under the one waiter,
//! whom only one can claim (SE-7); who wakes up takes the others out again.
//!
//! The orders and places of up to [`INLINE`] cases lie on the stack.

use crate::chan::{RawChan, Received, Sent, is_over};
use crate::outcome::Wake;
use crate::queue::Place;
use alloc::vec::Vec;
use core::mem::MaybeUninit;
use gort_gmp::{WaitReason, Waiter};

/// The most cases (SE-8).
pub const CASES_MAX: usize = 65_536;
/// Cases that need no allocation.
const INLINE: usize = 8;

/// One case, as C has it.
#[repr(C)]
pub struct Case<'a> {
    chan: Option<&'a RawChan>,
    elem: *mut u8,
    dir: i32,
    /// For C: whether there was a value. Written by who calls `select`.
    pub ok: bool,
}

/// The case receives.
pub const RECV: i32 = 0;
/// The case sends.
pub const SEND: i32 = 1;

impl<'a> Case<'a> {
    /// A case that receives to `elem` (null: discarded).
    pub fn recv(chan: &'a RawChan, elem: *mut u8) -> Self {
        Self { chan: Some(chan), elem, dir: RECV, ok: false }
    }

    /// A case that sends what is at `elem`.
    pub fn send(chan: &'a RawChan, elem: *const u8) -> Self {
        Self { chan: Some(chan), elem: elem.cast_mut(), dir: SEND, ok: false }
    }

    /// A case of a nil channel: never ready (SE-4).
    pub const fn nil() -> Self {
        Self { chan: None, elem: core::ptr::null_mut(), dir: RECV, ok: false }
    }

    fn sends(&self) -> bool {
        self.dir == SEND
    }
}

/// What became of a select.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Selected {
    /// This case went through; of a receive, whether there was a value (`false`: closed).
    Case(usize, bool),
    /// This case would have sent on a closed channel: Go panics (SE-5).
    Closed(usize),
    /// None was ready, or the deadline came.
    No,
}

/// What a select has beside its cases.
struct Work<'w> {
    /// Case numbers in the order of their channels' addresses, nil ones left out.
    locks: &'w mut [u32],
    /// Case numbers in random order, nil ones left out.
    polls: &'w mut [u32],
    places: &'w mut [MaybeUninit<Place>],
}

/// Takes part in one of the cases, waiting until `when` at most (`NOW`: `default`; `NEVER`).
///
/// # Safety
/// Each case's element can be read or written, as many bytes as its channel's elements have.
pub unsafe fn select(cases: &[Case<'_>], when: u64) -> Selected {
    debug_assert!(cases.len() <= CASES_MAX);
    let n = cases.len();
    let (mut locks, mut polls) = ([0; INLINE], [0; INLINE]);
    let mut places = [const { MaybeUninit::uninit() }; INLINE];
    if n <= INLINE {
        // SAFETY: the caller's.
        return unsafe { with_work(cases, when, &mut locks, &mut polls, &mut places) };
    }
    let (mut locks, mut polls) = (alloc::vec![0; n], alloc::vec![0; n]);
    let mut places: Vec<_> = (0..n).map(|_| MaybeUninit::uninit()).collect();
    // SAFETY: the caller's.
    unsafe { with_work(cases, when, &mut locks, &mut polls, &mut places) }
}

unsafe fn with_work(
    cases: &[Case<'_>],
    when: u64,
    locks: &mut [u32],
    polls: &mut [u32],
    places: &mut [MaybeUninit<Place>],
) -> Selected {
    let mut n = 0;
    for (i, _) in cases.iter().enumerate().filter(|(_, case)| case.chan.is_some()) {
        // Inside-out shuffle: every order with the same probability.
        let j = random(n as u32 + 1) as usize;
        polls[n] = polls[j];
        polls[j] = i as u32;
        locks[n] = i as u32;
        n += 1;
    }
    // loom replays a run step by step, but addresses differ from run to run; its models have one select each.
    #[cfg(not(loom))]
    locks[..n].sort_unstable_by_key(|i| address(cases, *i));
    let mut work = Work { locks: &mut locks[..n], polls: &mut polls[..n], places };
    // SAFETY: the caller's.
    unsafe { run(cases, when, &mut work) }
}

/// The address of a case's channel.
fn address(cases: &[Case<'_>], i: u32) -> usize {
    cases[i as usize].chan.map_or(0, |chan| core::ptr::from_ref(chan).addr())
}

/// Each channel once, in the order of addresses.
fn channels<'c>(cases: &'c [Case<'_>], locks: &'c [u32]) -> impl Iterator<Item = &'c RawChan> {
    locks.iter().enumerate().filter_map(move |(at, i)| {
        let again = at > 0 && address(cases, locks[at - 1]) == address(cases, *i);
        if again { None } else { cases[*i as usize].chan }
    })
}

unsafe fn run(cases: &[Case<'_>], when: u64, work: &mut Work<'_>) -> Selected {
    channels(cases, work.locks).for_each(|chan| chan.lock.acquire());
    // SAFETY: all locked; the caller's elements.
    let ready = unsafe { look(cases, work.polls) };
    if ready.is_some() || is_over(when) {
        // SAFETY: locked above.
        channels(cases, work.locks).for_each(|chan| unsafe { chan.unlock() });
        let Some((selected, wake)) = ready else { return Selected::No };
        // SAFETY: taken out of a queue by `look`.
        unsafe { wake.ready() };
        return selected;
    }
    let waiter = Waiter::new();
    // SAFETY: all locked; the places stay until they are taken out below.
    unsafe { enqueue(cases, work, &waiter) };
    let unlocking = Unlocking { cases: cases.as_ptr().cast(), locks: work.locks };
    let reason = if work.locks.is_empty() { WaitReason::SelectNoCases } else { WaitReason::Select };
    // SAFETY: whoever claims us readies us; the locks are dropped after the switch.
    unsafe { waiter.park_until(reason, when, unlock_all, (&raw const unlocking).expose_provenance()) };
    // SAFETY: our own places, in the queues of these channels.
    unsafe { dequeue(cases, work, waiter.claimed()) }
}

/// The first case in random order that can go through.
unsafe fn look(cases: &[Case<'_>], polls: &[u32]) -> Option<(Selected, Wake)> {
    polls.iter().find_map(|i| {
        let case = &cases[*i as usize];
        let (chan, i) = (case.chan?, *i as usize);
        // SAFETY: the caller has locked it; his element.
        unsafe {
            if case.sends() {
                let (sent, wake) = chan.try_send(case.elem)?;
                Some((if sent == Sent::Yes { Selected::Case(i, true) } else { Selected::Closed(i) }, wake))
            } else {
                let (received, wake) = chan.try_recv(case.elem)?;
                Some((Selected::Case(i, received == Received::Value), wake))
            }
        }
    })
}

unsafe fn enqueue(cases: &[Case<'_>], work: &mut Work<'_>, waiter: &Waiter) {
    for i in work.locks.iter().map(|i| *i as usize) {
        let Some(chan) = cases[i].chan else { continue };
        let place = work.places[i].write(Place::new(waiter, cases[i].elem, i as u32, false));
        // SAFETY: the caller has locked it; the place stays until `dequeue`.
        unsafe {
            let state = chan.state();
            let queue = if cases[i].sends() { &mut state.senders } else { &mut state.receivers };
            queue.push(place);
            chan.note();
        }
    }
}

/// Takes our places out of the queues, and says which case it was.
unsafe fn dequeue(cases: &[Case<'_>], work: &mut Work<'_>, claimed: u32) -> Selected {
    channels(cases, work.locks).for_each(|chan| chan.lock.acquire());
    let mut selected = Selected::No;
    for i in work.locks.iter().map(|i| *i as usize) {
        let Some(chan) = cases[i].chan else { continue };
        // SAFETY: locked; written by `enqueue`.
        unsafe {
            let place = work.places[i].assume_init_mut();
            if claimed == i as u32 + 1 {
                selected = match (place.ok, cases[i].sends()) {
                    (false, true) => Selected::Closed(i),
                    (ok, _) => Selected::Case(i, ok),
                };
            }
            let state = chan.state();
            let queue = if cases[i].sends() { &mut state.senders } else { &mut state.receivers };
            queue.remove(place);
        }
    }
    // SAFETY: locked above.
    channels(cases, work.locks).for_each(|chan| unsafe { chan.unlock() });
    selected
}

/// What is needed to drop all locks once the stack is at rest.
struct Unlocking<'u> {
    cases: *const Case<'u>,
    locks: &'u [u32],
}

/// Drops all locks. Once the last one is dropped, the select may go on and its stack change; before that it waits for
/// that lock, in the same order, and touches none of what is read here.
unsafe extern "C" fn unlock_all(unlocking: usize) {
    // SAFETY: on the stack of the select, see above.
    let (cases, locks) = unsafe {
        let unlocking = &*core::ptr::with_exposed_provenance::<Unlocking<'_>>(unlocking);
        (unlocking.cases, unlocking.locks)
    };
    let n = locks.len();
    // SAFETY: as above; a case's channel outlives the select.
    let chan_at = |at: usize| unsafe { (*cases.add(locks[at] as usize)).chan.map(core::ptr::from_ref) };
    let mut at = 0;
    while at < n {
        let chan = chan_at(at);
        at += 1;
        while at < n && chan_at(at) == chan {
            at += 1;
        }
        if let Some(chan) = chan {
            // SAFETY: locked by the select. (The hints are up to date.)
            unsafe { (*chan).lock.release() };
        }
    }
}

/// A random number below `n`.
fn random(n: u32) -> u32 {
    if n == 1 {
        return 0;
    }
    ((u64::from(word()) * u64::from(n)) >> 32) as u32
}

#[cfg(not(loom))]
fn word() -> u32 {
    use gort_sync::atomic::{AtomicU64, Ordering::Relaxed};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    // Relaxed: a sequence whose numbers matter to nobody; two that read the same one at once shuffle alike once.
    let n = COUNT.load(Relaxed).wrapping_add(1);
    COUNT.store(n, Relaxed);
    let here = core::ptr::from_ref(&n).addr() as u64;
    (gort_sys::rand::mix(n ^ here << 20) >> 32) as u32
}

#[cfg(loom)]
fn word() -> u32 {
    0
}
