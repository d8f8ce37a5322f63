//! The command `gort`, as a library.
