//! The mappings of the process, from `/proc/self/maps`.

use crate::arch::syscall6;

/// A mapping of a file.
pub struct Map<'a> {
    /// The first address.
    pub start: usize,
    /// The first address behind it.
    pub end: usize,
    /// Where in the file it starts.
    pub offset: usize,
    /// The file.
    pub path: &'a [u8],
}

/// Calls `f` with every executable mapping of a file. Lines longer than a page are skipped.
pub fn each_executable(mut f: impl FnMut(&Map<'_>)) {
    let path = c"/proc/self/maps";
    let flags = (libc::O_RDONLY | libc::O_CLOEXEC) as usize;
    // SAFETY: opens a file for reading.
    let fd = unsafe {
        syscall6(libc::SYS_openat as usize, [libc::AT_FDCWD as usize, path.as_ptr() as usize, flags, 0, 0, 0])
    };
    if fd < 0 {
        return;
    }
    let mut buffer = [0u8; 8192];
    let mut len = 0;
    loop {
        let room = &mut buffer[len..];
        // SAFETY: reads into our own buffer.
        let n = unsafe {
            syscall6(libc::SYS_read as usize, [fd as usize, room.as_mut_ptr() as usize, room.len(), 0, 0, 0])
        };
        if n <= 0 {
            break;
        }
        len += n as usize;
        let whole = buffer[..len].iter().rposition(|c| *c == b'\n').map_or(0, |at| at + 1);
        buffer[..whole].split(|c| *c == b'\n').filter_map(parse).for_each(|map| f(&map));
        buffer.copy_within(whole..len, 0);
        len = if whole == 0 { 0 } else { len - whole };
    }
    // SAFETY: opened above.
    unsafe { syscall6(libc::SYS_close as usize, [fd as usize, 0, 0, 0, 0, 0]) };
}

/// One line: `start-end perms offset dev inode path`.
fn parse(line: &[u8]) -> Option<Map<'_>> {
    let mut fields = line.splitn(6, |c| *c == b' ');
    let range = fields.next()?;
    let perms = fields.next()?;
    let offset = hex(fields.next()?)?;
    let path = fields.nth(2)?.trim_ascii_start();
    let dash = range.iter().position(|c| *c == b'-')?;
    (perms.get(2) == Some(&b'x') && path.first() == Some(&b'/')).then_some(Map {
        start: hex(&range[..dash])?,
        end: hex(&range[dash + 1..])?,
        offset,
        path,
    })
}

fn hex(digits: &[u8]) -> Option<usize> {
    usize::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn finds_the_mapping_of_this_function() {
        let here = each_executable as fn(fn(&Map<'_>)) as usize;
        let mut found = 0;
        each_executable(|map| found += (map.start..map.end).contains(&here) as usize);
        assert_eq!(found, 1);
    }
}
