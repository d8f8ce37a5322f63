//! What a thread has is given back when it ends.
#![cfg(not(loom))]

use core::ffi::{c_char, c_void};
use core::fmt::Write;
use core::mem::MaybeUninit;
use gort_defer::frame::{Kind, begin, end, push};
use gort_defer::{Host, Memory, Oops, Runner, System, Value};
use gort_sync::atomic::{AtomicI64, Ordering::Relaxed};

/// The system, counting its blocks.
struct Counting;

static BLOCKS: AtomicI64 = AtomicI64::new(0);
static CALLS: AtomicI64 = AtomicI64::new(0);

impl Memory for Counting {
    fn alloc(&self, size: usize) -> *mut u8 {
        BLOCKS.fetch_add(1, Relaxed);
        System.alloc(size)
    }
    unsafe fn free(&self, block: *mut u8) {
        BLOCKS.fetch_sub(1, Relaxed);
        // SAFETY: passed on.
        unsafe { System.free(block) }
    }
}

impl Host for Counting {
    fn oops(&self, what: Oops) -> Value {
        System.oops(what)
    }
    unsafe fn text(&self, _: Value) -> Option<*const c_char> {
        None
    }
    unsafe fn print(&self, _: Value, _: &mut dyn Write) {}
    unsafe fn string(&self, _: Value) -> Option<*const c_char> {
        None
    }
    unsafe fn print_type(&self, _: Value, _: &mut dyn Write) {}
    fn is_checking(&self) -> bool {
        true
    }
}

unsafe extern "C" fn count(_: *mut c_void) {
    CALLS.fetch_add(1, Relaxed);
}

/// Fifty calls of one frame, three times: two segments at most, one of them kept.
fn work() {
    let runner = Runner::current(&Counting);
    for _ in 0..3 {
        let mut frame = MaybeUninit::uninit();
        // SAFETY: the frame stays in place until it ends.
        unsafe {
            begin(runner, frame.as_mut_ptr());
            (0..50).for_each(|_| {
                push(frame.as_mut_ptr(), Kind::Plain, count as *mut c_void, core::ptr::null_mut())
            });
            end(frame.as_mut_ptr());
        }
    }
    // SAFETY: this thread's runner.
    assert!(!unsafe { (*runner).alloc_text(100) }.is_null());
    assert_eq!(Runner::current(&Counting), runner, "one record a thread");
    assert!(BLOCKS.load(Relaxed) >= 3, "the record, a segment, a text");
}

#[test]
fn an_ended_thread_leaves_nothing() {
    for round in 1..=10 {
        std::thread::spawn(work).join().unwrap();
        assert_eq!(BLOCKS.load(Relaxed), 0);
        assert_eq!(CALLS.load(Relaxed), 150 * round);
    }
}
