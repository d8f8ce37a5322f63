//! How many OS calls there were: for programs that make them fail one by one (feature `fault`).

/// cbindgen:ignore
/// The number of OS calls of this process so far that could have been made to fail.
#[unsafe(no_mangle)]
pub extern "C" fn go_fault_calls() -> u64 {
    gort_sys::fault::calls()
}
