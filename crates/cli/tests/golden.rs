//! The fast paths of the library, counted: instructions and conditional branches from the call to the return.
//!
//! A program that has blocks in store is stopped, and goes on step by step; each instruction that it executes is decoded
//! where it stands in memory. So what is counted is what runs, whatever compiler and linker made of it. The counts below
//! may fall, and are then written anew; a rise fails.
#![cfg(target_arch = "x86_64")]

mod support;

use iced_x86::{Decoder, DecoderOptions, FlowControl};
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};

/// What a fast path costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Count {
    instructions: usize,
    branches: usize,
}

const fn count(instructions: usize, branches: usize) -> Count {
    Count { instructions, branches }
}

/// The most that a fast path may ever have.
const MALLOC_BAR: Count = count(15, 2);
const FREE_BAR: Count = count(16, 3);

/// Pairs of an allocating and a freeing function, and what they are known to cost. A sized free looks at the size first,
/// which costs it more than the bar; it is in the table to be watched.
const GOLDEN: &[(&str, Count, &str, Count)] = &[
    ("malloc", count(13, 2), "free", count(16, 3)),
    ("go_malloc", count(13, 2), "go_free", count(16, 3)),
    ("_Znwm", count(15, 2), "_ZdlPv", count(16, 3)),
    ("_Znam", count(15, 2), "_ZdaPv", count(16, 3)),
    ("malloc", count(13, 2), "free_sized", count(23, 5)),
    ("_Znwm", count(15, 2), "_ZdlPvm", count(23, 5)),
];

/// A traced program, killed when the test is through with it.
struct Traced {
    child: Child,
    pid: Pid,
    memory: File,
}

impl Traced {
    /// Starts the program under trace, up to the stop that it makes itself; the two addresses that it prints.
    fn start(alloc: &str, release: &str) -> (Self, [u64; 2]) {
        let mut command = support::preloaded(support::compile("fast_path"));
        command.args([alloc, release]).stdout(Stdio::piped());
        // SAFETY: one system call between fork and exec.
        let child = unsafe { command.pre_exec(|| Ok(ptrace::traceme()?)) }.spawn().expect("starts traced");
        let pid = Pid::from_raw(child.id() as i32);
        let memory = File::open(format!("/proc/{pid}/mem")).expect("its memory opens");
        let mut traced = Self { child, pid, memory };
        // The first stop is that of exec.
        assert!(matches!(traced.wait(), WaitStatus::Stopped(_, Signal::SIGTRAP)));
        ptrace::cont(pid, None).expect("goes on");
        assert_eq!(traced.wait(), WaitStatus::Stopped(pid, Signal::SIGSTOP), "{alloc}, {release}");
        let mut line = String::new();
        BufReader::new(traced.child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut numbers =
            line.split_whitespace().map(|word| u64::from_str_radix(&word[2..], 16).expect("an address"));
        (traced, [numbers.next().unwrap(), numbers.next().unwrap()])
    }

    fn wait(&self) -> WaitStatus {
        waitpid(self.pid, None).expect("is our child")
    }

    fn registers(&self) -> nix::libc::user_regs_struct {
        ptrace::getregs(self.pid).expect("is stopped")
    }

    fn step(&self) {
        ptrace::step(self.pid, None).expect("steps");
        assert_eq!(self.wait(), WaitStatus::Stopped(self.pid, Signal::SIGTRAP), "left its path");
    }

    /// Steps up to `entry`, and counts from there to the return.
    fn count_call(&self, entry: u64) -> Count {
        while self.registers().rip != entry {
            self.step();
        }
        let stack = self.registers().rsp;
        let mut address = [0; 8];
        self.memory.read_exact_at(&mut address, stack).unwrap();
        let back = u64::from_le_bytes(address);
        let mut count = count(0, 0);
        loop {
            let at = self.registers();
            if at.rip == back && at.rsp == stack + 8 {
                return count;
            }
            count.instructions += 1;
            count.branches += self.is_conditional(at.rip) as usize;
            self.step();
        }
    }

    fn is_conditional(&self, address: u64) -> bool {
        let mut code = [0; 15];
        let n = self.memory.read_at(&mut code, address).unwrap();
        let instruction = Decoder::with_ip(64, &code[..n], address, DecoderOptions::NONE).decode();
        assert!(!instruction.is_invalid());
        instruction.flow_control() == FlowControl::ConditionalBranch
    }

    /// The file that is mapped at an address.
    fn file_at(&self, address: u64) -> String {
        let maps = std::fs::read_to_string(format!("/proc/{}/maps", self.pid)).unwrap();
        maps.lines()
            .find(|line| {
                let (start, rest) = line.split_once('-').unwrap();
                let end = rest.split_once(' ').unwrap().0;
                let number = |text| u64::from_str_radix(text, 16).unwrap();
                (number(start)..number(end)).contains(&address)
            })
            .and_then(|line| line.split_whitespace().nth(5))
            .unwrap_or_default()
            .to_string()
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn rises(name: &str, now: Count, golden: Count) -> bool {
    let verdict = match (now, golden) {
        _ if now == golden => "as before",
        _ if now.instructions <= golden.instructions && now.branches <= golden.branches => {
            "fewer: write it down"
        }
        _ => "MORE",
    };
    println!(
        "{name:<12} {:>3} instructions {:>2} branches   golden {:>3} {:>2}   {verdict}",
        now.instructions, now.branches, golden.instructions, golden.branches
    );
    now.instructions > golden.instructions || now.branches > golden.branches
}

#[test]
fn fast_paths_cost_no_more_than_they_did() {
    let library = support::library().canonicalize().unwrap();
    let mut risen = Vec::new();
    for (alloc, alloc_golden, release, release_golden) in GOLDEN {
        let (traced, addresses) = Traced::start(alloc, release);
        for address in addresses {
            assert_eq!(
                traced.file_at(address),
                library.to_str().unwrap(),
                "{alloc}, {release}: not the library's"
            );
        }
        for (name, address, golden) in
            [(alloc, addresses[0], alloc_golden), (release, addresses[1], release_golden)]
        {
            if rises(name, traced.count_call(address), *golden) {
                risen.push(*name);
            }
        }
    }
    assert!(risen.is_empty(), "costs more than before: {risen:?}");
}

#[test]
fn golden_counts_are_within_the_bars() {
    for (alloc, alloc_count, release, release_count) in &GOLDEN[..4] {
        for (name, golden, bar) in [(alloc, alloc_count, MALLOC_BAR), (release, release_count, FREE_BAR)] {
            assert!(golden.instructions <= bar.instructions && golden.branches <= bar.branches, "{name}");
        }
    }
}
