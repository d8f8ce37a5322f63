//! The machine that the figures hold for.

use std::fmt;
use std::fs;

/// What a reader must know to read the figures.
pub(crate) struct Machine {
    cpu: String,
    cores: usize,
    memory_gb: u64,
    kernel: String,
    libc: String,
    huge_pages: String,
    load: String,
}

impl Machine {
    pub(crate) fn look() -> Self {
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cpus = text("/proc/cpuinfo");
        let field = |name: &str| {
            cpus.lines().find(|l| l.starts_with(name)).and_then(|l| l.split(": ").nth(1)).unwrap_or("?")
        };
        let family =
            format!("{} (family {}, model {})", field("model name"), field("cpu family"), field("model\t"));
        let memory = text("/proc/meminfo");
        let memory_kb: u64 = memory.split_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(0);
        let huge = text("/sys/kernel/mm/transparent_hugepage/enabled");
        let chosen = huge.split(['[', ']']).nth(1).unwrap_or("?");
        Self {
            cpu: family,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gb: (memory_kb + (1 << 19)) >> 20,
            kernel: text("/proc/sys/kernel/osrelease").trim().to_owned(),
            libc: libc_version(),
            huge_pages: chosen.to_owned(),
            load: text("/proc/loadavg").split_whitespace().next().unwrap_or("?").to_owned(),
        }
    }
}

fn libc_version() -> String {
    let done = crate::run::Cmd::new("getconf").arg("GNU_LIBC_VERSION").run();
    done.map_or_else(|_| "?".to_owned(), |done| done.text())
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} cores, {} GB; ", self.cpu, self.cores, self.memory_gb)?;
        write!(f, "Linux {}, {}, transparent huge pages: {}; ", self.kernel, self.libc, self.huge_pages)?;
        write!(f, "load at the start {}", self.load)
    }
}
