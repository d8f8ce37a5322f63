//! PA-6, PA-9 to PA-11: the end of a program, seen from outside: this program runs itself once for each scenario.
#![cfg(not(loom))]

mod common;

use core::ffi::c_char;
use core::fmt::Write;
use gort_defer::scope::raise;
use gort_defer::{Host, Memory, Oops, Runner, System, Value, defer, panic};
use std::process::{Command, Stdio};

const SCENARIO: &str = "GORT_DEFER_SCENARIO";

/// A host whose values fail while they are printed.
struct Failing;

impl Memory for Failing {
    fn alloc(&self, size: usize) -> *mut u8 {
        System.alloc(size)
    }
    unsafe fn free(&self, block: *mut u8) {
        // SAFETY: passed on.
        unsafe { System.free(block) }
    }
}

impl Host for Failing {
    fn oops(&self, what: Oops) -> Value {
        System.oops(what)
    }
    unsafe fn text(&self, _: Value) -> Option<*const c_char> {
        None
    }
    unsafe fn print(&self, value: Value, _: &mut dyn Write) {
        raise_on_this_thread(value)
    }
    unsafe fn string(&self, _: Value) -> Option<*const c_char> {
        None
    }
    unsafe fn print_type(&self, value: Value, _: &mut dyn Write) {
        raise_on_this_thread(value)
    }
}

fn raise_on_this_thread(value: Value) -> ! {
    // SAFETY: the runner of this thread.
    panic::raise(unsafe { &*Runner::current_if_any() }, value)
}

fn raise_number(n: i32) -> ! {
    // SAFETY: the scenarios have nothing to drop.
    unsafe { raise(n) }
}

fn scenario(name: &str) {
    match name {
        "plain" => raise_number(1),
        "nested" => {
            defer! { raise_number(3) }
            defer! { raise_number(2) }
            raise_number(1)
        }
        "recovered" => {
            defer! { |token|
                token.recover();
                raise_number(2)
            }
            raise_number(1)
        }
        "repanicked" => {
            defer! { |token|
                if let Some(value) = token.recover() {
                    raise_on_this_thread(value)
                }
            }
            raise_number(1)
        }
        "on a goroutine" => {
            common::on_goroutine(|| raise_number(1));
        }
        "fatal" => {
            defer! {
                // SAFETY: the runner of this thread.
                gort_defer::report::fatal(unsafe { &*common::runner() }, format_args!("all is lost"))
            }
            raise_number(1)
        }
        "fails while printing" => {
            // SAFETY: lives as long as the thread.
            panic::raise(unsafe { &*Runner::current(&Failing) }, Value::of(1))
        }
        "recovers with nothing to go on with" => {
            defer! { |token| let _ = token.recover(); }
            raise_number(1)
        }
        _ => unreachable!("{name}"),
    }
}

/// The child's part: nothing in an ordinary run.
#[test]
fn child() {
    #[expect(clippy::disallowed_methods, reason = "a test may allocate")]
    if let Ok(name) = std::env::var(SCENARIO) {
        scenario(&name);
    }
}

/// Runs a scenario; status and standard error.
fn outcome(name: &str) -> (Option<i32>, String) {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture", "--test-threads=1"])
        .env(SCENARIO, name)
        .stdout(Stdio::null())
        .output()
        .unwrap();
    (child.status.code(), String::from_utf8(child.stderr).unwrap())
}

#[test]
fn every_end_prints_what_go_prints() {
    let rows = [
        ("plain", 2, "panic: 1\n\ngoroutine 0 [running]:\n"),
        ("nested", 2, "panic: 1\n\tpanic: 2\n\tpanic: 3\n\ngoroutine 0 [running]:\n"),
        ("recovered", 2, "panic: 1 [recovered]\n\tpanic: 2\n\ngoroutine 0 [running]:\n"),
        ("repanicked", 2, "panic: 1 [recovered, repanicked]\n\ngoroutine 0 [running]:\n"),
        ("on a goroutine", 2, "panic: 1\n\ngoroutine 7 [running]:\n"),
        ("fatal", 2, "panic: 1\n\tfatal error: all is lost\n\ngoroutine 0 [running]:\n"),
        ("fails while printing", 2, "panic during panic\n\ngoroutine 0 [running]:\n"),
    ];
    for (name, status, text) in rows {
        assert_eq!(outcome(name), (Some(status), text.to_string()), "{name}");
    }
}

/// Not the main thread: it ends as by return, and the test program goes on without its result.
#[test]
fn a_thread_that_cannot_go_on_ends_as_by_return() {
    let (status, text) = outcome("recovers with nothing to go on with");
    assert!(!text.contains("goroutine"), "{text}");
    assert_ne!(status, Some(2), "{text}");
}
