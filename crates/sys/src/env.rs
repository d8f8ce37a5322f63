//! The environment, read without allocating, and not at all in privileged programs.
//!
//! malloc is asked for memory before the C library has set `environ`, so the variables are found where the kernel
//! put them: above the arguments on the initial stack, whose address the dynamic loader keeps in
//! `__libc_stack_end`. Under `AT_SECURE` (set-user-id programs and the like) there are no variables (MA-16).

use core::ffi::CStr;

/// One environment variable that the runtime reads. The crates that do list theirs; `gort env` prints them.
#[derive(Clone, Copy, Debug)]
pub struct Knob {
    /// Its name.
    pub name: &'static str,
    /// What holds without it.
    pub default: &'static str,
    /// What it does.
    pub meaning: &'static str,
}

unsafe extern "C" {
    /// Where the kernel left the argument count; set by glibc's loader before it runs any other code.
    static __libc_stack_end: *const usize;
}

/// Whether the program runs with privileges that its user lacks.
#[inline(always)]
pub fn is_secure() -> bool {
    // SAFETY: reads the auxiliary vector.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Whether the loader has filled in this object's pointers. Before, in resolvers of indirect functions of objects that are
/// relocated earlier, nothing outside of this object may be touched, and no thread word either.
pub fn is_relocated() -> bool {
    struct Pointer(*const u8);
    // SAFETY: the address of a static, never written.
    unsafe impl Sync for Pointer {}
    static ANCHOR: u8 = 0;
    static POINTER: Pointer = Pointer(&raw const ANCHOR);
    // SAFETY: reads our own static; volatile, since the compiler knows what it will be, not what it is now.
    unsafe { (&raw const POINTER.0).read_volatile() == &raw const ANCHOR }
}

/// The value of an environment variable as it was when the program started.
pub fn var(name: &[u8]) -> Option<&'static [u8]> {
    let [value] = vars([name]);
    value
}

/// The values of some variables. Made a part of its caller: what runs in every program, when the library is loaded, should
/// lie together, so that few pages of it become resident.
#[inline(always)]
pub fn vars<const N: usize>(names: [&[u8]; N]) -> [Option<&'static [u8]>; N] {
    let mut values = [None; N];
    if is_secure() {
        return values;
    }
    for entry in start_environment() {
        for (value, name) in values.iter_mut().zip(names) {
            if value.is_none() {
                *value = entry.strip_prefix(name).and_then(|rest| rest.strip_prefix(b"="));
            }
        }
    }
    values
}

/// The program's name as it was started, without the directory; empty when it has none.
pub fn program() -> &'static [u8] {
    // SAFETY: as in `start_environment`; behind the count stand pointers to strings that stay.
    let path = unsafe {
        let Some(count) = count_at(__libc_stack_end) else { return b"" };
        CStr::from_ptr(*count.add(1).cast()).to_bytes()
    };
    path.rsplit(|c| *c == b'/').next().unwrap_or(path)
}

/// Where the program's own code starts to run, an address of its file.
pub fn entry() -> usize {
    // SAFETY: reads the auxiliary vector.
    unsafe { libc::getauxval(libc::AT_ENTRY) as usize }
}

/// The number of the calling process.
pub fn process_id() -> i32 {
    // SAFETY: a call without arguments.
    unsafe { libc::getpid() }
}

/// The strings of the environment that the program was started with.
#[inline(always)]
fn start_environment() -> impl Iterator<Item = &'static [u8]> {
    // SAFETY: the loader set this pointer before any code of ours ran.
    let stack = unsafe { __libc_stack_end };
    // SAFETY: the start of the initial stack, or null.
    let mut next: *const *const i8 = unsafe { environment_at(stack) }.unwrap_or(core::ptr::null());
    core::iter::from_fn(move || {
        // SAFETY: the block ends with a null pointer, and its strings are never moved or freed.
        unsafe {
            if next.is_null() || (*next).is_null() {
                return None;
            }
            let entry = CStr::from_ptr((*next).cast()).to_bytes();
            next = next.add(1);
            Some(entry)
        }
    })
}

/// Where the environment begins, behind the arguments and a null.
///
/// # Safety
/// `stack` is null or points to the initial stack.
#[inline(always)]
unsafe fn environment_at(stack: *const usize) -> Option<*const *const i8> {
    // SAFETY: passed on; the count tells how many pointers follow.
    unsafe { count_at(stack).map(|at| at.add(at.read() + 2).cast()) }
}

/// Where the argument count stands, which as many pointers follow, and a null. In a dynamic program `stack` is that place;
/// in a static one for x86-64 the C library's start code has pushed a word on top.
///
/// # Safety
/// `stack` is null or points to the initial stack.
#[inline(always)]
unsafe fn count_at(stack: *const usize) -> Option<*const usize> {
    /// More arguments than the kernel allows for.
    const TOO_MANY: usize = 1 << 24;
    if stack.is_null() {
        return None;
    }
    // SAFETY: one of the two is the count, and behind it stand at least two words more.
    [stack, unsafe { stack.add(1) }].into_iter().find(|at| unsafe {
        let count = at.read();
        count > 0 && count < TOO_MANY && at.add(1 + count).read() == 0
    })
}

/// A decimal number with an optional suffix `K`, `M`, `G` or `T` (powers of 1024, also written `KiB`).
pub fn parse_u64(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|c| c.is_ascii_digit()).count();
    if digits == 0 {
        return None;
    }
    let mut value: u64 = 0;
    for c in &text[..digits] {
        value = value.checked_mul(10)?.checked_add((c - b'0') as u64)?;
    }
    let shift = match &text[digits..] {
        b"" | b"B" => 0,
        b"K" | b"k" | b"KiB" => 10,
        b"M" | b"m" | b"MiB" => 20,
        b"G" | b"g" | b"GiB" => 30,
        b"T" | b"t" | b"TiB" => 40,
        _ => return None,
    };
    value.checked_mul(1 << shift)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn finds_a_variable_of_the_start_environment() {
        #[expect(clippy::disallowed_methods, reason = "a test may allocate")]
        let path = std::env::var("PATH").unwrap();
        assert_eq!(var(b"PATH"), Some(path.as_bytes()));
        assert_eq!(var(b"GORT_NO_SUCH_VARIABLE"), None);
        assert_eq!(var(b"PAT"), None);
    }

    #[test]
    fn knows_the_program_and_its_number() {
        let exe = std::env::current_exe().unwrap();
        assert_eq!(program(), exe.file_name().unwrap().as_encoded_bytes());
        assert_eq!(process_id() as u32, std::process::id());
    }

    #[test]
    fn numbers_with_and_without_suffix() {
        for (text, value) in [
            ("0", Some(0)),
            ("512K", Some(512 << 10)),
            ("3GiB", Some(3 << 30)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("16T", Some(16 << 40)),
            ("99999999999T", None),
            ("", None),
            ("-1", None),
            ("5x", None),
        ] {
            assert_eq!(parse_u64(text.as_bytes()), value, "{text}");
        }
    }
}
