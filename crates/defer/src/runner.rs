//! The record of whatever runs: a thread, or a goroutine.
//!
//! The chain of frames and the panics in progress hang on it. A thread word holds the runner; the scheduler changes the
//! word when it switches goroutines, and brings runners of its own ([`Runner::new`]). On a plain thread the record is made
//! at the first frame, and released when the thread ends.
//!
//! A frame keeps its runner, so a function reads the thread word once, as it begins its frame; a goroutine that continues
//! on another thread meanwhile finds its own runner at the end.

use crate::frame::{Frame, Segment};
use crate::host::Host;
use crate::panic::Panic;
use crate::stale::Watch;
use core::cell::Cell;
use core::ffi::c_void;
use core::ptr::{null_mut, with_exposed_provenance_mut};
use gort_sync::atomic::{AtomicU32, Ordering::Relaxed};
use gort_sys::thread::{self, ExitKey, RUNNER, words};

/// A text that lives as long as its runner.
#[repr(C)]
pub(crate) struct Text {
    next: *mut Text,
}

/// What runs, and what it has deferred. The first field is part of the C interface.
#[repr(C)]
pub struct Runner {
    /// The innermost frame; null when there is none.
    pub(crate) top: Cell<*mut Frame>,
    /// The innermost panic in progress; null when there is none.
    pub(crate) panics: Cell<*mut Panic>,
    /// Where memory comes from, and who prints.
    pub(crate) host: &'static dyn Host,
    /// A segment of deferred calls, kept for the next frame that needs one.
    pub(crate) spare: Cell<*mut Segment>,
    texts: Cell<*mut Text>,
    /// Frames that are watched; see `stale`.
    pub(crate) watch: Watch,
    /// The goroutine's number; 0 on a plain thread.
    pub(crate) id: u64,
    /// How far the end of the program has come; see `report`.
    pub(crate) dying: Cell<u32>,
    /// Ends what runs, as a return from its function would.
    end: unsafe fn(&Runner) -> !,
}

static_assertions::const_assert!(core::mem::offset_of!(Runner, top) == 0);

impl Runner {
    /// A runner for a goroutine; `end` ends it after its deferred calls have run.
    pub const fn new(host: &'static dyn Host, id: u64, end: unsafe fn(&Runner) -> !) -> Self {
        Self {
            top: Cell::new(null_mut()),
            panics: Cell::new(null_mut()),
            host,
            spare: Cell::new(null_mut()),
            texts: Cell::new(null_mut()),
            watch: Watch::new(),
            id,
            dying: Cell::new(0),
            end,
        }
    }

    /// What runs on the calling thread. On a plain thread, makes the record if need be.
    #[inline]
    pub fn current(host: &'static dyn Host) -> *mut Self {
        // SAFETY: in bounds.
        match unsafe { words::load(RUNNER) } {
            0 => Self::of_thread(host),
            word => with_exposed_provenance_mut(word),
        }
    }

    /// What runs on the calling thread, if it is known already.
    pub fn current_if_any() -> *mut Self {
        // SAFETY: in bounds.
        with_exposed_provenance_mut(unsafe { words::load(RUNNER) })
    }

    /// Makes a runner (or null) the calling thread's, and answers the one before. For the scheduler, at each switch.
    ///
    /// # Safety
    /// The runner lives until it is replaced, and its frames lie on the stack that the thread runs on from here on.
    pub unsafe fn install(runner: *mut Self) -> *mut Self {
        // SAFETY: in bounds.
        unsafe {
            let before = words::load(RUNNER);
            words::store(RUNNER, runner.expose_provenance());
            with_exposed_provenance_mut(before)
        }
    }

    #[cold]
    fn of_thread(host: &'static dyn Host) -> *mut Self {
        let runner = host.alloc(size_of::<Self>()).cast::<Self>();
        if runner.is_null() {
            gort_sys::io::throw("defer: no memory for the record of a thread");
        }
        let mut record = Self::new(host, 0, |_| thread::end());
        record.watch.reports = Cell::new(host.is_checking());
        // SAFETY: allocated above, large enough, aligned to 16.
        unsafe { runner.write(record) };
        // SAFETY: in bounds.
        unsafe { words::store(RUNNER, runner.expose_provenance()) };
        // Set first: the key may allocate. Without a key the record of an ended thread is lost.
        if let Some(key) = exit_key() {
            let _ = key.set(runner.expose_provenance());
        }
        runner
    }

    /// Ends what runs, as a return from its function does.
    pub(crate) fn end(&self) -> ! {
        // SAFETY: its frames are gone.
        unsafe { (self.end)(self) }
    }

    /// Bytes that live as long as the runner; null when there is no memory.
    pub fn alloc_text(&self, size: usize) -> *mut u8 {
        let Some(total) = size.checked_add(size_of::<Text>()) else { return null_mut() };
        let text = self.host.alloc(total).cast::<Text>();
        if text.is_null() {
            return null_mut();
        }
        // SAFETY: allocated above.
        unsafe {
            text.write(Text { next: self.texts.replace(text) });
            text.add(1).cast()
        }
    }

    /// Gives back what the runner has. For the scheduler, when a goroutine has ended; it may then be used again.
    ///
    /// # Safety
    /// Nothing runs on it, and its texts are not used any more.
    pub unsafe fn release(&self) {
        self.watch.release(self.host);
        let (mut text, spare) = (self.texts.replace(null_mut()), self.spare.replace(null_mut()));
        // SAFETY: the blocks are this runner's, each in one list.
        unsafe {
            while !text.is_null() {
                let next = (*text).next;
                self.host.free(text.cast());
                text = next;
            }
            if !spare.is_null() {
                self.host.free(spare.cast());
            }
        }
        self.top.set(null_mut());
        self.panics.set(null_mut());
    }
}

/// The key that tells of the end of threads; made once.
fn exit_key() -> Option<ExitKey> {
    const NO_KEY: u32 = u32::MAX;
    static KEY: AtomicU32 = AtomicU32::new(NO_KEY);
    // Relaxed: a number that is set once; the key needs nothing else to be visible.
    let raw = match KEY.load(Relaxed) {
        NO_KEY => {
            let made = ExitKey::new(at_thread_exit).ok()?.to_raw();
            // Relaxed: as above. Who comes second uses the first's key; his own stays unused.
            KEY.compare_exchange(NO_KEY, made, Relaxed, Relaxed).map_or_else(|first| first, |_| made)
        }
        raw => raw,
    };
    // SAFETY: from `to_raw`; keys are never deleted.
    Some(unsafe { ExitKey::from_raw(raw) })
}

/// The key's destructor, on the ending thread.
unsafe extern "C" fn at_thread_exit(runner: *mut c_void) {
    let runner: *mut Runner = runner.cast();
    // SAFETY: in bounds. The record was made for this thread, which uses it no more: later destructors that need one
    // make another.
    unsafe {
        words::store(RUNNER, 0);
        let host = (*runner).host;
        (*runner).release();
        host.free(runner.cast());
    }
}
