//! Channels and select under C's names.

use crate::ctypes::{go_case, go_chan};
use crate::defer::panic_with;
use crate::life::deadline;
use core::ffi::{c_int, c_void};
use core::ptr::{NonNull, null_mut};
use gort_chan::chan::{Closed, MakeError, NOW, RawChan, Received, Sent, block_forever};
use gort_chan::select::{CASES_MAX, Selected, select};
use gort_gmp::WaitReason;
use gort_gmp::timer::NEVER;
use gort_sys::Errno;

const SEND_ON_CLOSED: &core::ffi::CStr = c"send on closed channel";

/// A channel of elements of `elem_size` bytes, with room for `cap` of them, and one reference. NULL and ENOMEM; or EINVAL for
/// elements of 64 KiB and more.
#[unsafe(no_mangle)]
pub extern "C" fn go_chan_make(elem_size: usize, cap: usize) -> *mut go_chan {
    match RawChan::make(elem_size, cap) {
        Ok(chan) => chan.as_ptr(),
        Err(e) => {
            if e == MakeError::ElementSize { Errno::EINVAL } else { Errno::ENOMEM }.set();
            null_mut()
        }
    }
}

/// One more reference; returns its argument.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_chan_ref(ch: *mut go_chan) -> *mut go_chan {
    // SAFETY: null, or the caller's channel.
    if let Some(chan) = unsafe { ch.as_ref() } {
        chan.add_ref();
    }
    ch
}

/// One reference less; the last one frees the channel. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_chan_unref(ch: *mut go_chan) {
    if let Some(chan) = NonNull::new(ch) {
        // SAFETY: the caller's reference.
        unsafe { RawChan::drop_ref(chan) };
    }
}

/// Sends; `None` for a NULL channel that may not block.
unsafe fn send(ch: *mut go_chan, v: *const c_void, when: u64) -> Sent {
    // SAFETY: null, or the caller's channel.
    match unsafe { ch.as_ref() } {
        // SAFETY: the caller's element.
        Some(chan) => unsafe { chan.send(v.cast(), when) },
        None if when == NOW => Sent::No,
        None if when == NEVER => block_forever(WaitReason::ChanSendNil),
        None => {
            sleep_until(when);
            Sent::No
        }
    }
}

unsafe fn recv(ch: *mut go_chan, v: *mut c_void, when: u64) -> Received {
    // SAFETY: null, or the caller's channel.
    match unsafe { ch.as_ref() } {
        // SAFETY: the caller's element.
        Some(chan) => unsafe { chan.recv(v.cast(), when) },
        None if when == NOW => Received::No,
        None if when == NEVER => block_forever(WaitReason::ChanReceiveNil),
        None => {
            sleep_until(when);
            Received::No
        }
    }
}

fn sleep_until(when: u64) {
    gort_gmp::sleep::sleep_ns(when.saturating_sub(gort_sys::clock::now_ns()) as i64);
}

/// Sends the element at `v`. Panics when the channel is closed; a NULL channel blocks for ever.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_chan_send(ch: *mut go_chan, v: *const c_void) {
    // SAFETY: the caller's.
    if unsafe { send(ch, v, NEVER) } == Sent::Closed {
        panic_with(SEND_ON_CLOSED);
    }
}

/// Receives to `v`, which may be NULL. False when the channel is closed and empty; `*v` is zeroed then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_chan_recv(ch: *mut go_chan, v: *mut c_void) -> bool {
    // SAFETY: the caller's.
    unsafe { recv(ch, v, NEVER) == Received::Value }
}

/// As go_chan_send, but a closed channel gives -EPIPE instead of a panic.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_chan_offer(ch: *mut go_chan, v: *const c_void) -> c_int {
    // SAFETY: the caller's.
    if unsafe { send(ch, v, NEVER) } == Sent::Closed { -Errno::EPIPE.0 } else { 0 }
}

/// Sends if that needs no waiting: 0, or -EAGAIN. Panics when the channel is closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_chan_try_send(ch: *mut go_chan, v: *const c_void) -> c_int {
    // SAFETY: the caller's.
    match unsafe { send(ch, v, NOW) } {
        Sent::Yes => 0,
        Sent::Closed => panic_with(SEND_ON_CLOSED),
        Sent::No => -Errno::EAGAIN.0,
    }
}

/// Receives if that needs no waiting: 1 for a value, 0 when closed and empty, -EAGAIN.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_chan_try_recv(ch: *mut go_chan, v: *mut c_void) -> c_int {
    // SAFETY: the caller's.
    received(unsafe { recv(ch, v, NOW) }, Errno::EAGAIN)
}

fn received(r: Received, no: Errno) -> c_int {
    match r {
        Received::Value => 1,
        Received::Closed => 0,
        Received::No => -no.0,
    }
}

/// Sends until `when` at most: 0, or -ETIMEDOUT. Panics when the channel is closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_chan_send_until(ch: *mut go_chan, v: *const c_void, when: i64) -> c_int {
    // SAFETY: the caller's.
    match unsafe { send(ch, v, deadline(when)) } {
        Sent::Yes => 0,
        Sent::Closed => panic_with(SEND_ON_CLOSED),
        Sent::No => -Errno::ETIMEDOUT.0,
    }
}

/// Receives until `when` at most: 1 for a value, 0 when closed and empty, -ETIMEDOUT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_chan_recv_until(ch: *mut go_chan, v: *mut c_void, when: i64) -> c_int {
    // SAFETY: the caller's.
    received(unsafe { recv(ch, v, deadline(when)) }, Errno::ETIMEDOUT)
}

/// Closes the channel. Panics when it is closed already, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_chan_close(ch: *mut go_chan) {
    // SAFETY: null, or the caller's channel.
    match unsafe { ch.as_ref() } {
        None => panic_with(c"close of nil channel"),
        Some(chan) if chan.close() == Closed::Before => panic_with(c"close of closed channel"),
        Some(_) => {}
    }
}

/// How many elements are in the channel; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_chan_len(ch: *const go_chan) -> usize {
    // SAFETY: null, or the caller's channel.
    unsafe { ch.as_ref() }.map_or(0, RawChan::len)
}

/// How many elements the channel has room for; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_chan_cap(ch: *const go_chan) -> usize {
    // SAFETY: null, or the caller's channel.
    unsafe { ch.as_ref() }.map_or(0, RawChan::cap)
}

unsafe fn run_select(cases: *mut go_case<'_>, n: usize, when: u64, no: c_int) -> c_int {
    if n > CASES_MAX {
        return -Errno::EINVAL.0;
    }
    if n == 0 && when == NEVER {
        block_forever(WaitReason::SelectNoCases);
    }
    // SAFETY: the caller's cases; none where `n` is nought.
    let cases = if n == 0 { &mut [] } else { unsafe { core::slice::from_raw_parts_mut(cases, n) } };
    // SAFETY: the caller's elements.
    match unsafe { select(cases, when) } {
        Selected::Case(i, ok) => {
            cases[i].ok = ok;
            i as c_int
        }
        Selected::Closed(_) => panic_with(SEND_ON_CLOSED),
        Selected::No => no,
    }
}

/// Waits until one of the cases can go through, and takes part in it: its index. With no cases it blocks for ever; more than
/// 65536: -EINVAL. A case that sends on a closed channel panics. `ok` of a receive tells a value from a close.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_select(cases: *mut go_case<'_>, n: usize) -> c_int {
    // SAFETY: the caller's.
    unsafe { run_select(cases, n, NEVER, -1) }
}

/// As go_select, but -1 when no case is ready.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_select_default(cases: *mut go_case<'_>, n: usize) -> c_int {
    // SAFETY: the caller's.
    unsafe { run_select(cases, n, NOW, -1) }
}

/// As go_select, until `when` at most: -ETIMEDOUT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn go_select_until(cases: *mut go_case<'_>, n: usize, when: i64) -> c_int {
    // SAFETY: the caller's.
    unsafe { run_select(cases, n, deadline(when), -Errno::ETIMEDOUT.0) }
}
