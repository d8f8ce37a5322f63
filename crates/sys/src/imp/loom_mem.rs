//! Memory calls as models see them: addresses are numbers that nobody dereferences.

use crate::Errno;

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

pub(super) unsafe fn discard(_: usize, _: usize) -> bool {
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
