//! What is counted of blocks with a mapping of their own.

use gort_malloc::MALLOC;

#[test]
fn growing_and_shrinking_keeps_the_peak_true() {
    let mib = 1 << 20;
    let mut block = MALLOC.malloc(40 * mib);
    for size in [90, 200, 60, 150] {
        // SAFETY: a live block.
        block = unsafe { MALLOC.realloc(block, size * mib) };
        assert!(!block.is_null());
    }
    // SAFETY: as above, and nobody uses it any more.
    unsafe { MALLOC.free(block) };
    let first = MALLOC.stats().peak_bytes();
    assert!((200 * mib..260 * mib).contains(&first), "a peak of {} MiB", first / mib);
    // What was counted is given back: the same again reaches no higher.
    let again = MALLOC.malloc(190 * mib);
    assert_eq!(MALLOC.stats().peak_bytes(), first);
    // SAFETY: a live block of our own.
    unsafe { MALLOC.free(again) };
}
