//! A server under measurement: its own process, its address, what it used.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};

/// A running server; ends when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    /// Where it answers over HTTP, if it does.
    http: Option<SocketAddr>,
}

impl Server {
    /// Starts a program that says `{"rpc":"ADDR"}` on its first line.
    ///
    /// What it logs goes nowhere, as with a log collector that costs nothing.
    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Self> {
        let name = command.get_program().display().to_string();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let output = child.stdout.take().expect("stdout was asked to be a pipe");
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        match address_in(&line, "rpc") {
            Some(address) => Ok(Self {
                child,
                address,
                http: address_in(&line, "http"),
            }),
            None => {
                child.kill()?;
                child.wait()?;
                bail!("{name} did not say where it listens: {line:?}")
            }
        }
    }

    /// Where it serves RPC.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Processor time of all its threads so far.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        cpu(self.child.id())
    }

    /// Resident memory in bytes.
    pub(crate) fn resident(&self) -> anyhow::Result<u64> {
        resident(&self.child.id().to_string())
    }

    /// Resident memory in bytes that is not a part of a file: heap and stacks.
    pub(crate) fn anonymous(&self) -> anyhow::Result<u64> {
        bytes_in_status(&self.child.id().to_string(), "RssAnon:")
    }

    /// How many files and sockets it has open.
    pub(crate) fn descriptors(&self) -> anyhow::Result<usize> {
        let folder = format!("/proc/{}/fd", self.child.id());
        // Linux 6.2 and later tell the count as the folder's size, without a list of thousands.
        Ok(match fs::metadata(&folder)?.len() {
            0 => fs::read_dir(&folder)?.count(),
            count => usize::try_from(count)?,
        })
    }

    /// What it answers over HTTP, as JSON.
    pub(crate) fn ask(&self, path: &str) -> anyhow::Result<serde_json::Value> {
        let address = self.http.context("the server has no HTTP address")?;
        let mut stream = TcpStream::connect(address)?;
        // Version 1.0 closes the connection after the answer, which has no other end then.
        stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body);
        serde_json::from_str(body.context("no answer over HTTP")?).context("an answer without JSON")
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn end(mut self) -> anyhow::Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let status = self.child.wait()?;
        if !status.success() {
            bail!("the server ended with {status}");
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended on its own; either way there is nothing left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Processor time of all threads of a process so far.
pub(crate) fn cpu(process: u32) -> anyhow::Result<Duration> {
    let mut total = Duration::ZERO;
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        total += running_time(&task?.path().join("schedstat"))?;
    }
    Ok(total)
}

/// Processor time of this thread so far.
pub(crate) fn thread_cpu() -> anyhow::Result<Duration> {
    running_time(Path::new("/proc/thread-self/schedstat"))
}

/// Processor time in a schedstat of the kernel's.
pub(crate) fn running_time(schedstat: &Path) -> anyhow::Result<Duration> {
    let text = fs::read_to_string(schedstat).context("this kernel keeps no schedstat")?;
    let running = text.split(' ').next().context("schedstat is empty")?;
    Ok(Duration::from_nanos(running.parse()?))
}

/// Resident memory, in bytes, of a process given by id, or of `self`.
pub(crate) fn resident(process: &str) -> anyhow::Result<u64> {
    bytes_in_status(process, "VmRSS:")
}

fn bytes_in_status(process: &str, field: &'static str) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.trim().strip_suffix(" kB"))
        .with_context(|| format!("no {field} in the process's status"))?;
    Ok(kilobytes.parse::<u64>()? * 1024)
}

fn address_in(line: &str, of: &str) -> Option<SocketAddr> {
    let said: serde_json::Value = serde_json::from_str(line).ok()?;
    said.get(of)?.as_str()?.parse().ok()
}
