//! Memory calls as models see them: addresses are numbers that nobody dereferences.

use crate::Errno;
use std::cell::RefCell;
use std::rc::Rc;

pub(super) enum Access {
    ReadWrite,
}

pub(super) fn page_size() -> usize {
    4096
}

pub(super) fn reserve(addr: usize, _: usize, _: bool) -> Result<usize, Errno> {
    Ok(if addr == 0 { 1 << 40 } else { addr })
}

pub(super) fn reserve_readable(_: usize) -> Result<usize, Errno> {
    Err(Errno::ENOMEM)
}

pub(super) fn map(_: usize) -> Result<usize, Errno> {
    Err(Errno::ENOMEM)
}

pub(super) unsafe fn protect(_: usize, _: usize, _: Access) -> Result<(), Errno> {
    Ok(())
}

pub(super) unsafe fn unmap(_: usize, _: usize) -> bool {
    true
}

/// What a model does when pages are given back.
type Watcher = Rc<dyn Fn(usize, usize)>;

std::thread_local! {
    /// The watcher of the model that runs on this thread of the OS.
    static WATCHER: RefCell<Option<Watcher>> = const { RefCell::new(None) };
}

pub(super) fn watch_discards(watcher: impl Fn(usize, usize) + 'static) {
    WATCHER.set(Some(Rc::new(watcher)));
}

pub(super) unsafe fn discard(addr: usize, len: usize) -> bool {
    // Not called under the borrow: a model may switch threads inside.
    let watcher = WATCHER.with_borrow(Clone::clone);
    if let Some(watcher) = watcher {
        watcher(addr, len);
    }
    true
}

pub(super) unsafe fn remap(_: usize, _: usize, _: usize, _: bool) -> Result<usize, Errno> {
    Err(Errno::ENOMEM)
}

pub(super) unsafe fn guard(_: usize, _: usize) -> Result<(), Errno> {
    Ok(())
}

pub(super) fn address_space_limit() -> Option<usize> {
    None
}
