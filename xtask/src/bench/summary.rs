//! Medians, ratios to the best peer, geometric means.

use super::allocators::{Allocator, GORT, MARKS};
use super::measure::Sample;
use super::workloads::Workload;

/// What is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Figure {
    Time,
    Peak,
    End,
}

/// The most that gort may take of the fastest peer's time.
pub(crate) const TIME_BAR: f64 = 1.15;

/// The medians of all rounds: `cells[workload][allocator]`.
pub(crate) struct Summary {
    pub(crate) workloads: Vec<Row>,
    pub(crate) allocators: Vec<String>,
    cells: Vec<Vec<Cell>>,
}

/// A workload as the tables name it.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
}

/// The medians of one workload on one allocator; not a number for what was not measured, which no mean counts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cell {
    pub(crate) time_s: f64,
    pub(crate) peak_kb: f64,
    pub(crate) end_kb: f64,
}

impl Cell {
    pub(crate) const fn get(&self, figure: Figure) -> f64 {
        match figure {
            Figure::Time => self.time_s,
            Figure::Peak => self.peak_kb,
            Figure::End => self.end_kb,
        }
    }
}

impl Summary {
    pub(crate) fn of(workloads: &[Workload], allocators: &[&str], samples: &[Sample]) -> Self {
        let cell = |w: &Workload, a: &str| {
            let of: Vec<&Sample> =
                samples.iter().filter(|s| s.workload == w.name && s.allocator == a).collect();
            let over = |value: &dyn Fn(&Sample) -> f64| median(of.iter().map(|s| value(s)).collect());
            Cell {
                time_s: over(&|s| if w.threads { s.wall_s } else { s.user_s + s.system_s }),
                peak_kb: over(&|s| s.peak_kb as f64),
                end_kb: over(&|s| s.end_kb.map_or(f64::NAN, |kb| kb as f64)),
            }
        };
        Self {
            cells: workloads.iter().map(|w| allocators.iter().map(|a| cell(w, a)).collect()).collect(),
            workloads: workloads.iter().map(|w| Row { name: w.name, about: w.about }).collect(),
            allocators: allocators.iter().map(|&a| a.to_owned()).collect(),
        }
    }

    pub(crate) fn cell(&self, workload: usize, allocator: usize) -> &Cell {
        &self.cells[workload][allocator]
    }

    /// The best peer's figure: for time that of the fastest of all, for memory that of the smallest of `MARKS`. The
    /// peers of a run that holds none of them are whatever it holds.
    pub(crate) fn best(&self, workload: usize, figure: Figure) -> f64 {
        let is_peer = |name: &str| !Allocator::is_own(name);
        let is_mark = |name: &str| figure == Figure::Time || MARKS.contains(&name);
        let marks = self.least(workload, figure, &|name| is_peer(name) && is_mark(name));
        let peers = || self.least(workload, figure, &is_peer);
        marks.or_else(peers).or_else(|| self.least(workload, figure, &|_| true)).unwrap_or(f64::NAN)
    }

    fn least(&self, workload: usize, figure: Figure, wanted: &dyn Fn(&str) -> bool) -> Option<f64> {
        let names = self.allocators.iter().zip(&self.cells[workload]).filter(|(name, _)| wanted(name));
        names.map(|(_, cell)| cell.get(figure)).min_by(f64::total_cmp)
    }

    pub(crate) fn ratio(&self, workload: usize, allocator: usize, figure: Figure) -> f64 {
        self.cell(workload, allocator).get(figure) / self.best(workload, figure)
    }

    /// The geometric mean of an allocator's ratios to gort's figures, over all workloads: below one is better than gort.
    pub(crate) fn mean_to_gort(&self, allocator: usize, figure: Figure) -> f64 {
        let own = self.allocators.iter().position(|a| a == GORT).unwrap_or(0);
        geometric(self.cells.iter().map(|row| row[allocator].get(figure) / row[own].get(figure)))
    }

    pub(crate) fn mean_to_best(&self, allocator: usize, figure: Figure) -> f64 {
        geometric((0..self.workloads.len()).map(|w| self.ratio(w, allocator, figure)))
    }

    /// Workloads on which gort misses the mark, with the ratio, worst first.
    pub(crate) fn misses(&self, figure: Figure) -> Vec<(&'static str, f64)> {
        let Some(own) = self.allocators.iter().position(|a| a == GORT) else { return vec![] };
        let bar = if figure == Figure::Time { TIME_BAR } else { 1.0 };
        let all = (0..self.workloads.len()).map(|w| (self.workloads[w].name, self.ratio(w, own, figure)));
        let mut found: Vec<_> = all.filter(|(_, ratio)| *ratio > bar + 0.005).collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1));
        found
    }
}

/// The middle value; of an even number the mean of the middle two.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

fn geometric(ratios: impl Iterator<Item = f64>) -> f64 {
    let logs: Vec<f64> = ratios.map(f64::ln).filter(|log| log.is_finite()).collect();
    (logs.iter().sum::<f64>() / logs.len() as f64).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_peers() -> Summary {
        let cell = |time_s, peak_kb| Cell { time_s, peak_kb, end_kb: peak_kb };
        Summary {
            workloads: vec![Row { name: "a", about: "" }, Row { name: "b", about: "" }],
            allocators: ["gort", "snmalloc", "glibc"].map(str::to_owned).to_vec(),
            cells: vec![
                vec![cell(1.0, 300.0), cell(2.0, 200.0), cell(0.8, 100.0)],
                vec![cell(1.0, 100.0), cell(4.0, 100.0), cell(4.0, 50.0)],
            ],
        }
    }

    #[test]
    fn time_is_measured_by_the_fastest_and_memory_by_the_marks() {
        let s = two_peers();
        assert_eq!(s.best(0, Figure::Time), 0.8);
        assert_eq!(s.best(0, Figure::Peak), 200.0);
        assert_eq!(s.misses(Figure::Time), vec![("a", 1.25)]);
        assert_eq!(s.misses(Figure::Peak), vec![("a", 1.5)]);
    }

    #[test]
    fn means_are_geometric() {
        assert!((two_peers().mean_to_gort(1, Figure::Time) - 8f64.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert_eq!(median(vec![4.0, 1.0, 2.0, 9.0]), 3.0);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
    }
}
