//! The process as the system sees it, under the names that Prometheus's own clients use. Linux tells in
//! `/proc`; elsewhere there is nothing to tell.

use std::fmt;

use super::exposition::{Exposition, Metric, metric, seconds};

const CPU: Metric = seconds("process_cpu", "Processor time, user and system.");
const RESIDENT: Metric = metric("process_resident_memory_bytes", "Memory that is resident.");
const VIRTUAL: Metric = metric("process_virtual_memory_bytes", "Memory that is mapped.");
const OPEN_FDS: Metric = metric("process_open_fds", "File descriptors that are open.");
const MAX_FDS: Metric = metric("process_max_fds", "File descriptors that may be open.");
const START: Metric = seconds(
    "process_start_time",
    "When the process started, in seconds since 1970.",
);
const THREADS: Metric = metric("process_threads", "Threads.");

/// What the system knows of this process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Process {
    cpu_seconds: f64,
    resident_bytes: u64,
    virtual_bytes: u64,
    open_fds: u64,
    /// `None` is without a limit.
    max_fds: Option<u64>,
    started_at: f64,
    threads: u64,
}

impl Process {
    pub(super) fn write(self, to: &mut Exposition<'_>) -> fmt::Result {
        to.counter(CPU, self.cpu_seconds)?;
        to.gauge(RESIDENT, self.resident_bytes)?;
        to.gauge(VIRTUAL, self.virtual_bytes)?;
        to.gauge(OPEN_FDS, self.open_fds)?;
        if let Some(max_fds) = self.max_fds {
            to.gauge(MAX_FDS, max_fds)?;
        }
        to.gauge(START, self.started_at)?;
        to.gauge(THREADS, self.threads)
    }
}

#[cfg(not(target_os = "linux"))]
impl Process {
    pub(super) const fn read() -> Option<Self> {
        None
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;

    use rustix::param::clock_ticks_per_second;
    use rustix::process::{Resource, getrlimit};
    use rustix::time::{ClockId, clock_gettime};

    use super::Process;

    impl Process {
        /// `None` where `/proc` is not there, or not as proc(5) has it.
        pub(in super::super) fn read() -> Option<Self> {
            let status = fs::read_to_string("/proc/self/status").ok()?;
            let cpu = clock_gettime(ClockId::ProcessCPUTime);
            Some(Self {
                cpu_seconds: seconds(cpu),
                resident_bytes: 1024 * field(&status, "VmRSS:")?,
                virtual_bytes: 1024 * field(&status, "VmSize:")?,
                // The one that is open for looking is not counted.
                open_fds: (fs::read_dir("/proc/self/fd").ok()?.count() as u64).saturating_sub(1),
                max_fds: getrlimit(Resource::Nofile).current,
                started_at: started_at()?,
                threads: field(&status, "Threads:")?,
            })
        }
    }

    /// A number of `/proc/self/status`.
    fn field(status: &str, name: &str) -> Option<u64> {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    /// Seconds from 1970 to the start of this process.
    fn started_at() -> Option<f64> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The second field is the program's name, which may contain anything.
        let (_, after_name) = stat.rsplit_once(')')?;
        let ticks: f64 = after_name.split_whitespace().nth(19)?.parse().ok()?;
        let machine = fs::read_to_string("/proc/stat").ok()?;
        let booted: f64 = machine
            .lines()
            .find_map(|line| line.strip_prefix("btime "))?
            .trim()
            .parse()
            .ok()?;
        #[expect(
            clippy::cast_precision_loss,
            reason = "there are about a hundred in a second"
        )]
        let per_second = clock_ticks_per_second() as f64;
        Some(booted + ticks / per_second)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "no process has used that much processor time"
    )]
    fn seconds(time: rustix::time::Timespec) -> f64 {
        time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
    }
}
