//! Changing stacks: what a goroutine switch is made of.
//!
//! A context at rest is an address on its own stack; the file of the instruction set draws what lies there. [`switch`]
//! stores the running context and continues another one. It hands over a function and a word, which run on the *new*
//! stack, once the old one is at rest: a goroutine that parks drops the lock that guards its wait queue there, and not a
//! moment earlier.
//!
//! The compiler may keep the address of a thread-local over a switch. Code that runs on goroutines and may be continued
//! by another thread reads thread words afresh ([`crate::thread::words`] are not `pure`), and Rust's and C's thread-locals
//! not at all.

use crate::arch::context as imp;

/// What runs on the new stack right after a switch.
pub type After = unsafe extern "C" fn(usize);

/// The first function on a stack. It calls its first argument with its second before anything else.
pub type Entry = unsafe extern "C" fn(After, usize) -> !;

/// A context at rest, or the place for one.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Context(usize);

impl Context {
    /// No context.
    pub const NONE: Self = Self(0);

    /// A context that starts `entry` on the stack that ends at `top`.
    ///
    /// # Safety
    /// The memory below `top` (a multiple of 16) is a stack that nobody uses.
    #[inline]
    pub unsafe fn prepare(top: usize, entry: Entry) -> Self {
        debug_assert!(top.is_multiple_of(16));
        // SAFETY: the caller's promise.
        Self(unsafe { imp::prepare(top, entry) })
    }

    /// The lowest address of the stack that is in use.
    pub fn stack_pointer(self) -> usize {
        self.0
    }
}

/// Does nothing after a switch.
///
/// # Safety
/// Always safe; the type of [`After`] asks for the word.
pub unsafe extern "C" fn nothing(_: usize) {}

/// Stores the running context in `save` and continues `to`, which calls `after(data)` first. Comes back when somebody
/// continues `save`, maybe on another thread.
///
/// # Safety
/// `to` is at rest and nobody else continues it; `after(data)` may be called.
#[inline(always)]
pub unsafe fn switch(save: *mut Context, to: Context, after: After, data: usize) {
    // SAFETY: the caller's promise; `Context` is transparent.
    unsafe { imp::switch(save.cast(), to.0, after, data) }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        static MAIN: Cell<Context> = const { Cell::new(Context::NONE) };
        static OTHER: Cell<Context> = const { Cell::new(Context::NONE) };
        static LOG: Cell<u64> = const { Cell::new(0) };
    }

    fn log(digit: u64) {
        LOG.set(LOG.get() * 10 + digit);
    }

    unsafe extern "C" fn note(digit: usize) {
        log(digit as u64);
    }

    /// Whether the stack is aligned as the ABI asks: aligned vector stores would fault otherwise.
    #[inline(never)]
    fn aligned_store(x: f64) -> f64 {
        #[repr(align(16))]
        struct Wide([f64; 2]);
        let wide = Wide([x, x]);
        let at = &raw const wide;
        assert_eq!(at as usize % 16, 0);
        std::hint::black_box(wide).0[1]
    }

    unsafe extern "C" fn entry(after: After, data: usize) -> ! {
        // SAFETY: the contract of `Entry`.
        unsafe { after(data) };
        log(2);
        let mut x = 1.5;
        loop {
            x = aligned_store(x) + 1.0;
            log(x as u64);
            // SAFETY: the main context is at rest while we run.
            unsafe { switch(OTHER.with(Cell::as_ptr), MAIN.get(), note, 7) };
        }
    }

    fn stack() -> (Vec<u128>, usize) {
        let mut stack = vec![0u128; 4096];
        let top = stack.as_mut_ptr_range().end as usize;
        (stack, top)
    }

    #[test]
    fn a_context_starts_stops_and_goes_on_with_its_values() {
        let (_stack, top) = stack();
        // SAFETY: our own stack.
        OTHER.set(unsafe { Context::prepare(top, entry) });
        let live: [u64; 12] = std::array::from_fn(|i| std::hint::black_box(i as u64));
        for digit in [1, 4] {
            // SAFETY: the other context is at rest.
            unsafe { switch(MAIN.with(Cell::as_ptr), OTHER.get(), note, digit) };
            log(8);
        }
        assert_eq!(LOG.get(), 122784378);
        assert_eq!(live.iter().sum::<u64>(), 66, "what was live over the switch");
    }

    #[test]
    fn a_walk_ends_at_the_first_frame() {
        thread_local! { static DEPTH: Cell<usize> = const { Cell::new(0) }; }
        unsafe extern "C" fn walks(_: After, _: usize) -> ! {
            let mut frames = [0; 64];
            DEPTH.set(crate::stack::walk(&mut frames));
            // SAFETY: the main context is at rest while we run.
            unsafe { switch(OTHER.with(Cell::as_ptr), MAIN.get(), nothing, 0) };
            unreachable!()
        }
        let (_stack, top) = stack();
        crate::stack::walk(&mut [0; 64]); // loads the unwinder, on a large stack
        // SAFETY: our own stack; at rest.
        unsafe {
            OTHER.set(Context::prepare(top, walks));
            switch(MAIN.with(Cell::as_ptr), OTHER.get(), nothing, 0);
        }
        assert!((1..8).contains(&DEPTH.get()), "{} frames", DEPTH.get());
    }
}
