//! The command `gort`.

fn main() {}
