//! Goroutines on schedulers of their own: starting, yielding, parking, ending, joining, sleeping, blocking.
#![cfg(not(loom))]

use gort_gmp::timer::NEVER;
use gort_gmp::{Attr, Sched, WaitReason, Waiter};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

fn scheduler(procs: usize) -> &'static Sched {
    let sched: &'static Sched = Box::leak(Box::new(Sched::new()));
    assert!(sched.start_with(procs).unwrap());
    sched
}

/// Runs `f` on a goroutine and waits for what it returns.
fn on<T: Send + 'static>(sched: &'static Sched, f: impl FnOnce() -> T + Send + 'static) -> T {
    let (send, receive) = mpsc::channel();
    sched.go(&Attr::DEFAULT, move || send.send(f()).unwrap()).unwrap();
    receive.recv_timeout(Duration::from_secs(60)).expect("the goroutine ends")
}

fn go(f: impl FnOnce() + Send + 'static) {
    gort_gmp::go(f);
}

/// A place where one goroutine waits for another.
#[derive(Default)]
struct Gate {
    lock: gort_sys::lock::Lock,
    open: AtomicBool,
    waiter: AtomicPtr<Waiter>,
}

impl Gate {
    fn pass(&self) {
        self.lock.acquire();
        let waiter = Waiter::new();
        if self.open.load(SeqCst) {
            // SAFETY: acquired above.
            return unsafe { self.lock.release() };
        }
        self.waiter.store(&raw const waiter as *mut Waiter, SeqCst);
        // SAFETY: `open` readies it, under the lock that is dropped after the switch.
        unsafe { waiter.park(WaitReason::Semacquire, gort_gmp::unlock, &raw const self.lock as usize) };
    }

    fn open(&self) {
        self.lock.acquire();
        self.open.store(true, SeqCst);
        let waiter = self.waiter.swap(std::ptr::null_mut(), SeqCst);
        // SAFETY: acquired above.
        unsafe { self.lock.release() };
        if !waiter.is_null() {
            // SAFETY: taken out of the gate by us alone.
            unsafe { Waiter::ready(waiter) };
        }
    }
}

/// GO-7: with one P, three goroutines that are started in a row run 3, 1, 2.
#[test]
fn go_07_the_last_one_started_runs_first() {
    let sched = scheduler(1);
    let order = Arc::new(Mutex::new(Vec::new()));
    let gate = Arc::new(Gate::default());
    let seen = order.clone();
    on(sched, move || {
        for i in 1..=3 {
            let (seen, gate) = (seen.clone(), gate.clone());
            go(move || {
                seen.lock().unwrap().push(i);
                if seen.lock().unwrap().len() == 3 {
                    gate.open();
                }
            });
        }
        gate.pass();
    });
    assert_eq!(*order.lock().unwrap(), [3, 1, 2]);
}

/// GO-6: a goroutine that yields goes behind those of the global queue and lets all others run.
#[test]
fn go_06_yield_lets_the_others_run() {
    let sched = scheduler(1);
    let rounds = on(sched, || {
        let count = Arc::new(AtomicU32::new(0));
        for _ in 0..3 {
            let count = count.clone();
            go(move || {
                for _ in 0..100 {
                    count.fetch_add(1, SeqCst);
                    gort_gmp::yield_now();
                }
            });
        }
        let mut rounds = 0;
        while count.load(SeqCst) < 300 {
            rounds += 1;
            gort_gmp::yield_now();
        }
        rounds
    });
    assert!((90..=110).contains(&rounds), "{rounds} rounds of 100");
}

/// GO-15: the first number is 1, and none comes twice.
#[test]
fn go_15_numbers_start_at_1_and_are_unique() {
    let sched = scheduler(2);
    assert_eq!(on(sched, gort_gmp::self_id), 1);
    let ids = Arc::new(Mutex::new(Vec::new()));
    let all = ids.clone();
    on(sched, move || {
        let gate = Arc::new(Gate::default());
        for _ in 0..1000 {
            let (all, gate) = (all.clone(), gate.clone());
            go(move || {
                let mut all = all.lock().unwrap();
                all.push(gort_gmp::self_id());
                if all.len() == 1000 {
                    gate.open();
                }
            });
        }
        gate.pass();
    });
    let mut ids = std::mem::take(&mut *ids.lock().unwrap());
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), ids[0] > 1), (1000, true));
    assert_eq!(gort_gmp::self_id(), 0, "a plain thread");
}

#[test]
fn many_more_than_fit_the_queues_all_run_and_are_gone() {
    let sched = scheduler(2);
    const N: usize = 20_000;
    on(sched, || {
        let (count, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Gate::default()));
        for i in 0..N {
            let (count, gate) = (count.clone(), gate.clone());
            go(move || {
                if i % 3 == 0 {
                    gort_gmp::yield_now();
                }
                if count.fetch_add(1, SeqCst) + 1 == N {
                    gate.open();
                }
            });
        }
        gate.pass();
    });
    while sched.goroutines() != 0 {
        std::thread::yield_now();
    }
}

#[test]
fn two_that_wake_each_other_never_miss() {
    for procs in [1, 2, 4] {
        let sched = scheduler(procs);
        let turns = on(sched, || {
            let gates: Arc<Vec<Gate>> = Arc::new((0..20_001).map(|_| Gate::default()).collect());
            let theirs = gates.clone();
            go(move || {
                for pair in theirs.chunks(2).filter(|pair| pair.len() == 2) {
                    pair[0].pass();
                    pair[1].open();
                }
            });
            for pair in gates.chunks(2).filter(|pair| pair.len() == 2) {
                pair[0].open();
                pair[1].pass();
            }
            gates.len() / 2
        });
        assert_eq!(turns, 10_000);
    }
}

#[test]
fn errno_and_floating_point_belong_to_the_goroutine() {
    let sched = scheduler(2);
    on(sched, || {
        let (count, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Gate::default()));
        for i in 1..=50 {
            let (count, gate) = (count.clone(), gate.clone());
            go(move || {
                let x = std::hint::black_box(i as f64);
                for _ in 0..50 {
                    gort_sys::Errno(i).set();
                    gort_gmp::yield_now();
                    assert_eq!(gort_sys::Errno::get().0, i);
                }
                assert_eq!(std::hint::black_box(x) as i32, i);
                if count.fetch_add(1, SeqCst) + 1 == 50 {
                    gate.open();
                }
            });
        }
        gate.pass();
    });
}

#[test]
fn join_waits_once_and_detach_forgets() {
    const ESRCH: i32 = 3;
    let sched = scheduler(2);
    let joinable = Attr { joinable: true, ..Attr::DEFAULT };
    let error = |r: Result<(), gort_sys::Errno>| r.map_err(|e| e.0);
    on(sched, move || {
        let gate = Arc::new(Gate::default());
        let held = gate.clone();
        let id = sched.go(&joinable, move || held.pass()).unwrap();
        let soon = gort_sys::clock::now_ns() + 1_000_000;
        assert_eq!(gort_gmp::join(id, soon), Err(gort_sys::Errno::ETIMEDOUT));
        gate.open();
        assert_eq!(error(gort_gmp::join(id, NEVER)), Ok(()));
        assert_eq!(error(gort_gmp::join(id, NEVER)), Err(ESRCH), "joined");
        let plain = sched.go(&Attr::DEFAULT, || {}).unwrap();
        assert_eq!(error(gort_gmp::join(plain, NEVER)), Err(ESRCH), "not joinable");
        let detached = sched.go(&joinable, || {}).unwrap();
        assert_eq!(error(gort_gmp::detach(detached)), Ok(()));
        assert_eq!(error(gort_gmp::join(detached, NEVER)), Err(ESRCH), "detached");
        let ended = sched.go(&joinable, || {}).unwrap();
        while sched.goroutines() > 1 {
            gort_gmp::yield_now();
        }
        assert_eq!(error(gort_gmp::join(ended, 0)), Ok(()), "it has ended");
    });
}

/// GO-6: nought or less returns at once. A sleep is never shorter than asked, on a goroutine and on a plain thread.
#[test]
fn go_06_a_sleep_is_never_shorter_than_asked() {
    let sleeps = || {
        gort_gmp::sleep::sleep_ns(0);
        gort_gmp::sleep::sleep_ns(-5);
        for ns in [1, 50_000, 1_000_000, 7_000_000] {
            let start = Instant::now();
            gort_gmp::sleep::sleep_ns(ns);
            assert!(start.elapsed().as_nanos() as i64 >= ns);
        }
    };
    sleeps();
    on(scheduler(2), sleeps);
}

#[test]
fn thousands_of_sleepers_all_wake() {
    let sched = scheduler(2);
    on(sched, || {
        let (count, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Gate::default()));
        for i in 0..5000i64 {
            let (count, gate) = (count.clone(), gate.clone());
            go(move || {
                gort_gmp::sleep::sleep_ns(1 + i * 37_813 % 20_000_000);
                if count.fetch_add(1, SeqCst) + 1 == 5000 {
                    gate.open();
                }
            });
        }
        gate.pass();
    });
}

/// With one P, goroutines go on while one blocks in the kernel, announced or not, and while one computes without end.
#[test]
fn one_that_blocks_or_computes_does_not_stop_the_others() {
    let sched = scheduler(1);
    for kind in ["announced", "unannounced", "computes"] {
        let turns = on(sched, move || {
            static STOP: AtomicBool = AtomicBool::new(false);
            STOP.store(false, SeqCst);
            let done = Arc::new(Gate::default());
            let gate = done.clone();
            go(move || {
                match kind {
                    "announced" => {
                        gort_gmp::block_enter();
                        while !STOP.load(SeqCst) {
                            std::thread::sleep(Duration::from_millis(1));
                        }
                        gort_gmp::block_exit();
                    }
                    "unannounced" => {
                        while !STOP.load(SeqCst) {
                            std::thread::sleep(Duration::from_millis(1));
                        }
                    }
                    _ => {
                        while !STOP.load(SeqCst) {
                            std::hint::spin_loop();
                        }
                    }
                }
                gate.open();
            });
            // Only a second M can bring us back from the first yield on.
            for _ in 0..100 {
                gort_gmp::yield_now();
            }
            STOP.store(true, SeqCst);
            done.pass();
            100
        });
        assert_eq!(turns, 100, "{kind}");
    }
}

/// GO-16: a locked goroutine stays on its thread, and nobody else runs there.
#[test]
fn go_16_locked_to_its_thread() {
    let sched = scheduler(2);
    on(sched, move || {
        let (count, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Gate::default()));
        let locked_thread = Arc::new(AtomicU64::new(0));
        let (locked, open) = (locked_thread.clone(), gate.clone());
        let pinned = Attr { pinned: true, ..Attr::DEFAULT };
        sched
            .go(&pinned, move || {
                let thread = gort_sys::native::thread_id();
                locked.store(thread as u64, SeqCst);
                for _ in 0..200 {
                    gort_gmp::yield_now();
                    gort_gmp::lock_os_thread();
                    assert_eq!(gort_sys::native::thread_id(), thread);
                    gort_gmp::unlock_os_thread();
                    gort_gmp::sleep::sleep_ns(1000);
                    assert_eq!(gort_sys::native::thread_id(), thread);
                }
                open.open();
            })
            .unwrap();
        for _ in 0..4 {
            let (count, locked) = (count.clone(), locked_thread.clone());
            go(move || {
                for _ in 0..500 {
                    assert_ne!(gort_sys::native::thread_id() as u64, locked.load(SeqCst));
                    gort_gmp::yield_now();
                }
                count.fetch_add(1, SeqCst);
            });
        }
        gate.pass();
        while count.load(SeqCst) < 4 {
            gort_gmp::yield_now();
        }
    });
}

/// GO-17: n < 1 only reads; the number changes while goroutines run, and none is lost.
#[test]
fn go_17_gomaxprocs_changes_while_running() {
    let sched = scheduler(2);
    assert_eq!(sched.max_procs(0), Ok(2));
    on(sched, move || {
        let (count, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Gate::default()));
        for _ in 0..8 {
            let (count, gate) = (count.clone(), gate.clone());
            go(move || {
                for i in 0..2000 {
                    if i % 100 == 0 {
                        gort_gmp::sleep::sleep_ns(1000);
                    }
                    gort_gmp::yield_now();
                }
                if count.fetch_add(1, SeqCst) + 1 == 8 {
                    gate.open();
                }
            });
        }
        for (i, n) in [1, 4, 2, 1, 8, 1, 3].into_iter().cycle().take(70).enumerate() {
            let old = sched.max_procs(n).unwrap();
            assert_eq!(old, if i == 0 { 2 } else { [3, 1, 4, 2, 1, 8, 1][i % 7] }, "{i}");
            gort_gmp::yield_now();
        }
        gate.pass();
    });
    assert_eq!(sched.max_procs(-1), Ok(3));
}

#[test]
fn arguments_are_copied_and_stacks_are_as_large_as_asked() {
    let sched = scheduler(2);
    static SUM: AtomicU64 = AtomicU64::new(0);
    unsafe extern "C" fn add(args: *mut core::ffi::c_void) {
        assert_eq!(args as usize % 16, 0);
        // SAFETY: three words were copied.
        let words = unsafe { args.cast::<[u64; 3]>().read() };
        SUM.fetch_add(words.iter().sum(), SeqCst);
    }
    let mut words = [1u64, 2, 3];
    // SAFETY: `add` reads three words.
    unsafe { sched.spawn_copy(&Attr::DEFAULT, add, words.as_ptr().cast(), 24).unwrap() };
    words.fill(9);
    while SUM.load(SeqCst) == 0 {
        std::thread::yield_now();
    }
    assert_eq!(SUM.load(SeqCst), 6);
    // SAFETY: refused before anything is read.
    let too_much = unsafe { sched.spawn_copy(&Attr::DEFAULT, add, words.as_ptr().cast(), 4097) };
    assert_eq!(too_much, Err(gort_sys::Errno::EINVAL));

    fn deep(n: usize) -> usize {
        let frame = std::hint::black_box([n as u8; 1000]);
        if n == 0 { 0 } else { deep(n - 1) + frame[999] as usize - n as u8 as usize + 1 }
    }
    let (send, receive) = mpsc::channel();
    let large = Attr { stack: 8 << 20, ..Attr::DEFAULT };
    sched.go(&large, move || send.send(deep(6000)).unwrap()).unwrap();
    assert_eq!(receive.recv(), Ok(6000), "six megabytes deep");
}
