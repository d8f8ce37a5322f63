//! Child processes: captured output, a time limit that holds for the whole process group, and parallel work.
//!
//! Output goes to unnamed files rather than pipes, so that a stray background process which inherited them cannot
//! keep the runner waiting.

use anyhow::{Context as _, Result};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

/// How long a command may take when nothing else is said.
const DEFAULT_LIMIT: Duration = Duration::from_secs(300);

/// How the variables begin that cargo or the caller set for itself and a child must not see.
const HIDDEN: [&str; 5] = ["LD_PRELOAD", "LD_LIBRARY_PATH", "MALLOC_", "GORT_", "CARGO_MANIFEST_DIR"];

/// A command to be run to its end.
#[derive(Clone)]
pub(crate) struct Cmd {
    program: OsString,
    args: Vec<OsString>,
    envs: Vec<(OsString, OsString)>,
    dir: Option<PathBuf>,
    stdin: Option<PathBuf>,
    limit: Duration,
    own_group: bool,
}

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// By exit, with this status.
    Status(i32),
    /// By this signal.
    Signal(i32),
    /// By the time limit.
    Timeout,
}

/// What a command left behind.
pub(crate) struct Done {
    pub(crate) end: End,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Cmd {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let program = program.as_ref().to_owned();
        Self {
            program,
            args: vec![],
            envs: vec![],
            dir: None,
            stdin: None,
            limit: DEFAULT_LIMIT,
            own_group: true,
        }
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    pub(crate) fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.envs.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    pub(crate) fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.dir = Some(dir.as_ref().to_owned());
        self
    }

    /// The time after which the command and its process group are killed.
    pub(crate) const fn limit(mut self, seconds: u64) -> Self {
        self.limit = Duration::from_secs(seconds);
        self
    }

    /// Stays in our process group, so that an interrupt from the keyboard ends it, too. Its time limit ends it alone.
    pub(crate) const fn in_our_group(mut self) -> Self {
        self.own_group = false;
        self
    }

    /// The command as one would type it.
    pub(crate) fn line(&self) -> String {
        let envs = self.envs.iter().map(|(n, v)| format!("{}={}", n.display(), quoted(v)));
        let words = std::iter::once(&self.program).chain(&self.args).map(|w| quoted(w));
        envs.chain(words).collect::<Vec<_>>().join(" ")
    }

    /// Runs the command to its end, or to its time limit. Errors only when it cannot be started.
    pub(crate) fn run(&self) -> Result<Done> {
        let (mut stdout, mut stderr) = (scratch_file()?, scratch_file()?);
        let mut command = Command::new(&self.program);
        command.args(&self.args);
        if self.own_group {
            command.process_group(0);
        }
        for (name, _) in std::env::vars_os() {
            if HIDDEN.iter().any(|hidden| name.as_encoded_bytes().starts_with(hidden.as_bytes())) {
                command.env_remove(name);
            }
        }
        command.envs(self.envs.iter().map(|(n, v)| (n, v)));
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        command.stdin(match &self.stdin {
            Some(path) => File::open(path).with_context(|| path.display().to_string())?.into(),
            None => Stdio::null(),
        });
        command.stdout(stdout.try_clone()?).stderr(stderr.try_clone()?);
        let child =
            start(&mut command).with_context(|| format!("cannot start {}", self.program.display()))?;
        let end = wait(child, self.limit, self.own_group)?;
        Ok(Done { end, stdout: contents(&mut stdout)?, stderr: contents(&mut stderr)? })
    }

    /// Runs the command and errors, with its output, unless it succeeds.
    pub(crate) fn ok(&self) -> Result<Done> {
        let done = self.run()?;
        anyhow::ensure!(done.succeeded(), "{}: {}\n{}", self.line(), done.end, done.text());
        Ok(done)
    }
}

/// Starts a command. A program that was just written can be busy for a moment: another thread of ours, between its fork
/// and its exec, holds the file that the compiler wrote.
fn start(command: &mut Command) -> std::io::Result<Child> {
    for _ in 0..100 {
        match command.spawn() {
            Err(e) if e.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            other => return other,
        }
    }
    command.spawn()
}

impl Done {
    pub(crate) fn succeeded(&self) -> bool {
        self.end == End::Status(0)
    }

    /// Both streams, for a reader.
    pub(crate) fn text(&self) -> String {
        let (out, err) = (String::from_utf8_lossy(&self.stdout), String::from_utf8_lossy(&self.stderr));
        [out.trim_end(), err.trim_end()].into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join("\n")
    }
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => write!(f, "exit status {status}"),
            Self::Signal(signal) => write!(f, "killed by signal {signal}"),
            Self::Timeout => write!(f, "took too long"),
        }
    }
}

/// Waits on a thread of its own, so that the time limit needs no polling.
fn wait(mut child: Child, limit: Duration, own_group: bool) -> Result<End> {
    let id = child.id();
    let target = if own_group { format!("-{id}") } else { id.to_string() };
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || _ = sender.send(child.wait()));
    if let Ok(status) = receiver.recv_timeout(limit) {
        return Ok(end_of(status?));
    }
    Command::new("kill").args(["-KILL", "--", &target]).stderr(Stdio::null()).status()?;
    receiver.recv()??;
    Ok(End::Timeout)
}

fn end_of(status: ExitStatus) -> End {
    status.code().map_or_else(|| End::Signal(status.signal().unwrap_or(0)), End::Status)
}

/// A file for reading and writing that has no name any more.
fn scratch_file() -> Result<File> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("gort-xtask-{}-{number}", std::process::id()));
    let file = File::options().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

fn contents(file: &mut File) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=+:,%@".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.into_owned() } else { format!("'{word}'") }
}

/// Whether a program is found in `PATH`.
pub(crate) fn found(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}

/// The path of Python itself, where `python3` is a script that looks for one.
pub(crate) fn python() -> String {
    let asked = Cmd::new("python3").args(["-c", "import sys; print(sys.executable)"]).run();
    let path = asked.map(|done| String::from_utf8_lossy(&done.stdout).trim().to_owned()).unwrap_or_default();
    if PathBuf::from(&path).is_file() { path } else { "python3".into() }
}

/// Runs `work` for all items on as many threads as there are processors; results come in the items' order.
pub(crate) fn parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(items.len().max(1));
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { return };
                    let result = work(item);
                    results.lock().expect("a worker panicked").push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("a worker panicked");
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Seconds since `start`, for a reader.
pub(crate) fn seconds(start: Instant) -> String {
    format!("{:.1} s", start.elapsed().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_both_streams_and_the_status() {
        let done = Cmd::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]).run().unwrap();
        assert_eq!((done.end, done.text().as_str()), (End::Status(3), "out\nerr"));
    }

    #[test]
    fn kills_the_whole_group_at_the_limit() {
        let done = Cmd::new("sh").args(["-c", "sleep 100 & sleep 100"]).limit(1).run().unwrap();
        assert_eq!(done.end, End::Timeout);
    }

    #[test]
    fn reports_a_signal() {
        assert_eq!(Cmd::new("sh").args(["-c", "kill -9 $$"]).run().unwrap().end, End::Signal(9));
    }

    #[test]
    fn parallel_keeps_the_order() {
        let items: Vec<u32> = (0..100).collect();
        assert_eq!(parallel(&items, |i| i * 2), items.iter().map(|i| i * 2).collect::<Vec<_>>());
    }
}
