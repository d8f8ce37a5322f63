//! The scheduler of the process, and what most callers need of it.

use crate::g::G;
use crate::m::M;
use crate::sched::Sched;
use crate::spawn::Attr;
use crate::switch;
use core::ptr::null;
use gort_sync::atomic::Ordering::Relaxed;
use gort_sys::Errno;

/// The scheduler of the process. It starts with its first goroutine.
pub static SCHED: Sched = Sched::new();

/// The running goroutine's scheduler, or that of the process.
pub fn sched() -> &'static Sched {
    M::current().map_or(&SCHED, |m| m.sched)
}

/// Starts a goroutine that runs `f`. Ends the program where there is no memory for one.
pub fn go<F: FnOnce() + Send + 'static>(f: F) {
    if let Err(e) = sched().go(&Attr::DEFAULT, f) {
        crate::fatal::exit(format_args!("cannot start a goroutine: {e:?}"));
    }
}

/// The running goroutine's number; 0 on a plain thread.
pub fn self_id() -> u64 {
    G::current().map_or(0, G::id)
}

/// Ends the running goroutine at once. Nothing on its stack is dropped: deferred calls are run by the layer above.
///
/// # Safety
/// On a goroutine, and nothing borrows from its stack.
pub unsafe fn exit_goroutine() -> ! {
    switch::exit()
}

/// Waits for the end of a goroutine that was started joinable, until `when` at most ([`crate::timer::NEVER`]: no limit).
///
/// `EINVAL`: somebody else joins it. `ESRCH`: joined or detached before, or not joinable. `ETIMEDOUT`: it still runs.
pub fn join(id: u64, when: u64) -> Result<(), Errno> {
    sched().joins.join(id, when)
}

/// Nobody will join a goroutine. Errors as [`join`].
pub fn detach(id: u64) -> Result<(), Errno> {
    sched().joins.detach(id)
}

/// A call that blocks in the kernel comes: the goroutine's P may go to others at once. Announcing costs a store; a call that
/// is not announced loses its P after 10 ms.
pub fn block_enter() {
    mark_blocking(true);
}

/// The blocking call is over. The goroutine goes on when it has a P again.
pub fn block_exit() {
    mark_blocking(false);
}

fn mark_blocking(begins: bool) {
    if let Some((m, nested)) = switch::enter() {
        if let Some(p) = m.p() {
            let mark = p.blocking.load(Relaxed); // Relaxed: the owner is the only writer.
            if (mark % 2 == 0) == begins {
                p.blocking.store(mark.wrapping_add(1), Relaxed);
            }
        }
        switch::leave(nested);
    }
}

/// Whether it makes sense to spin for a lock: another P runs, and ours has nobody else to run (SY-2).
pub fn can_spin() -> bool {
    M::current().is_some_and(|m| {
        let sched = m.sched;
        let procs = sched.procs.load(Relaxed); // Relaxed: a heuristic.
        procs > 1
            && sched.idle.idle_ps() + sched.idle.spinning() + 1 < procs
            && m.p().is_some_and(|p| p.queue.is_empty())
    })
}

/// Ties the running goroutine to its thread, until as many calls of [`unlock_os_thread`]. On a plain thread nothing happens.
pub fn lock_os_thread() {
    if let Some((m, nested)) = switch::enter() {
        if let Some(g) = m.running() {
            let locks = g.locks.get();
            if locks == u32::MAX {
                crate::fatal::exit(format_args!("LockOSThread nesting overflow"));
            }
            g.locks.set(locks + 1);
            g.locked_m.set(m);
            m.locked_g.set(g);
        }
        switch::leave(nested);
    }
}

/// Undoes one [`lock_os_thread`]. Without one nothing happens, as in Go.
pub fn unlock_os_thread() {
    if let Some((m, nested)) = switch::enter() {
        if let Some(g) = m.running().filter(|g| g.locks.get() > 0) {
            g.locks.set(g.locks.get() - 1);
            if g.locks.get() == 0 {
                g.locked_m.set(null());
                m.locked_g.set(null());
            }
        }
        switch::leave(nested);
    }
}
