//! What a reader sees of a long task: a line for each step, a live line on a terminal, the output of what failed.

use crate::run::{self, Done};
use std::io::{IsTerminal as _, Write as _};
use std::sync::Mutex;
use std::time::Instant;

/// Columns of a step's line.
const NAME_WIDTH: usize = 24;
/// Lines shown of the output of something that failed; the last ones tell most.
const SHOWN_LINES: usize = 60;

/// What came of a step.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
    /// Said below the step's line.
    pub(crate) notes: Vec<String>,
    /// What failed, each with its output.
    pub(crate) faults: Vec<Fault>,
}

/// Something that failed.
pub(crate) struct Fault {
    pub(crate) what: String,
    pub(crate) output: String,
}

impl Tally {
    pub(crate) fn pass(&mut self) {
        self.passed += 1;
    }

    pub(crate) fn fail(&mut self, what: impl Into<String>, output: impl Into<String>) {
        self.failed += 1;
        self.faults.push(Fault { what: what.into(), output: output.into() });
    }

    /// Passes when something is so; else fails, with the reason.
    pub(crate) fn check(&mut self, is_so: bool, what: impl Into<String>, why: impl FnOnce() -> String) {
        if is_so { self.pass() } else { self.fail(what, why()) }
    }

    pub(crate) fn skip(&mut self, note: impl Into<String>) {
        self.skipped += 1;
        self.notes.push(format!("skipped: {}", note.into()));
    }

    /// Adds up the closing lines of Rust test binaries.
    pub(crate) fn counted(done: &Done) -> Self {
        let mut tally = Self::default();
        let text = String::from_utf8_lossy(&done.stdout);
        for line in text.lines().filter(|line| line.starts_with("test result:")) {
            let words: Vec<&str> = line.split_whitespace().collect();
            for pair in words.windows(2) {
                let Ok(count) = pair[0].parse::<usize>() else { continue };
                match pair[1].trim_end_matches(';') {
                    "passed" => tally.passed += count,
                    "failed" => tally.failed += count,
                    "ignored" => tally.skipped += count,
                    _ => {}
                }
            }
        }
        tally
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.notes.extend(other.notes);
        self.faults.extend(other.faults);
    }
}

/// The line that changes while a step runs, on a terminal; nothing elsewhere.
pub(crate) struct Live {
    step: String,
    start: Instant,
    on: bool,
    lock: Mutex<()>,
}

impl Live {
    pub(crate) fn start(step: &str) -> Self {
        let on = std::io::stdout().is_terminal();
        let live = Self { step: step.to_owned(), start: Instant::now(), on, lock: Mutex::new(()) };
        live.item("");
        live
    }

    /// Shows what is at work now.
    pub(crate) fn item(&self, item: &str) {
        if self.on {
            let _guard = self.lock.lock();
            let item: String = item.chars().take(60).collect();
            print!("\r\x1b[2K  {:<NAME_WIDTH$} ..  {item}", self.step);
            _ = std::io::stdout().flush();
        }
    }

    /// Replaces the live line by the result, and shows what failed.
    pub(crate) fn finish(self, tally: &Tally) {
        if self.on {
            print!("\r\x1b[2K");
        }
        println!("{}", line(&self.step, tally, &run::seconds(self.start)));
        for note in &tally.notes {
            println!("      {note}");
        }
        for fault in &tally.faults {
            println!("      FAILED {}", fault.what);
            print!("{}", framed(&fault.output));
        }
        _ = std::io::stdout().flush();
    }
}

fn line(step: &str, tally: &Tally, time: &str) -> String {
    let word = match tally {
        Tally { failed: 1.., .. } => "FAILED",
        Tally { passed: 0, .. } => "skipped",
        _ => "ok",
    };
    let mut counts = format!("{:>5} passed", tally.passed);
    if tally.failed > 0 {
        counts += &format!(", {} failed", tally.failed);
    }
    if tally.skipped > 0 {
        counts += &format!(", {} skipped", tally.skipped);
    }
    format!("  {step:<NAME_WIDTH$} {word:<8} {counts:<36} {time:>9}")
}

/// The end of `output`, set off so that no line of it can be taken for one of ours.
fn framed(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    let hidden = lines.len().saturating_sub(SHOWN_LINES);
    let head = (hidden > 0).then(|| format!("      | ... {hidden} lines before\n"));
    let rest = lines[hidden..].iter().map(|line| format!("      | {line}\n"));
    head.into_iter().chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::End;

    #[test]
    fn the_end_of_long_output_is_shown() {
        let text: String = (0..SHOWN_LINES + 5).map(|n| format!("{n}\n")).collect();
        let shown = framed(&text);
        assert!(shown.starts_with("      | ... 5 lines before\n      | 5\n"), "{shown}");
        assert_eq!(shown.lines().count(), SHOWN_LINES + 1);
    }

    #[test]
    fn a_step_with_one_failure_is_failed() {
        let tally = Tally { passed: 3, failed: 1, ..Tally::default() };
        assert!(line("x", &tally, "1.0 s").contains("FAILED       3 passed, 1 failed"));
    }

    #[test]
    fn closing_lines_are_added_up() {
        let line = |p, f| {
            format!("test result: ok. {p} passed; {f} failed; 1 ignored; 0 measured; 0 filtered out\n")
        };
        let stdout = (line(3, 0) + "test x ... ok\n" + &line(4, 2)).into_bytes();
        let tally = Tally::counted(&Done { end: End::Status(101), stdout, stderr: vec![] });
        assert_eq!((tally.passed, tally.failed, tally.skipped), (7, 2, 2));
    }
}
