//! One run of one workload on one allocator.

use super::allocators::Allocator;
use super::workloads::{self, Workload};
use crate::run::{Cmd, Done};
use crate::workspace::Workspace;
use anyhow::{Context as _, Result, bail, ensure};
use std::collections::HashMap;
use std::path::PathBuf;

/// What a run showed.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Sample {
    pub(crate) workload: String,
    pub(crate) allocator: String,
    pub(crate) round: usize,
    /// From start to end, the start of the process and of the library included.
    pub(crate) wall_s: f64,
    pub(crate) user_s: f64,
    pub(crate) system_s: f64,
    pub(crate) peak_kb: u64,
    /// Resident after the work, with everything freed that the program frees. Real programs do not say: at their exit it
    /// would be too late, since an allocator may unmap its heap then.
    pub(crate) end_kb: Option<u64>,
    /// What the program printed, memory aside: the same on every allocator.
    #[serde(skip)]
    output: Vec<u8>,
}

/// The compiled workloads and the launcher.
pub(crate) struct Bench {
    sources: PathBuf,
    dir: PathBuf,
    launcher: PathBuf,
    whose: PathBuf,
}

/// The longest that a run may take; the usual one takes half a second.
const LIMIT_SECONDS: u64 = 60;

impl Bench {
    pub(crate) fn build(workspace: &Workspace, workloads: &[Workload]) -> Result<Self> {
        let benches = workspace.root.join("benches");
        let dir = workspace.work_dir("bench/programs")?;
        let bench = Self {
            sources: benches.join("malloc"),
            launcher: dir.join("launcher"),
            whose: dir.join("whose"),
            dir,
        };
        workloads::compile(&benches.join("launcher.c"), &bench.launcher, &["-static"])?;
        workloads::compile(&benches.join("whose.c"), &bench.whose, &["-ldl"])?;
        workloads.iter().try_for_each(|w| w.prepare(&bench.sources, &bench.dir))?;
        Ok(bench)
    }

    /// Makes sure that the allocator's names are bound to its library: a peer that is not in use would look like glibc.
    pub(crate) fn check_in_use(&self, allocator: &Allocator) -> Result<()> {
        let Some(library) = &allocator.preload else { return Ok(()) };
        let text = Cmd::new(&self.whose).env("LD_PRELOAD", library).ok()?.text();
        for line in text.lines() {
            let (name, owner) = line.split_once(' ').context("whose: a line without an owner")?;
            let same = std::path::Path::new(owner) == library;
            ensure!(
                same,
                "{}: `{name}` is not bound to {} but to {owner}",
                allocator.name,
                library.display()
            );
        }
        Ok(())
    }

    pub(crate) fn run(
        &self,
        workload: &Workload,
        allocator: &Allocator,
        round: usize,
        percent: u32,
    ) -> Result<Sample> {
        let result = self.dir.join("result");
        let preload = allocator.preload.as_deref().unwrap_or_else(|| "".as_ref());
        let mut cmd = Cmd::new(&self.launcher).arg(&result).arg(preload).limit(LIMIT_SECONDS);
        cmd = cmd.args(workload.command(&self.sources, &self.dir, percent));
        for (name, value) in [workload.env(), allocator.env].into_iter().flatten() {
            cmd = cmd.env(name, value);
        }
        let done = cmd.run()?;
        let what = || format!("{} on {}: {}", workload.name, allocator.name, done.end);
        ensure!(done.succeeded(), "{}\n{}", what(), done.text());
        let line = std::fs::read_to_string(&result).with_context(what)?;
        sample(workload, allocator, round, &line, &done).with_context(what)
    }
}

/// Puts together the launcher's line and what the program printed.
fn sample(
    workload: &Workload,
    allocator: &Allocator,
    round: usize,
    line: &str,
    done: &Done,
) -> Result<Sample> {
    let numbers: Vec<i64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let [wall, user, system, peak] = numbers[..] else { bail!("the launcher wrote `{line}`") };
    let (end, output) = split_output(&done.stdout);
    Ok(Sample {
        workload: workload.name.to_owned(),
        allocator: allocator.name.clone(),
        round,
        wall_s: wall as f64 / 1e9,
        user_s: user as f64 / 1e6,
        system_s: system as f64 / 1e6,
        // The kernel's running count of a peak lags by some pages.
        peak_kb: u64::try_from(peak).unwrap_or(0).max(end.unwrap_or(0)),
        end_kb: end,
        output,
    })
}

/// The workload's own word on its memory, and the rest of its output.
fn split_output(stdout: &[u8]) -> (Option<u64>, Vec<u8>) {
    let text = String::from_utf8_lossy(stdout);
    let (own, rest): (Vec<&str>, Vec<&str>) = text.lines().partition(|l| l.starts_with("resident_kb "));
    let own = own.first().and_then(|l| l.split(' ').nth(1)).and_then(|kb| kb.parse().ok());
    (own, rest.join("\n").into_bytes())
}

/// A program's result must not depend on the allocator.
pub(crate) fn check_results(samples: &[Sample]) -> Result<()> {
    let mut first: HashMap<&str, &Sample> = HashMap::new();
    for sample in samples {
        let one = *first.entry(&sample.workload).or_insert(sample);
        let same = one.output == sample.output;
        ensure!(
            same,
            "{}: {} and {} differ in their output",
            sample.workload,
            one.allocator,
            sample.allocator
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workloads_own_memory_is_taken_out_of_its_output() {
        let (own, rest) = split_output(b"checksum 12\nresident_kb 345\n");
        assert_eq!((own, rest), (Some(345), b"checksum 12".to_vec()));
        assert_eq!(split_output(b"17|3\n").0, None);
    }
}
