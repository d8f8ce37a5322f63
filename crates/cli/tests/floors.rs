//! What the library costs a program that hardly uses it: memory, address space, bytes on disk.
//!
//! Sizes are asserted; the time that it adds to the start of a program is printed. Resident pages of files vary a little
//! from run to run, as the kernel maps what lies around; medians do not.

mod support;

use nix::sys::ptrace::{self, Event, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::{compile, library, preloaded, run, text};

const KIB_OF_MIB: i64 = 1024;

/// The highest resident size and address space of a program, in KiB, when it ends.
#[derive(Clone, Copy, Debug)]
struct Peak {
    resident: i64,
    space: i64,
}

fn peak(mut command: Command) -> Peak {
    // SAFETY: one system call between fork and exec.
    let mut child =
        unsafe { command.stdout(Stdio::null()).pre_exec(|| Ok(ptrace::traceme()?)) }.spawn().unwrap();
    let pid = Pid::from_raw(child.id() as i32);
    assert!(matches!(waitpid(pid, None), Ok(WaitStatus::Stopped(_, Signal::SIGTRAP))));
    ptrace::setoptions(pid, Options::PTRACE_O_TRACEEXIT).unwrap();
    ptrace::cont(pid, None).unwrap();
    let end = waitpid(pid, None).unwrap();
    assert!(matches!(end, WaitStatus::PtraceEvent(_, _, event) if event == Event::PTRACE_EVENT_EXIT as i32));
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    };
    let peak = Peak { resident: field("VmHWM:"), space: field("VmPeak:") };
    ptrace::cont(pid, None).unwrap();
    assert!(child.wait().unwrap().success());
    peak
}

fn median<T: Ord + Copy>(mut all: Vec<T>) -> T {
    all.sort_unstable();
    all[all.len() / 2]
}

/// The median of some runs.
fn peaks(command: impl Fn() -> Command) -> Peak {
    let all: Vec<Peak> = (0..15).map(|_| peak(command())).collect();
    Peak {
        resident: median(all.iter().map(|peak| peak.resident).collect()),
        space: median(all.iter().map(|peak| peak.space).collect()),
    }
}

/// Resident size and address space before and after, in KiB.
fn threads(command: &mut Command, mode: &str, count: usize) -> [i64; 4] {
    let output = text(&run(command.args([mode, &count.to_string()])).stdout);
    let numbers: Vec<i64> = output.split_whitespace().map(|n| n.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

#[test]
fn a_program_that_does_nothing_gains_little() {
    let (plain, with) = (peaks(|| Command::new("/bin/true")), peaks(|| preloaded("/bin/true")));
    let (resident, space) = (with.resident - plain.resident, with.space - plain.space);
    println!("true: {resident} KiB resident, {space} KiB of address space");
    assert!(resident <= 300, "{resident} KiB resident: {plain:?}, {with:?}");
    assert!(space <= 256 * KIB_OF_MIB, "{space} KiB of address space");
}

#[test]
fn a_program_that_allocates_takes_no_more_address_space_than_that() {
    let space = peaks(|| preloaded("ls")).space - peaks(|| Command::new("ls")).space;
    println!("ls: {space} KiB of address space");
    assert!(space <= 256 * KIB_OF_MIB, "{space} KiB of address space");
}

#[test]
fn an_idle_thread_that_allocated_a_little_keeps_little() {
    const COUNT: usize = 1000;
    let program = compile("threads");
    let [before, after, ..] = threads(&mut Command::new(&program), "plain", COUNT);
    let [before_little, after_little, ..] = threads(&mut preloaded(&program), "little", COUNT);
    let kept = ((after_little - before_little) - (after - before)) as f64 / COUNT as f64;
    println!("thread: {kept:.1} KiB more than a thread that allocates nothing without the library");
    assert!(kept <= 32.0, "{kept:.1} KiB a thread");
}

#[test]
fn ten_thousand_threads_in_turn_leave_no_growth() {
    let [resident, resident_then, space, space_then] =
        threads(&mut preloaded(compile("threads")), "turns", 10_000);
    assert!(resident_then - resident <= 64, "resident: {resident} KiB, then {resident_then}");
    assert!(space_then - space <= 64, "address space: {space} KiB, then {space_then}");
}

#[test]
fn the_library_is_small() {
    let stripped =
        std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("stripped-{}", std::process::id()));
    run(Command::new("strip").arg("-o").arg(&stripped).arg(library()));
    let bytes = std::fs::metadata(&stripped).unwrap().len();
    println!("libgort.so: {bytes} bytes when stripped");
    std::fs::remove_file(stripped).unwrap();
    assert!(bytes < 1 << 20, "{bytes} bytes");
}

#[test]
fn the_start_of_a_program_is_timed() {
    let start = |mut command: Command| {
        let now = Instant::now();
        assert!(command.status().unwrap().success());
        now.elapsed()
    };
    let (mut plain, mut with): (Vec<Duration>, Vec<Duration>) = (Vec::new(), Vec::new());
    for _ in 0..100 {
        plain.push(start(Command::new("/bin/true")));
        with.push(start(preloaded("/bin/true")));
    }
    println!("start of true: {:?}, with the library {:?}", median(plain), median(with));
}
