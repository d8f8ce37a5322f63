//! The items of the behaviour list, PA and GO, on plain threads and on a goroutine's runner.
#![cfg(not(loom))]

mod common;

use common::{Log, on_goroutine};
use gort_defer::scope::{Outcome, call, catch, raise};
use gort_defer::{Value, defer};

/// Panics with a number.
fn raise_number(n: i32) -> ! {
    // SAFETY: the tests have nothing to drop between here and the catch.
    unsafe { raise(n) }
}

fn number(value: Value) -> i32 {
    // SAFETY: raised by `raise_number`, or by the machine.
    unsafe { value.get::<i32>() }.expect("a number")
}

fn text(value: Value) -> String {
    let mut text = String::new();
    // SAFETY: a value of `Value::of`.
    unsafe { value.print(&mut text).unwrap() };
    text
}

/// PA-1: deferred calls run newest first, on top of the panicking stack.
#[test]
fn pa_1_a_panic_runs_deferred_calls_on_top_of_the_stack() {
    let log = Log::new();
    let here = 0u8;
    let outcome = catch(|| {
        let deepest = 0u8;
        let below = move || {
            let top = 0u8;
            (&raw const top).addr() < (&raw const deepest).addr()
        };
        defer! { log.add("first") }
        defer! { log.add(if below() { "second, below" } else { "second, unwound" }) }
        raise_number(1)
    });
    let _ = here;
    assert!(matches!(outcome, Outcome::Panicked(v) if number(v) == 1));
    log.expect(&["second, below", "first"]);
}

/// PA-2: a deferred call's token belongs to the panic that runs the call; it recovers no other, and none after a normal
/// return.
#[test]
fn pa_2_only_the_deferred_call_itself_recovers() {
    let log = Log::new();
    let inner = log.clone();
    let outcome = catch(move || {
        call(|f| {
            f.defer(move |_| {
                // A frame that ends normally while the panic is in progress: its calls recover nothing.
                let log = inner.clone();
                call(|g| {
                    g.defer(move |token| log.add(if token.recover().is_some() { "bad" } else { "nil" }))
                });
            });
            raise_number(2)
        })
    });
    assert!(matches!(outcome, Outcome::Panicked(v) if number(v) == 2));
    log.expect(&["nil"]);
}

/// PA-3: after the recovering call, the remaining calls of the frame run, then the function returns.
#[test]
fn pa_3_a_recovered_function_returns() {
    let log = Log::new();
    let (a, b) = (log.clone(), log.clone());
    let result = call(|f| {
        f.defer(move |token| a.add(if token.recover().is_none() { "no panic left" } else { "bad" }));
        f.defer(move |token| b.add(&format!("recovered {}", number(token.recover().unwrap()))));
        raise_number(3)
    });
    assert_eq!(result, None::<()>);
    log.add("after");
    log.expect(&["recovered 3", "no panic left", "after"]);
}

/// PA-4: recovering outside of a panic, or twice, gives nothing.
#[test]
fn pa_4_recover_outside_and_twice() {
    let log = Log::new();
    let (a, b) = (log.clone(), log.clone());
    call(|f| f.defer(move |token| a.add(&format!("{:?}", token.recover().is_some()))));
    call(|f| {
        f.defer(move |token| b.add(&format!("{} {}", token.recover().is_some(), token.recover().is_some())));
        raise_number(4)
    });
    log.expect(&["false", "true false"]);
}

/// PA-5: `panic(nil)` is seen as an error with a text.
#[test]
fn pa_5_a_nil_panic_has_a_value() {
    let outcome = catch(|| -> () {
        // SAFETY: the runner lives as long as the thread.
        gort_defer::panic::raise(unsafe { &*common::runner() }, Value::NIL)
    });
    let Outcome::Panicked(value) = outcome else { panic!("caught") };
    assert_eq!(text(value), "runtime error: panic called with nil argument");
}

/// PA-6: a newer panic replaces the older one.
#[test]
fn pa_6_a_deferred_call_may_panic() {
    let outcome = catch(|| {
        defer! { raise_number(62) }
        raise_number(61)
    });
    assert!(matches!(outcome, Outcome::Panicked(v) if number(v) == 62));
}

/// PA-7: a panic recovered inside of a deferred call leaves the outer one alone.
#[test]
fn pa_7_an_inner_recovery_leaves_the_outer_panic() {
    let log = Log::new();
    let inner = log.clone();
    let outcome = catch(move || {
        defer! {
            let log = inner.clone();
            call(|g| {
                g.defer(move |token| log.add(&format!("inner {}", number(token.recover().unwrap()))));
                raise_number(72)
            });
            inner.add("deferred call goes on");
        }
        raise_number(71)
    });
    assert!(matches!(outcome, Outcome::Panicked(v) if number(v) == 71));
    log.expect(&["inner 72", "deferred call goes on"]);
}

/// PA-8: a recovery further out ends the older panic too.
#[test]
fn pa_8_a_recovery_further_out_aborts_the_older_panic() {
    let log = Log::new();
    let seen = log.clone();
    call(|f| {
        f.defer(move |token| seen.add(&format!("got {}", number(token.recover().unwrap()))));
        call(|g| {
            g.defer(|_| raise_number(82));
            raise_number(81)
        });
        unreachable!()
    });
    call(|f| {
        let log = log.clone();
        f.defer(move |token| log.add(if token.recover().is_none() { "nothing in progress" } else { "bad" }))
    });
    log.expect(&["got 82", "nothing in progress"]);
}

/// PA-13: the argument is taken when the call is deferred; calls run after the result is set.
#[test]
fn pa_13_arguments_are_taken_at_registration() {
    let log = Log::new();
    let mut i = 0;
    call(|f| {
        while i < 3 {
            let (log, taken) = (log.clone(), i);
            f.defer(move |_| log.add(&taken.to_string()));
            i += 1;
        }
        log.add("result");
    });
    log.expect(&["result", "2", "1", "0"]);
}

/// PA-14: a nil function is an error when it would run, not before.
#[test]
fn pa_14_a_nil_function_panics_when_it_would_run() {
    use gort_defer::frame::{Kind, begin, end, push};
    let log = Log::new();
    let registered = log.clone();
    let outcome = catch(move || {
        let mut frame = core::mem::MaybeUninit::uninit();
        // SAFETY: the frame stays in place until it ends.
        unsafe {
            begin(common::runner(), frame.as_mut_ptr());
            push(frame.as_mut_ptr(), Kind::Plain, core::ptr::null_mut(), core::ptr::null_mut());
            registered.add("registered");
            end(frame.as_mut_ptr());
        }
    });
    let Outcome::Panicked(value) = outcome else { panic!("caught") };
    assert_eq!(text(value), "runtime error: invalid memory address or nil pointer dereference");
    log.expect(&["registered"]);
}

/// PA-15: calls deferred in a loop wait for the end of the function, as many as there are.
#[test]
fn pa_15_a_thousand_calls_of_one_frame() {
    let log = Log::new();
    call(|f| {
        for i in 0..1000 {
            let log = log.clone();
            f.defer(move |_| log.add(&i.to_string()));
        }
    });
    let expected: Vec<String> = (0..1000).rev().map(|i| i.to_string()).collect();
    log.expect(&expected.iter().map(String::as_str).collect::<Vec<_>>());
}

/// GO-3: Goexit runs the deferred calls, which see no panic, and ends the goroutine; a `pcall` does not stop it.
#[test]
fn go_3_goexit_runs_deferred_calls_and_ends() {
    let log = Log::new();
    let (a, b) = (log.clone(), log.clone());
    let ended = on_goroutine(move || {
        call(|f| {
            f.defer(move |token| a.add(if token.recover().is_none() { "outer nil" } else { "bad" }));
            let _ = catch(|| {
                call(|g| {
                    g.defer(move |token| b.add(if token.recover().is_none() { "inner nil" } else { "bad" }));
                    common::goexit()
                })
            });
            unreachable!()
        });
    });
    assert!(ended, "ended by Goexit");
    log.expect(&["inner nil", "outer nil"]);
}

/// GO-4: a panic of a deferred call during Goexit may be recovered; then Goexit continues.
#[test]
fn go_4_goexit_survives_a_recovered_panic() {
    let log = Log::new();
    let (a, b, c) = (log.clone(), log.clone(), log.clone());
    let ended = on_goroutine(move || {
        call(|f| {
            f.defer(move |_| a.add("outermost"));
            call(|g| {
                g.defer(move |_| b.add("rest of the frame"));
                g.defer(move |token| c.add(&format!("recovered {}", number(token.recover().unwrap()))));
                call(|h| {
                    h.defer(|_| raise_number(4));
                    common::goexit()
                });
            });
            unreachable!()
        });
    });
    assert!(ended, "ended by Goexit");
    log.expect(&["recovered 4", "rest of the frame", "outermost"]);
}

/// GO-5: Goexit in a deferred call drops the panic.
#[test]
fn go_5_goexit_drops_the_panic() {
    let log = Log::new();
    let a = log.clone();
    let ended = on_goroutine(move || {
        call(|f| {
            f.defer(move |token| a.add(if token.recover().is_none() { "nil" } else { "bad" }));
            f.defer(|_| common::goexit());
            raise_number(5)
        });
    });
    assert!(ended, "ended by Goexit");
    log.expect(&["nil"]);
}

/// Goexit on a plain thread is a panic.
#[test]
fn goexit_on_a_plain_thread_panics() {
    let outcome = catch(|| -> () { common::goexit() });
    let Outcome::Panicked(value) = outcome else { panic!("caught") };
    assert_eq!(text(value), "go_exit: not on a goroutine");
}

/// A recovered frame that cannot be gone on with: the next that can, after the frames between.
#[test]
fn a_recovery_without_a_catch_point_goes_on_further_out() {
    let log = Log::new();
    let (a, b) = (log.clone(), log.clone());
    let outcome = catch(move || {
        defer! { a.add("between") }
        defer! { |token| b.add(&format!("recovered {}", number(token.recover().unwrap()))) }
        raise_number(9)
    });
    assert_eq!(outcome, Outcome::Recovered);
    log.expect(&["recovered 9", "between"]);
}

/// The same inside of a deferred call: the call is over, and the older panic continues.
#[test]
fn a_recovery_that_leads_past_an_older_panic_continues_it() {
    let log = Log::new();
    let (a, b) = (log.clone(), log.clone());
    let outcome = catch(move || {
        defer! { a.add("older continues") }
        defer! {
            defer! { |token| b.add(&format!("recovered {}", number(token.recover().unwrap()))) }
            raise_number(2)
        }
        raise_number(1)
    });
    assert!(matches!(outcome, Outcome::Panicked(v) if number(v) == 1));
    log.expect(&["recovered 2", "older continues"]);
}

/// With nothing to go on with at all, the goroutine ends as by return.
#[test]
fn a_recovery_without_anything_to_go_on_with_ends_the_goroutine() {
    let log = Log::new();
    let a = log.clone();
    let ended = on_goroutine(move || {
        defer! { |token| a.add(&format!("recovered {}", number(token.recover().unwrap()))) }
        raise_number(6)
    });
    assert!(ended, "the rest of the function does not run");
    log.expect(&["recovered 6"]);
}

#[test]
fn ten_thousand_nested_frames_unwind() {
    fn nest(depth: u32, count: &core::cell::Cell<u32>) {
        defer! { count.set(count.get() + 1) }
        if depth == 0 {
            raise_number(10)
        }
        nest(depth - 1, count)
    }
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(|| {
        let count = core::cell::Cell::new(0);
        let outcome = catch(|| nest(9_999, &count));
        assert!(matches!(outcome, Outcome::Panicked(v) if number(v) == 10));
        assert_eq!(count.get(), 10_000);
    });
    thread.unwrap().join().unwrap();
}
