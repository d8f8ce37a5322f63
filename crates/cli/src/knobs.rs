//! `gort env`: the environment variables that the library reads.

use crate::library;
use crate::table::{Side, align};
use gort_sys::env::Knob;
use std::ffi::OsString;

/// What the facade reads by itself; it is a library for C, so nothing can be taken from it.
const FACADE: &[Knob] = &[Knob {
    name: "GODEBUG",
    default: "",
    meaning: "settings with commas between them, as in Go; panicnil=1: a panic with nil stays nil",
}];

/// All environment variables of the library.
pub fn knobs() -> impl Iterator<Item = &'static Knob> {
    gort_malloc::options::KNOBS.iter().chain(gort_gmp::KNOBS).chain(FACADE)
}

/// The table; `value_of` knows the environment.
pub fn text(value_of: impl Fn(&str) -> Option<OsString>) -> String {
    let mut rows = vec![["NAME", "VALUE", "DEFAULT", "MEANING"].map(String::from)];
    let value = |name: &str, is_number: bool| match value_of(name) {
        None => "-".to_string(),
        Some(value) => {
            let text = value.to_string_lossy().into_owned();
            let understood = !is_number || gort_sys::env::parse_u64(text.as_bytes()).is_some();
            if understood { text } else { format!("{text} (no number: ignored)") }
        }
    };
    let named = |default: &str| if default.is_empty() { "-".into() } else { default.to_string() };
    for knob in knobs() {
        // The kind of a knob shows in its default.
        let is_number = gort_sys::env::parse_u64(knob.default.as_bytes()).is_some();
        rows.push([knob.name.into(), value(knob.name, is_number), named(knob.default), knob.meaning.into()]);
    }
    rows.push([
        library::VARIABLE.into(),
        value(library::VARIABLE, false),
        "-".into(),
        "the libgort.so that `gort run` preloads; without it, the one beside the command or in ../lib".into(),
    ]);
    align([Side::Left; 4], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_knob_has_a_line_with_its_value() {
        let text = text(|name| match name {
            "GORT_CHECK" => Some("2".into()),
            "GORT_PROFILE_RATE" => Some("often".into()),
            _ => None,
        });
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), knobs().count() + 2);
        let line = |name: &str| *lines.iter().find(|line| line.starts_with(name)).unwrap();
        assert_eq!(line("GORT_CHECK ").split_whitespace().nth(1), Some("2"));
        assert!(line("GORT_PROFILE_RATE ").contains("often (no number: ignored)"));
        assert_eq!(line("GORT_STATS ").split_whitespace().nth(1), Some("-"));
        let column = lines[0].find("MEANING").unwrap();
        for (line, knob) in lines[1..].iter().zip(knobs()) {
            assert_eq!(&line[column..], knob.meaning);
        }
    }
}
