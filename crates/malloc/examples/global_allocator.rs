//! A Rust program on gort's allocator: counts words with several threads, then asks the allocator what it did.
//!
//! `cargo run --release --example global_allocator -p gort-malloc`

use std::collections::HashMap;
use std::thread;

#[global_allocator]
static GLOBAL: gort_malloc::Gort = gort_malloc::Gort;

/// How often each word of a text occurs.
fn count(text: &str) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for word in text.split_whitespace() {
        *counts.entry(word.to_lowercase()).or_insert(0) += 1;
    }
    counts
}

/// Counts on `threads` threads, each a part of the lines, and adds up. Every map is freed by another thread than the one
/// that made it.
fn count_on(threads: usize, lines: &[String]) -> HashMap<String, usize> {
    let share = lines.len().div_ceil(threads);
    let parts: Vec<_> = lines
        .chunks(share)
        .map(|lines| lines.join("\n"))
        .map(|text| thread::spawn(move || count(&text)))
        .collect();
    let mut total = HashMap::new();
    for part in parts {
        for (word, n) in part.join().unwrap_or_default() {
            *total.entry(word).or_insert(0) += n;
        }
    }
    total
}

/// Prints the counts and the allocator's figures.
pub(crate) fn main() {
    let lines: Vec<String> =
        (0..10_000).map(|i| format!("Line {i} of TEN thousand, number {}", i % 7)).collect();
    let counts = count_on(4, &lines);
    assert_eq!(counts["line"], 10_000);
    assert_eq!(counts.len(), 5 + 10_000);

    let stats = gort_malloc::MALLOC.stats();
    assert!(stats.live_blocks() > counts.len(), "each word is a block of this allocator");
    assert!(stats.live_bytes() <= stats.held_bytes());
    println!("{} words, {} blocks live", counts.len(), stats.live_blocks());
}
