//! How a goroutine leaves its stack: it yields, parks, or ends; and how code comes into the runtime and out of it.
//!
//! Follows `gopark`, `goready`, `Gosched` and `Goexit` of Go's `proc.go`, with one departure: where Go switches to the M's own
//! stack to find the next goroutine, here the leaving one finds it, and switches to it at once. What must wait until the old
//! stack is at rest (dropping the lock of a wait queue, queueing the goroutine again, pooling its record) is handed over
//! the switch and runs on the new stack; see `gort_sys::context`.
//!
//! Every public function of the runtime that touches the P lies between [`enter`] and [`leave`]: see `tenure`.

use crate::g::{G, WaitReason};
use crate::m::M;
use crate::p::{DEAD_MAX, P};
use core::ptr::null;
use gort_sync::atomic::Ordering::Relaxed;
use gort_sys::context::{self, After, Context};
use gort_sys::thread::{RUNNER, words};
use gort_sys::{Errno, io::throw};

/// Comes into the runtime: the thread's M, if it has one, and whether it was inside already (a timer's function, say).
#[inline]
pub(crate) fn enter() -> Option<(&'static M, bool)> {
    let m = M::current()?;
    let nested = m.tenure.is_inside();
    if !nested && m.tenure.enter() {
        m.lost();
    }
    Some((m, nested))
}

/// Goes out again. A goroutine whose P was taken gets another one first, or waits for it in the global queue.
#[inline]
pub(crate) fn leave(nested: bool) {
    if nested {
        return;
    }
    // Afresh: we may have been moved.
    if let Some(m) = M::current() {
        if m.p().is_none() {
            return leave_without_p(m);
        }
        m.tenure.leave();
    }
}

#[cold]
fn leave_without_p(m: &'static M) {
    if !m.sched.try_again(m)
        && let Some(g) = m.running()
    {
        g.to_yielded();
        // SAFETY: it is queued after its stack is at rest.
        unsafe { leave_stack(m, g, put_global, core::ptr::from_ref(g).expose_provenance()) };
    }
    if let Some(m) = M::current() {
        m.tenure.leave();
    }
}

/// Runs a goroutine from the M's own stack, until one leaves and has no next.
///
/// # Safety
/// On the M's own stack; the goroutine is Runnable and in nobody else's hands.
pub(crate) unsafe fn run(m: &'static M, g: &'static G) {
    start(m, g);
    // SAFETY: it is at rest, and ours.
    unsafe { context::switch(m.g0.as_ptr(), g.context.get(), context::nothing, 0) };
}

/// What must be set before a goroutine runs.
#[inline]
fn start(m: &'static M, g: &'static G) {
    g.to_running();
    m.set_running(Some(g));
    Errno(g.errno.get()).set();
    // SAFETY: in bounds.
    unsafe { words::store(RUNNER, g.runner.get()) };
}

/// Leaves the running goroutine's stack, for the next goroutine's or for the M's own. Comes back when it runs again.
///
/// # Safety
/// `g` is the running goroutine, its state says what becomes of it, and `after(data)` may be called once it is at rest.
#[inline]
unsafe fn leave_stack(m: &'static M, g: &'static G, after: After, data: usize) {
    g.errno.set(Errno::get().0);
    // SAFETY: in bounds.
    g.runner.set(unsafe { words::load(RUNNER) });
    // SAFETY: the next context is at rest, and ours alone: it comes from a queue, or it is the M's own.
    unsafe { context::switch(g.context.as_ptr(), next_context(m, g), after, data) };
}

#[inline]
fn next_context(m: &'static M, g: &'static G) -> Context {
    if g.locked_m.get().is_null()
        && let Some(p) = m.p()
        && let Some(next) = m.sched.pick_next(p)
    {
        if next.locked_m.get().is_null() {
            start(m, next);
            return next.context.get();
        }
        m.pending.set(next);
    }
    m.set_running(None);
    // SAFETY: in bounds.
    unsafe { words::store(RUNNER, 0) };
    m.g0.get()
}

/// Parks the running goroutine until somebody calls [`ready`]. `after(data)` runs when its stack is at rest; it drops the lock of
/// whatever queue the goroutine stands in, and uses nothing of the goroutine's stack after that.
///
/// # Safety
/// On a goroutine; somebody will ready it exactly once, and nobody before `after` lets them.
pub(crate) unsafe fn park(reason: WaitReason, after: After, data: usize) {
    let Some((m, nested)) = enter() else { throw("park: no scheduler's thread") };
    let Some(g) = m.running() else { throw("park: not on a goroutine") };
    g.to_waiting(reason);
    // SAFETY: the caller's promise.
    unsafe { leave_stack(m, g, after, data) };
    leave(nested);
}

/// Readies a goroutine that is parked: it runs next on the calling P, or is queued for all where the caller has none.
///
/// # Safety
/// The goroutine is Waiting and the caller has the only right to ready it.
pub(crate) unsafe fn ready(g: &'static G) {
    g.to_ready();
    submit(g);
}

/// Queues a goroutine that is Runnable and in the caller's hands.
#[inline]
pub(crate) fn submit(g: &'static G) {
    match enter() {
        Some((m, nested)) => {
            match m.p().filter(|_| core::ptr::eq(m.sched, g.sched)) {
                Some(p) => m.sched.put_next(p, g),
                None => g.sched.put_global(g),
            }
            g.sched.wake_p();
            leave(nested);
        }
        None => {
            g.sched.put_global(g);
            g.sched.wake_p();
        }
    }
}

/// Lets others run: the goroutine goes to the tail of the global queue (GO-6). On a plain thread, the kernel's turn.
pub fn yield_now() {
    let Some((m, nested)) = enter() else { return gort_sys::native::yield_now() };
    if let Some(g) = m.running() {
        g.to_yielded();
        // SAFETY: it is queued after its stack is at rest.
        unsafe { leave_stack(m, g, put_global, core::ptr::from_ref(g).expose_provenance()) };
    }
    leave(nested);
}

unsafe extern "C" fn put_global(g: usize) {
    // SAFETY: the goroutine that left; records are never unmapped.
    let g: &'static G = unsafe { &*core::ptr::with_exposed_provenance::<G>(g) };
    g.sched.put_global(g);
    g.sched.wake_p();
}

/// Gives way if the time slice is over, or if the P is gone already: a load and a branch.
#[inline]
pub fn checkpoint() {
    if M::current().is_some_and(|m| m.tenure.is_wanted() || m.p().is_some_and(slice_is_over)) {
        yield_now();
    }
}

fn slice_is_over(p: &P) -> bool {
    p.slice_over.load(Relaxed) != 0 // Relaxed: sysmon's word; late is as good.
}

/// Ends the running goroutine.
pub(crate) fn exit() -> ! {
    let Some((m, _)) = enter() else { throw("exit: no scheduler's thread") };
    let Some(g) = m.running() else { throw("exit: not on a goroutine") };
    g.locks.set(0);
    if !g.locked_m.replace(null()).is_null() {
        m.locked_g.set(null());
    }
    crate::join::ended(g);
    g.to_dead();
    // SAFETY: it is pooled after its stack is at rest, and nobody continues it.
    unsafe { leave_stack(m, g, bury, core::ptr::from_ref(g).expose_provenance()) };
    throw("exit: a dead goroutine went on");
}

/// Pools the record of a goroutine that has ended.
unsafe extern "C" fn bury(g: usize) {
    // SAFETY: the goroutine that left; records are never unmapped.
    let g: &'static G = unsafe { &*core::ptr::with_exposed_provenance::<G>(g) };
    let sched = g.sched;
    let Some(p) = M::current().and_then(M::p) else {
        sched.live.fetch_sub(1, Relaxed); // Relaxed: a count.
        return sched.stacks.give_one(g);
    };
    p.live.store(p.live.load(Relaxed) - 1, Relaxed); // Relaxed: the owner is the only writer.
    if g.class != crate::stack::DEFAULT_CLASS {
        return sched.stacks.give_one(g);
    }
    p.dead.push(g);
    if p.dead.len() >= DEAD_MAX {
        sched.stacks.give(&p.dead, DEAD_MAX / 2);
    }
}
