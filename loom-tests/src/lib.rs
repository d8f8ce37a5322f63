//! Models of the protocols that cross crates; see README.md for the table of what each rules out.
