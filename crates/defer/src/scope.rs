//! The machine for Rust.
//!
//! ```
//! use gort_defer::scope::{Outcome, catch, raise};
//! use gort_defer::defer;
//!
//! let outcome = catch(|| {
//!     defer! { println!("runs last") }
//!     // SAFETY: nothing between here and `catch` has anything to drop.
//!     if true { unsafe { raise(42) } }
//!     "returned"
//! });
//! // SAFETY: a Rust value was raised.
//! assert!(matches!(outcome, Outcome::Panicked(v) if unsafe { v.get::<i32>() } == Some(42)));
//! ```
//!
//! These panics are Go's, not Rust's: nothing is unwound, and destructors between the panic and the catch do not run, except
//! as deferred calls. So raising one is unsafe. Rust's own panics pass through: `defer!` runs as they unwind.

use crate::closure::{self, Closure};
use crate::frame::{self, Frame, Kind};
use crate::host::{Memory, System};
use crate::panic::{self, Recovery};
use crate::runner::Runner;
use crate::thunk;
use crate::value::{Payload, Value};
use core::cell::Cell;
use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

/// The calling thread's runner.
fn runner() -> &'static Runner {
    // SAFETY: lives as long as the thread, and what uses it here is on the thread's stack.
    unsafe { &*Runner::current(&System) }
}

/// Panics with a value.
///
/// # Safety
/// No frame between here and the [`catch`] that goes on has anything to drop that is not deferred.
pub unsafe fn raise(value: impl Payload) -> ! {
    panic::raise(runner(), Value::of(value))
}

/// How a caught function ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// It returned.
    Returned(T),
    /// It panicked, and one of its deferred calls recovered.
    Recovered,
    /// It panicked.
    Panicked(Value),
}

/// Calls a function; a panic ends here.
pub fn catch<T, F: FnOnce() -> T>(f: F) -> Outcome<T> {
    struct Work<F, T>(Cell<Option<F>>, Cell<Option<T>>);
    unsafe extern "C" fn run<T, F: FnOnce() -> T>(work: *mut c_void) {
        // SAFETY: the record below.
        let work = unsafe { &*work.cast::<Work<F, T>>() };
        if let Some(f) = work.0.take() {
            work.1.set(Some(f()));
        }
    }
    let work = Work(Cell::new(Some(f)), Cell::new(None));
    let mut value = Value::NIL;
    // SAFETY: whoever raised a panic has promised that nothing is left to drop.
    let panicked =
        unsafe { panic::pcall(runner(), run::<T, F>, (&raw const work).cast_mut().cast(), &mut value) };
    match work.1.into_inner() {
        _ if panicked => Outcome::Panicked(value),
        Some(result) => Outcome::Returned(result),
        None => Outcome::Recovered,
    }
}

/// Calls a function with a frame of its own, as Go calls any function: `f` defers by [`Calls::defer`], and when one of its
/// deferred calls recovers a panic, the call ends as by return. `None` then.
pub fn call<T>(f: impl FnOnce(&Calls) -> T) -> Option<T> {
    struct Work<F, T> {
        calls: Calls,
        f: Cell<Option<F>>,
        result: Cell<Option<T>>,
    }
    unsafe extern "C" fn run<T, F: FnOnce(&Calls) -> T>(work: *mut c_void) {
        // SAFETY: the record below.
        let work = unsafe { &*work.cast::<Work<F, T>>() };
        if let Some(f) = work.f.take() {
            work.result.set(Some(f(&work.calls)));
        }
    }
    fn of<T, F: FnOnce(&Calls) -> T>(f: F) -> Option<T> {
        let mut frame = MaybeUninit::<Frame>::uninit();
        let calls = Calls(frame.as_mut_ptr());
        let work = Work { calls, f: Cell::new(Some(f)), result: Cell::new(None) };
        // SAFETY: the frame stays in place; whoever raised a panic has promised that nothing is left to drop.
        unsafe { panic::call(runner(), work.calls.0, run::<T, F>, (&raw const work).cast_mut().cast()) };
        work.result.into_inner()
    }
    of(f)
}

/// The deferred calls of a [`call`].
pub struct Calls(*mut Frame);

impl Calls {
    /// Defers a call of a closure. It is kept on the heap until then.
    pub fn defer(&self, f: impl FnOnce(&mut Recovery) + 'static) {
        unsafe extern "C" fn run<F: FnOnce(&mut Recovery)>(f: *mut c_void, token: *mut Recovery) {
            let f: *mut F = f.cast();
            // SAFETY: a block with an `F`, from below; read once, and the machine's token.
            unsafe {
                let taken = f.read();
                System.free(f.cast());
                taken(&mut *token);
            }
        }
        fn push<F: FnOnce(&mut Recovery)>(frame: *mut Frame, f: F) {
            const { assert!(align_of::<F>() <= 16, "the heap aligns to 16") };
            let block = System.alloc(size_of::<F>().max(1)).cast::<F>();
            if block.is_null() {
                gort_sys::io::throw("defer: no memory for another deferred call");
            }
            // SAFETY: allocated above; the frame is linked while its function runs.
            unsafe {
                block.write(f);
                frame::push(frame, Kind::Recover, run::<F> as *mut c_void, block.cast());
            }
        }
        push(self.0, f);
    }
}

impl Recovery {
    /// Recovers the panic that runs this deferred call, once.
    pub fn recover(&mut self) -> Option<Value> {
        let mut value = Value::NIL;
        // SAFETY: the borrow shows that the call has not returned.
        unsafe { panic::recover(self, &mut value) }.then_some(value)
    }
}

/// A deferred call of a scope, with its frame. See [`defer!`](crate::defer).
pub struct Deferring<F> {
    frame: MaybeUninit<Frame>,
    f: Option<F>,
}

/// Runs the deferred call when dropped.
pub struct Guard<'a> {
    frame: *mut Frame,
    _slot: core::marker::PhantomData<&'a mut Frame>,
}

impl<F: FnOnce(&mut Recovery)> Deferring<F> {
    /// A call to be deferred.
    pub const fn new(f: F) -> Self {
        Self { frame: MaybeUninit::uninit(), f: Some(f) }
    }

    /// Defers it.
    ///
    /// # Safety
    /// The guard is dropped before this record moves or ends: it must not be forgotten.
    pub unsafe fn begin(&mut self) -> Guard<'_> {
        unsafe extern "C" fn run<F: FnOnce(&mut Recovery)>(this: *mut c_void, token: *mut Recovery) {
            // SAFETY: the record that `begin` borrowed, and the machine's token.
            unsafe {
                if let Some(f) = (*this.cast::<Deferring<F>>()).f.take() {
                    f(&mut *token);
                }
            }
        }
        let this = &raw mut *self;
        // SAFETY: the record stays in place, by the contract.
        unsafe {
            let frame = (&raw mut (*this).frame).cast::<Frame>();
            frame::begin(runner(), frame);
            frame::push(frame, Kind::Recover, run::<F> as *mut c_void, this.cast());
            Guard { frame, _slot: core::marker::PhantomData }
        }
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        // SAFETY: the frame that `begin` linked, on the same thread (a guard is not `Send`).
        unsafe { frame::end(self.frame) }
    }
}

/// Defers a block to the end of the scope, however it is left: by return, by a panic of Go's kind, by one of Rust's. The last
/// one deferred runs first. `defer!(|token| ...)` may recover: `token.recover()`.
#[macro_export]
macro_rules! defer {
    (|$token:ident| $($body:tt)*) => {
        let mut deferring = $crate::scope::Deferring::new(|$token: &mut $crate::panic::Recovery| { $($body)* });
        // SAFETY: nobody else can name either of the two, and the guard is dropped first.
        let _guard = unsafe { deferring.begin() };
    };
    ($($body:tt)*) => { $crate::defer!(|_token| $($body)*); };
}

/// A counted closure from a Rust function.
pub struct Handle(NonNull<Closure>);

// SAFETY: made of functions that may be called and dropped on any thread.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Handle {
    /// From a function that may be called often. `None` when there is no memory.
    pub fn new<F: Fn(*mut c_void) + Send + Sync + 'static>(f: F) -> Option<Self> {
        unsafe extern "C" fn call<F: Fn(*mut c_void)>(env: *mut c_void, arg: *mut c_void) {
            // SAFETY: the environment is an `F`.
            unsafe { (*env.cast::<F>())(arg) }
        }
        Self::make(f, call::<F>)
    }

    /// From a function that may be called once; a second call does nothing.
    pub fn once<F: FnOnce(*mut c_void) + Send + 'static>(f: F) -> Option<Self> {
        use gort_sys::lock::Mutex;
        let f = Mutex::new(Some(f));
        Self::new(move |arg| {
            let taken = f.lock().take();
            if let Some(f) = taken {
                f(arg);
            }
        })
    }

    fn make<F>(f: F, call: closure::ClosureFunction) -> Option<Self> {
        unsafe extern "C" fn drop<F>(env: *mut c_void) {
            // SAFETY: the environment is an `F`, dropped once.
            unsafe { env.cast::<F>().drop_in_place() }
        }
        const { assert!(align_of::<F>() <= 16, "an environment is aligned to 16") };
        let f = MaybeUninit::new(f);
        let drops = core::mem::needs_drop::<F>().then_some(drop::<F> as closure::DropFunction);
        // SAFETY: the closure's copy of `f` is the only one that is used.
        let made = unsafe { closure::make(&System, call, f.as_ptr().cast(), size_of::<F>(), drops) };
        let made = NonNull::new(made);
        if made.is_none() {
            // SAFETY: no copy was made.
            unsafe { f.assume_init() };
        }
        made.map(Self)
    }

    /// Calls it.
    #[allow(clippy::not_unsafe_ptr_arg_deref, reason = "the pointer is handed to safe Rust, not read here")]
    pub fn call(&self, arg: *mut c_void) {
        // SAFETY: a live closure.
        unsafe { closure::call(self.0.as_ptr(), arg) }
    }

    /// The closure as a C function pointer of up to six integers or pointers, which reach the function as a
    /// [`thunk::Args`]. Null when there is no memory. Lives as long as the closure.
    pub fn thunk(&self) -> *mut c_void {
        // SAFETY: a live closure.
        thunk::of(unsafe { self.0.as_ref() })
    }

    /// The closure itself, with the handle's reference; [`Handle::from_raw`] takes it back.
    pub fn into_raw(self) -> *mut Closure {
        core::mem::ManuallyDrop::new(self).0.as_ptr()
    }

    /// A handle from a closure and a reference to it.
    ///
    /// # Safety
    /// From [`Handle::into_raw`], once.
    pub unsafe fn from_raw(closure: *mut Closure) -> Option<Self> {
        NonNull::new(closure).map(Self)
    }
}

impl Clone for Handle {
    fn clone(&self) -> Self {
        // SAFETY: a live closure.
        unsafe { closure::add_ref(self.0.as_ptr()) };
        Self(self.0)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle's reference, made with the same memory.
        unsafe { closure::unref(&System, self.0.as_ptr()) }
    }
}
