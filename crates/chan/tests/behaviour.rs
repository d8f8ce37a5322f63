//! The items CH, SE, SY and TI of the behaviour list, on goroutines and with plain threads.
#![cfg(not(loom))]

use gort_chan::Chan;
use gort_chan::chan::{Closed, MakeError, NOW, RawChan, Received, Sent};
use gort_chan::cond::Cond;
use gort_chan::mutex::Mutex;
use gort_chan::once::Once;
use gort_chan::rwmutex::RwMutex;
use gort_chan::select::{Case, Selected, select};
use gort_chan::timer::GoTimer;
use gort_chan::waitgroup::{Misuse, WaitGroup};
use gort_gmp::go;
use gort_gmp::timer::NEVER;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

/// Waits until `n` goroutines or threads wait to send or receive; by trying, since nobody counts them.
fn settle() {
    for _ in 0..20 {
        gort_gmp::sleep::sleep_ns(200_000);
    }
}

fn soon() -> u64 {
    gort_sys::clock::now_ns() + 2_000_000
}

#[test]
fn ch_01_and_02_sizes() {
    assert_eq!(RawChan::make(8, usize::MAX / 4).err(), Some(MakeError::OutOfMemory));
    assert_eq!(RawChan::make(64 << 10, 0).err(), Some(MakeError::ElementSize));
    let chan = RawChan::make((64 << 10) - 1, 0).unwrap();
    // SAFETY: our own reference.
    unsafe { RawChan::drop_ref(chan) };
}

/// CH-4, CH-5, CH-6, CH-7: close, and what it does to those who come and those who wait.
#[test]
fn ch_04_to_07_close() {
    let chan = Chan::new(2);
    (1..=2).for_each(|n| chan.send(n).unwrap());
    let parked = Chan::new(0);
    for n in 3..=4 {
        let (chan, parked) = (chan.clone(), parked.clone());
        go(move || parked.send(chan.send(n)).unwrap());
    }
    settle();
    assert_eq!(chan.raw().close(), Closed::Yes);
    assert_eq!(chan.raw().close(), Closed::Before);
    let mut refused: Vec<_> = (0..2).map(|_| parked.recv().unwrap().unwrap_err()).collect();
    refused.sort();
    assert_eq!(refused, [3, 4], "parked senders are told");
    assert_eq!(chan.try_send(9), Err((9, Sent::Closed)));
    assert_eq!([chan.recv(), chan.recv(), chan.recv()], [Some(1), Some(2), None], "data first");
    let mut value = 7u64 << 32;
    // SAFETY: eight bytes.
    let received = unsafe { chan.raw().recv((&raw mut value).cast(), NOW) };
    assert_eq!((received, value), (Received::Closed, 7 << 32), "an i32 was zeroed, no more than that");
}

/// CH-8, CH-9, CH-10, CH-11: hand-off past the buffer, the freed slot, the order, the length.
#[test]
fn ch_08_to_11_hand_off_and_order() {
    let chan = Chan::new(2);
    let done = Chan::new(0);
    let (inner, ready) = (chan.clone(), done.clone());
    go(move || {
        (1..=6).for_each(|n| inner.send(n).unwrap());
        ready.send(()).unwrap();
    });
    settle();
    assert_eq!((chan.raw().len(), chan.raw().cap()), (2, 2));
    assert_eq!((1..=6).map(|_| chan.recv().unwrap()).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    done.recv();
    assert_eq!(chan.raw().len(), 0);
    // Receivers that wait are served in order, and the buffer stays empty.
    let got = Chan::new(8);
    for i in 0..3 {
        let (chan, got) = (chan.clone(), got.clone());
        go(move || got.send((i, chan.recv().unwrap())).unwrap());
        settle();
    }
    for n in 10..13 {
        chan.send(n).unwrap();
        assert_eq!(chan.raw().len(), 0);
    }
    let mut all: Vec<_> = (0..3).map(|_| got.recv().unwrap()).collect();
    all.sort();
    assert_eq!(all, [(0, 10), (1, 11), (2, 12)]);
}

/// CH-12, CH-13: no element, no destination, no waiting.
#[test]
fn ch_12_and_13_empty_elements_and_trying() {
    let chan = Chan::new(1);
    assert_eq!(chan.try_recv(), Err(Received::No));
    chan.try_send(()).unwrap();
    assert_eq!(chan.raw().len(), 1);
    assert!(chan.try_send(()).is_err());
    // SAFETY: discarded.
    assert_eq!(unsafe { chan.raw().recv(core::ptr::null_mut(), NOW) }, Received::Value);
    let unbuffered = Chan::<u8>::new(0);
    assert_eq!(unbuffered.try_send(1), Err((1, Sent::No)));
    assert_eq!(unbuffered.send_until(1, soon()), (Sent::No, Some(1)));
    assert_eq!(unbuffered.recv_until(soon()), Err(Received::No));
    let taker = unbuffered.clone();
    go(move || assert_eq!(taker.recv(), Some(2)));
    settle();
    assert_eq!(unbuffered.try_send(2), Ok(()), "somebody waits");
}

#[test]
fn threads_and_goroutines_pass_a_million_values() {
    let (numbers, sums) = (Chan::new(16), Chan::new(0));
    for i in 0..8u64 {
        let (numbers, sums) = (numbers.clone(), sums.clone());
        let body = move || {
            let mut sum = 0u64;
            while let Some(n) = numbers.recv() {
                sum += n;
            }
            sums.send(sum).unwrap();
        };
        if i % 2 == 0 { go(body) } else { drop(std::thread::spawn(body)) }
    }
    let senders = Arc::new(WaitGroup::new());
    senders.add(4).unwrap();
    for i in 0..4u64 {
        let (numbers, senders) = (numbers.clone(), senders.clone());
        go(move || {
            (0..25_000).for_each(|n| numbers.send(i * 25_000 + n).unwrap());
            senders.add(-1).unwrap();
        });
    }
    senders.wait();
    assert!(numbers.close());
    let total: u64 = (0..8).map(|_| sums.recv().unwrap()).sum();
    assert_eq!(total, 99_999 * 100_000 / 2);
}

fn recv_case<'a, T: Send>(chan: &'a Chan<T>, value: &mut T) -> Case<'a> {
    Case::recv(chan.raw(), (&raw mut *value).cast())
}

fn send_case<'a, T: Send>(chan: &'a Chan<T>, value: &mut T) -> Case<'a> {
    Case::send(chan.raw(), (&raw mut *value).cast())
}

/// SE-3, SE-9: among two that are always ready, neither starves.
#[test]
fn se_03_and_09_fair_choice() {
    let (a, b) = (Chan::new(0), Chan::new(0));
    for chan in [a.clone(), b.clone()] {
        chan.close();
    }
    let mut counts = [0; 2];
    for _ in 0..2000 {
        let (mut x, mut y) = (0u32, 0u32);
        // SAFETY: two elements.
        match unsafe { select(&[recv_case(&a, &mut x), recv_case(&b, &mut y)], NEVER) } {
            Selected::Case(i, false) => counts[i] += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(counts.iter().all(|n| (700..1300).contains(n)), "{counts:?}");
}

/// SE-4, SE-5, SE-6, SE-7, SE-10.
#[test]
fn se_04_to_10() {
    let nil = Case::nil();
    // SAFETY: no elements.
    assert_eq!(unsafe { select(&[], NOW) }, Selected::No);
    // SAFETY: as above.
    assert_eq!(unsafe { select(&[nil], NOW) }, Selected::No, "SE-4");
    let chan = Chan::new(0);
    let (mut x, mut y) = (5u32, 6u32);
    // SAFETY: elements of four bytes, here and below.
    let own = unsafe { select(&[send_case(&chan, &mut x), recv_case(&chan, &mut y)], soon()) };
    assert_eq!((own, y), (Selected::No, 6), "SE-6: it does not match itself");
    let other = chan.clone();
    go(move || other.send(8).unwrap());
    // SAFETY: as above.
    let got = unsafe { select(&[send_case(&chan, &mut x), recv_case(&chan, &mut y)], NEVER) };
    assert_eq!((got, y), (Selected::Case(1, true), 8));
    // SE-7: after it was woken by one it stands in no other queue.
    let others: Vec<_> = (0..12).map(|_| Chan::new(0)).collect();
    let waker = others[9].clone();
    go(move || waker.send(3).unwrap());
    let mut values = [0u32; 12];
    let cases: Vec<_> = others.iter().zip(&mut values).map(|(chan, value)| recv_case(chan, value)).collect();
    // SAFETY: as above.
    assert_eq!(unsafe { select(&cases, NEVER) }, Selected::Case(9, true));
    assert_eq!(values[9], 3);
    assert!(others.iter().all(|chan| chan.try_send(1).is_err()), "SE-7");
    // SE-10, SE-5: woken by close.
    for (sends, result) in [(false, Selected::Case(0, false)), (true, Selected::Closed(0))] {
        let chan = Chan::new(0);
        let closer = chan.clone();
        go(move || {
            settle();
            assert!(closer.close());
        });
        let case = if sends { send_case(&chan, &mut x) } else { recv_case(&chan, &mut y) };
        // SAFETY: as above.
        assert_eq!(unsafe { select(&[case], NEVER) }, result);
    }
}

/// SE-8: two that select over the same channels in different order do not deadlock.
#[test]
fn se_08_lock_order() {
    let (a, b, done) = (Chan::new(0), Chan::new(0), Chan::new(0));
    for swap in [false, true] {
        let (a, b, done) = (a.clone(), b.clone(), done.clone());
        go(move || {
            for _ in 0..5000 {
                let (mut x, mut y) = (1u32, 0u32);
                let (first, second) = if swap { (&b, &a) } else { (&a, &b) };
                // SAFETY: two elements.
                let selected =
                    unsafe { select(&[send_case(first, &mut x), recv_case(second, &mut y)], NEVER) };
                assert!(matches!(selected, Selected::Case(_, true)));
            }
            done.send(()).unwrap();
        });
    }
    (0..2).for_each(|_| assert!(done.recv().is_some()));
}

/// SY-1, SY-2: not reentrant, tried without waiting, not owned, and nobody starves.
#[test]
fn sy_01_and_02_mutex() {
    let mutex = Arc::new(Mutex::new());
    mutex.lock();
    assert!(!mutex.try_lock());
    assert!(!mutex.lock_until(soon()));
    let other = mutex.clone();
    go(move || other.unlock());
    mutex.lock();
    mutex.unlock();
    struct Shared(Mutex, std::cell::UnsafeCell<u64>);
    // SAFETY: under the mutex.
    unsafe impl Sync for Shared {}
    static SHARED: Shared = Shared(Mutex::new(), std::cell::UnsafeCell::new(0));
    let all = Arc::new(WaitGroup::new());
    all.add(8).unwrap();
    for i in 0..8 {
        let all = all.clone();
        let body = move || {
            for n in 0..20_000 {
                SHARED.0.lock();
                // SAFETY: under the mutex.
                unsafe { *SHARED.1.get() += 1 };
                if n % 1000 == 0 {
                    gort_gmp::yield_now();
                }
                SHARED.0.unlock();
            }
            all.add(-1).unwrap();
        };
        if i % 4 == 3 { drop(std::thread::spawn(body)) } else { go(body) }
    }
    all.wait();
    // SAFETY: everybody is done.
    assert_eq!(unsafe { *SHARED.1.get() }, 160_000);
}

/// SY-2: those who give up leave nothing behind, in either mode.
#[test]
fn sy_02_locks_with_deadlines_leave_nothing_behind() {
    static MUTEX: Mutex = Mutex::new();
    static HELD: AtomicU32 = AtomicU32::new(0);
    let done = Chan::new(0);
    for i in 0..12u64 {
        let done = done.clone();
        go(move || {
            let mut got = 0;
            for n in 0..300u64 {
                let when = gort_sys::clock::now_ns() + (i * 7919 + n * 104_729) % 300_000;
                if i < 3 || MUTEX.lock_until(when) {
                    if i < 3 {
                        MUTEX.lock();
                    }
                    got += 1;
                    assert_eq!(HELD.fetch_add(1, SeqCst), 0);
                    if n % 8 == 0 {
                        gort_gmp::sleep::sleep_ns(20_000 + (n as i64 % 3) * 700_000);
                    }
                    HELD.fetch_sub(1, SeqCst);
                    MUTEX.unlock();
                }
            }
            done.send(got).unwrap();
        });
    }
    let got: Vec<u32> = (0..12).map(|_| done.recv().unwrap()).collect();
    assert!(got.iter().filter(|n| **n == 300).count() >= 3);
    assert!(MUTEX.try_lock(), "free");
    MUTEX.unlock();
}

/// SY-3: a waiting writer keeps new readers out; all readers go before the next writer.
#[test]
fn sy_03_rwmutex() {
    let lock = Arc::new(RwMutex::new());
    lock.rlock();
    lock.rlock();
    assert!(!lock.try_lock());
    let (writer, said) = (lock.clone(), Chan::new(4));
    let say = said.clone();
    go(move || {
        writer.lock();
        say.send("writer").unwrap();
        writer.unlock();
    });
    settle();
    assert!(!lock.try_rlock(), "a writer waits");
    let (reader, say) = (lock.clone(), said.clone());
    go(move || {
        reader.rlock();
        say.send("reader").unwrap();
        reader.runlock();
    });
    settle();
    lock.runlock();
    lock.runlock();
    assert_eq!([said.recv(), said.recv()], [Some("writer"), Some("reader")]);
    settle();
    assert!(lock.try_lock());
    lock.unlock();
}

/// SY-4: nought is passed at once, below nought is a misuse, many may wait.
#[test]
fn sy_04_waitgroup() {
    let group = Arc::new(WaitGroup::new());
    group.wait();
    assert_eq!(WaitGroup::new().add(-1), Err(Misuse::Negative));
    group.add(1).unwrap();
    assert!(!group.wait_until(soon()));
    let passed = Chan::new(0);
    for _ in 0..5 {
        let (group, passed) = (group.clone(), passed.clone());
        go(move || {
            group.wait();
            passed.send(()).unwrap();
        });
    }
    settle();
    group.add(-1).unwrap();
    (0..5).for_each(|_| assert!(passed.recv().is_some()));
    const { assert!(size_of::<WaitGroup>() == 16 && size_of::<Mutex>() == 8 && size_of::<RwMutex>() == 24) };
    const { assert!(size_of::<Once>() == 16 && size_of::<Cond>() == 24) };
}

/// SY-5, SY-6: once; and tickets in order, none for nothing.
#[test]
fn sy_05_and_06_once_and_cond() {
    static ONCE: Once = Once::new();
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let done = Chan::new(0);
    for _ in 0..10 {
        let done = done.clone();
        go(move || {
            ONCE.call(|| {
                gort_gmp::yield_now();
                RUNS.fetch_add(1, SeqCst);
            });
            done.send(RUNS.load(SeqCst)).unwrap();
        });
    }
    assert!((0..10).all(|_| done.recv() == Some(1)));
    static MUTEX: Mutex = Mutex::new();
    static COND: Cond = Cond::new();
    let order = Chan::new(8);
    for i in 0..4 {
        let order = order.clone();
        go(move || {
            MUTEX.lock();
            COND.wait(&MUTEX);
            order.send(i).unwrap();
            MUTEX.unlock();
        });
        settle();
    }
    for i in 0..2 {
        COND.signal();
        assert_eq!(order.recv(), Some(i), "the longest waiter first");
    }
    assert_eq!(order.try_recv(), Err(Received::No), "nobody wakes for nothing");
    COND.broadcast();
    let mut rest = [order.recv(), order.recv()];
    rest.sort();
    assert_eq!(rest, [Some(2), Some(3)]);
}

/// TI-1, TI-2, TI-4, CH-11: timers.
#[test]
fn ti_01_to_04_timers() {
    // SAFETY: the timer's own channel, while we have the timer.
    let chan = |timer: &'static GoTimer| unsafe { timer.chan().unwrap().as_ref() };
    let recv = |timer, when| {
        let mut at = 0i64;
        // SAFETY: eight bytes.
        let received = unsafe { chan(timer).recv((&raw mut at).cast(), when) };
        (received == Received::Value).then_some(at)
    };
    let start = gort_sys::clock::now_ns() as i64;
    let timer = GoTimer::sending(3_000_000, 0);
    assert_eq!((chan(timer).len(), chan(timer).cap()), (0, 0), "CH-11");
    assert!(recv(timer, NEVER).unwrap() >= start + 3_000_000);
    assert!(!timer.stop(), "TI-2: it has fired");
    assert!(!timer.reset(1_000_000), "TI-2");
    settle();
    // On a busy machine it may fire late: until a stop finds that it has.
    while timer.stop() {
        timer.reset(1_000_000);
        settle();
    }
    assert_eq!(recv(timer, NOW), None, "TI-1: no stale value");
    timer.reset(i64::MAX);
    assert!(timer.stop(), "TI-2, TI-5: it was set");
    let ticker = GoTimer::sending(1_000_000, 1_000_000);
    let first = recv(ticker, NEVER).unwrap();
    settle();
    settle();
    let kept = std::iter::from_fn(|| recv(ticker, NOW)).take(9).count();
    assert!((1..=2).contains(&kept), "TI-4: one at most is kept, and one may have come meanwhile");
    assert!(recv(ticker, NEVER).unwrap() > first);
    assert!(ticker.stop());
    static CALLS: AtomicU32 = AtomicU32::new(0);
    unsafe extern "C" fn call(arg: *mut core::ffi::c_void) {
        CALLS.fetch_add(arg as usize as u32, SeqCst);
        assert_ne!(gort_gmp::self_id(), 0, "TI-2: in its own goroutine");
    }
    let calls = GoTimer::calling(1_000_000, call, 5 as _);
    let never = GoTimer::calling(60_000_000_000, call, 7 as _);
    assert!(never.stop());
    while CALLS.load(SeqCst) == 0 {
        gort_gmp::sleep::sleep_ns(1_000_000);
    }
    assert_eq!(CALLS.load(SeqCst), 5);
    for timer in [timer, ticker, calls, never] {
        // SAFETY: our references.
        unsafe { GoTimer::drop_ref(timer) };
    }
}
