//! The results for readers: on the terminal, in docs/bench/malloc.md, in the README, and every sample as CSV.

use super::machine::Machine;
use super::measure::Sample;
use super::plot;
use super::summary::{Figure, Summary, TIME_BAR};
use anyhow::{Context as _, Result, ensure};
use std::fmt::Write as _;
use std::path::Path;

const FIGURES: [(Figure, &str, &str); 3] = [
    (Figure::Time, "Time", "the fastest peer"),
    (Figure::Peak, "Peak resident memory", "the smallest peer"),
    (Figure::End, "Resident memory at the end", "the smallest peer"),
];

/// The README's part that this bench writes lies between these lines.
const MARKS: (&str, &str) = ("<!-- bench:malloc -->", "<!-- /bench -->");

/// Tables of fixed columns, and what gort misses.
pub(crate) fn terminal(summary: &Summary) -> String {
    FIGURES
        .iter()
        .map(|(figure, title, base)| {
            let head = format!("\n{title}, as a ratio to {base}\n");
            head + &aligned(&table(summary, *figure)) + &misses(summary, *figure)
        })
        .collect::<String>()
        + "\nGeometric means, gort = 1\n"
        + &aligned(&means(summary))
}

/// One row a workload: the ratios, and the best peer's figure itself.
fn table(summary: &Summary, figure: Figure) -> Vec<Vec<String>> {
    let mut head = vec!["workload".to_owned()];
    head.extend(summary.allocators.iter().cloned());
    head.push(if figure == Figure::Time { "best, s" } else { "best, MB" }.to_owned());
    let mut rows = vec![head];
    let allocators = 0..summary.allocators.len();
    for (w, workload) in summary.workloads.iter().enumerate() {
        let best = summary.best(w, figure);
        let best = if figure == Figure::Time { number(best, 3) } else { number(best / 1024.0, 1) };
        let ratios = allocators.clone().map(|a| number(summary.ratio(w, a, figure), 2));
        rows.push(std::iter::once(workload.name.to_owned()).chain(ratios).chain([best]).collect());
    }
    let means = allocators.map(|a| format!("{:.2}", summary.mean_to_best(a, figure)));
    rows.push(std::iter::once("geometric mean".to_owned()).chain(means).chain([String::new()]).collect());
    rows
}

fn number(value: f64, digits: usize) -> String {
    if value.is_nan() { "-".to_owned() } else { format!("{value:.digits$}") }
}

/// One row a figure: how the peers stand to gort over all workloads.
fn means(summary: &Summary) -> Vec<Vec<String>> {
    let mut rows = vec![std::iter::once(String::new()).chain(summary.allocators.iter().cloned()).collect()];
    for (figure, title, _) in FIGURES {
        let row = (0..summary.allocators.len()).map(|a| format!("{:.2}", summary.mean_to_gort(a, figure)));
        rows.push(std::iter::once(title.to_lowercase()).chain(row).collect());
    }
    rows
}

/// The first column to the left, the others to the right.
fn aligned(rows: &[Vec<String>]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let mut text = String::new();
    for row in rows {
        _ = write!(text, "  {:<1$}", row[0], width(0));
        for (column, cell) in row.iter().enumerate().skip(1) {
            _ = write!(text, "  {cell:>0$}", width(column));
        }
        text.push('\n');
    }
    text
}

fn markdown(rows: &[Vec<String>]) -> String {
    let line = |row: &[String]| format!("| {} |\n", row.join(" | "));
    let rule = format!("|---|{}\n", "---:|".repeat(rows[0].len() - 1));
    rows.iter().enumerate().map(|(i, row)| if i == 0 { line(row) + &rule } else { line(row) }).collect()
}

fn misses(summary: &Summary, figure: Figure) -> String {
    let found = summary.misses(figure);
    let bar = if figure == Figure::Time {
        format!("slower than {TIME_BAR} times")
    } else {
        "larger than".to_owned()
    };
    if found.is_empty() {
        return format!("  gort is nowhere {bar} the best peer\n");
    }
    let list: Vec<String> = found.iter().map(|(name, ratio)| format!("{name} {ratio:.2}")).collect();
    format!("  gort is {bar} the best peer on: {}\n", list.join(", "))
}

/// A sitting, to be written down.
pub(crate) struct Results {
    pub(crate) summary: Summary,
    pub(crate) machine: Machine,
    pub(crate) samples: Vec<Sample>,
    pub(crate) rounds: usize,
}

impl Results {
    /// Writes the page, the plot and every sample into a directory.
    pub(crate) fn write(&self, dir: &Path) -> Result<()> {
        std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        std::fs::write(dir.join("malloc.svg"), plot::svg(&self.summary)?)?;
        std::fs::write(dir.join("malloc.md"), self.page())?;
        raw(&dir.join("malloc.csv"), &self.samples)
    }

    /// Replaces the README's marked part.
    pub(crate) fn write_readme(&self, path: &Path) -> Result<()> {
        let old = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let body = format!(
            "Geometric means over {} workloads, gort = 1 (below one is better):\n\n{}\n\
             ![time and memory, workload by workload](docs/bench/malloc.svg)\n\n\
             Machine: {}. All figures: [docs/bench/malloc.md](docs/bench/malloc.md).\n",
            self.summary.workloads.len(),
            markdown(&means(&self.summary)),
            self.machine
        );
        std::fs::write(path, marked(&old, &body)?).with_context(|| path.display().to_string())
    }

    fn page(&self) -> String {
        let mut text = format!(
            "# malloc beside its peers\n\nWritten by `cargo xtask bench malloc --record`; every sample is in malloc.csv. \
             One sitting, {} interleaved rounds, medians.\n\nMachine: {}.\n\n![plot](malloc.svg)\n\n{}\n",
            self.rounds,
            self.machine,
            how_to_read()
        );
        let means = markdown(&means(&self.summary));
        text += &format!(
            "## All workloads\n\nGeometric means, gort = 1: below one is better than gort.\n\n{means}"
        );
        for (figure, title, base) in FIGURES {
            let rows = markdown(&table(&self.summary, figure));
            let misses = misses(&self.summary, figure);
            text += &format!("\n## {title}\n\nRatio to {base}.\n\n{rows}\n{}", misses.trim_start());
        }
        text += "\n## Workloads\n\n| workload | what it does |\n|---|---|\n";
        for workload in &self.summary.workloads {
            _ = writeln!(text, "| {} | {} |", workload.name, workload.about);
        }
        text
    }
}

const fn how_to_read() -> &'static str {
    "A workload is a program with a fixed amount of work, in benches/malloc. Its time is the whole process's, start and \
     library included: user and system time of the processor where there is one thread, the clock's where there are \
     several. The fastest peer is the fastest of all others. The smallest peer is the smallest of mimalloc 3 and 2, \
     snmalloc, rpmalloc and jemalloc; glibc is often smaller, and slower. The end is when the program has freed all that \
     it frees; real programs do not say when that is. The peers are built from their crates' sources as their projects build \
     them for preloading; tcmalloc is Debian's package (gperftools); glibc is the C library's own allocator.\n"
}

/// `old` with another marked part. Without the marks there is no place for it, and that is an error.
fn marked(old: &str, body: &str) -> Result<String> {
    let (open, close) = MARKS;
    let start = old.find(open).map(|at| at + open.len());
    let end = old.find(close);
    let (Some(start), Some(end)) = (start, end) else {
        anyhow::bail!("README.md has no part between {open} and {close}")
    };
    ensure!(start <= end, "README.md: {close} stands before {open}");
    Ok(format!("{}\n{body}{}", &old[..start], &old[end..]))
}

/// Every sample, one a line.
fn raw(path: &Path, samples: &[Sample]) -> Result<()> {
    let mut writer = csv::Writer::from_path(path).with_context(|| path.display().to_string())?;
    for sample in samples {
        writer.serialize(sample)?;
    }
    writer.flush().context("the samples")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_marked_part_changes() {
        let old = "a\n<!-- bench:malloc -->\nold\n<!-- /bench -->\nb\n";
        let new = "a\n<!-- bench:malloc -->\nnew\n<!-- /bench -->\nb\n";
        assert_eq!(marked(old, "new\n").unwrap(), new);
        assert!(marked("no marks", "new").is_err());
    }

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [["x", "long", "1"], ["name", "2", "30"]].map(|r| r.map(str::to_owned).to_vec());
        assert_eq!(aligned(&rows), "  x     long   1\n  name     2  30\n");
    }
}
