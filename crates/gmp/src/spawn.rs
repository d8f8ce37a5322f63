//! Starting goroutines: `go`.
//!
//! Follows `newproc` of Go's `proc.go`. What a goroutine is to have as argument, if it is more than a word, lies at the top of
//! its own stack: starting one allocates nothing beside the stack.
//!
//! ```text
//!     ... stack grows down | argument, 16-aligned | G |
//! ```

use crate::g::{Body, G};
use crate::m::M;
use crate::p::{ID_BATCH, P};
use crate::sched::Sched;
use crate::stack;
use crate::switch::{self, enter, leave};
use core::ffi::{CStr, c_void};
use core::ptr::{NonNull, null, null_mut};
use gort_sync::atomic::Ordering::Relaxed;
use gort_sys::Errno;
use gort_sys::context::{After, Context};

/// The most bytes of an argument.
pub const ARG_MAX: usize = 4096;

/// How a goroutine is to be.
#[derive(Clone, Copy)]
pub struct Attr {
    /// Bytes of stack at least; 0 for the usual 256 KiB. Up to nearly 1 GiB.
    pub stack: usize,
    /// Shown in dumps.
    pub name: Option<&'static CStr>,
    /// Somebody will join or detach it.
    pub joinable: bool,
    /// It stays on the thread that it starts on.
    pub pinned: bool,
}

impl Attr {
    /// As `go` makes them.
    pub const DEFAULT: Self = Self { stack: 0, name: None, joinable: false, pinned: false };
}

impl Default for Attr {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Sched {
    /// Starts a goroutine that runs `f`; its number.
    ///
    /// From a goroutine it runs next on this P (GO-7), from a plain thread it goes to the global queue.
    pub fn go<F: FnOnce() + Send + 'static>(&'static self, attr: &Attr, f: F) -> Result<u64, Errno> {
        const { assert!(size_of::<F>() <= ARG_MAX && align_of::<F>() <= 16, "box what the closure captures") };
        unsafe extern "C" fn call<F: FnOnce()>(f: *mut c_void) {
            // SAFETY: written by `start` below, and read once.
            unsafe { f.cast::<F>().read()() }
        }
        self.start(attr, call::<F>, size_of::<F>(), |room| {
            // SAFETY: room for an `F`.
            unsafe { room.cast::<F>().write(f) };
            room.as_ptr().cast()
        })
    }

    /// Starts a goroutine that calls a C function.
    ///
    /// # Safety
    /// `body(arg)` may be called on any thread of the scheduler.
    pub unsafe fn spawn(&'static self, attr: &Attr, body: Body, arg: *mut c_void) -> Result<u64, Errno> {
        self.start(attr, body, 0, |_| arg)
    }

    /// As [`Sched::spawn`], with the address of a copy of `len` bytes as argument.
    ///
    /// # Safety
    /// As there; `args` can be read.
    pub unsafe fn spawn_copy(
        &'static self,
        attr: &Attr,
        body: Body,
        args: *const u8,
        len: usize,
    ) -> Result<u64, Errno> {
        if len > ARG_MAX {
            return Err(Errno::EINVAL);
        }
        self.start(attr, body, len, |room| {
            if len > 0 {
                // SAFETY: `len` bytes on either side, the caller's and those on the new stack.
                unsafe { core::ptr::copy_nonoverlapping(args, room.as_ptr(), len) };
            }
            room.as_ptr().cast()
        })
    }

    #[inline]
    fn start(
        &'static self,
        attr: &Attr,
        body: Body,
        arg_len: usize,
        make_arg: impl FnOnce(NonNull<u8>) -> *mut c_void,
    ) -> Result<u64, Errno> {
        self.ensure_started()?;
        let class = stack::class_for(attr.stack).ok_or(Errno::EINVAL)?;
        let entered = enter();
        let p = entered.and_then(|(m, _)| m.p().filter(|_| core::ptr::eq(m.sched, self)));
        let result = self.prepare(p, class, attr).map(|(g, id)| {
            let room = (g.top() - arg_len) & !15;
            g.body.set(Some(body));
            g.arg
                .set(NonNull::new(core::ptr::with_exposed_provenance_mut(room)).map_or(null_mut(), make_arg));
            // SAFETY: below the argument the stack is the new goroutine's alone.
            g.context.set(unsafe { Context::prepare(room, first) });
            switch::submit(g);
            id
        });
        if let Some((_, nested)) = entered {
            leave(nested);
        }
        result
    }

    /// A record that is ready but for its first frame, and its number.
    fn prepare(
        &'static self,
        p: Option<&'static P>,
        class: u32,
        attr: &Attr,
    ) -> Result<(&'static G, u64), Errno> {
        let g = self.take_dead(p, class)?;
        let id = self.next_id(p);
        if attr.joinable
            && let Err(e) = self.joins.add(&self.source, g, id)
        {
            self.stacks.give_one(g);
            return Err(e);
        }
        let creator = M::current().and_then(M::running).map_or(0, G::id);
        g.pinned.set(attr.pinned);
        g.runner.set(0);
        g.begin(id, creator, attr.name.map_or(null(), CStr::as_ptr));
        match p {
            // Relaxed: the owner is the only writer.
            Some(p) => p.live.store(p.live.load(Relaxed) + 1, Relaxed),
            None => drop(self.live.fetch_add(1, Relaxed)), // Relaxed: a count.
        }
        Ok((g, id))
    }

    fn take_dead(&'static self, p: Option<&'static P>, class: u32) -> Result<&'static G, Errno> {
        if class == stack::DEFAULT_CLASS
            && let Some(p) = p
        {
            if p.dead.len() == 0 {
                self.stacks.take_dead(&p.dead, crate::p::DEAD_MAX / 2);
            }
            if let Some(g) = p.dead.pop() {
                return Ok(g);
            }
        }
        self.stacks.take(self, class)
    }

    fn next_id(&self, p: Option<&P>) -> u64 {
        let Some(p) = p else { return self.ids.fetch_add(1, Relaxed) }; // Relaxed: a count.
        let (mut next, mut end) = p.ids.get();
        if next == end {
            next = self.ids.fetch_add(ID_BATCH, Relaxed); // Relaxed: a count.
            end = next + ID_BATCH;
        }
        p.ids.set((next + 1, end));
        next
    }

    /// Goroutines that have been started and have not ended.
    pub fn goroutines(&self) -> u64 {
        // Relaxed: counts; their sum is right when nobody starts or ends one meanwhile.
        let sum: i64 = self.all_ps().map(|p| p.live.load(Relaxed)).sum();
        (sum + self.live.load(Relaxed)).max(0) as u64
    }
}

/// What runs around the functions of goroutines: it calls the function with its argument.
pub type Around = unsafe extern "C" fn(Body, *mut c_void);

impl Sched {
    /// Sets what runs around every goroutine's function from here on, for the layers above: they prepare the goroutine, and
    /// clear up after it.
    pub fn set_around(&self, around: Around) {
        self.around.store(around as *mut (), Relaxed); // Relaxed: a constant; goroutines come by Release.
    }

    /// Calls a goroutine's function, with what is around it.
    ///
    /// # Safety
    /// As the function.
    unsafe fn call(&self, body: Body, arg: *mut c_void) {
        let around = self.around.load(Relaxed); // Relaxed: as above.
        if around.is_null() {
            // SAFETY: the caller's.
            unsafe { body(arg) }
        } else {
            // SAFETY: from `set_around`; the caller's.
            unsafe { core::mem::transmute::<*mut (), Around>(around)(body, arg) }
        }
    }
}

/// The first function on every goroutine's stack.
unsafe extern "C" fn first(after: After, data: usize) -> ! {
    // SAFETY: the contract of `Entry`.
    unsafe { after(data) };
    let Some(g) = G::current() else { gort_sys::io::throw("first: not on a goroutine") };
    leave(false);
    if g.pinned.get() {
        crate::lock_os_thread();
    }
    if let Some(body) = g.body.get() {
        // SAFETY: whoever started the goroutine says so.
        unsafe { g.sched.call(body, g.arg.get()) };
    }
    switch::exit()
}
