//! A daemon of our own for the time of a measurement, and its events as they come.

use std::ffi::{OsStr, OsString};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Stdio;

use anyhow::Context;
use carotid::api::{Event, Session};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{START, any_port};
use crate::args::Daemon;
use crate::operations::Operations;

/// This program once more.
pub(super) fn carotid() -> io::Result<Command> {
    Ok(owned(std::env::current_exe()?))
}

/// A program that is killed when it is dropped. A Ctrl-C is not for it: we end it ourselves.
pub(super) fn owned(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    command
}

/// A daemon for peers that are to die.
#[derive(Debug)]
pub(super) struct Scratch {
    /// Where it takes their beats.
    pub(super) rpc: SocketAddr,
    operations: Operations,
    sightings: watch::Receiver<Vec<Sighting>>,
    reading: JoinHandle<()>,
    daemon: Child,
    watch: Child,
}

/// An event, and when we heard of it.
#[derive(Debug)]
pub(super) struct Sighting {
    pub(super) at: Instant,
    pub(super) event: Event,
}

/// What `carotid serve` says of its listeners.
#[derive(Debug, Deserialize)]
struct Bound {
    rpc: SocketAddr,
    http: SocketAddr,
}

impl Scratch {
    /// Starts one that listens on this address.
    pub(super) async fn start(flags: &[OsString], listen: IpAddr) -> anyhow::Result<Self> {
        let http = any_port(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let mut daemon = carotid()?
            .args(["serve", "--data", "none"])
            .args(["--listen", &any_port(listen).to_string()])
            .args(["--http", &http.to_string()])
            .args(flags)
            .stderr(Stdio::piped())
            .spawn()?;
        let bound = bound(&mut daemon).await?;
        let operations = Operations::new(&Daemon {
            http: bound.http.to_string(),
        });
        let operations = operations.map_err(|_| anyhow::anyhow!("{} is no URL", bound.http))?;
        // Others follow events as this does.
        let mut watch = carotid()?
            .args(["watch", "--after", "0", "-o", "ndjson", "--http"])
            .arg(bound.http.to_string())
            .spawn()?;
        let lines = lines(&mut watch)?;
        let (sender, sightings) = watch::channel(Vec::new());
        Ok(Self {
            rpc: bound.rpc,
            operations,
            sightings,
            reading: tokio::spawn(read(lines, sender)),
            daemon,
            watch,
        })
    }

    /// Ends both processes.
    pub(super) async fn end(mut self) {
        for child in [&mut self.watch, &mut self.daemon] {
            // One that has ended by itself is just what is wanted.
            let _gone = child.kill().await;
        }
    }

    /// What was seen so far, and what will be.
    pub(super) fn sightings(&self) -> watch::Receiver<Vec<Sighting>> {
        self.sightings.clone()
    }

    /// How often the session of this name beat; never if there is none.
    pub(super) async fn beats(&self, name: &str) -> u32 {
        let path = ["api", "v1", "sessions", name];
        let session = self
            .operations
            .ask::<Session>(self.operations.get_segments(path));
        session.await.map_or(0, |session| session.beats)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

/// Waits for the line that says where a daemon listens.
async fn bound(daemon: &mut Child) -> anyhow::Result<Bound> {
    let mut lines = lines(daemon)?;
    let line = tokio::time::timeout(START, lines.next_line()).await;
    match line.context("it does not say where it listens")?? {
        Some(line) => Ok(serde_json::from_str(&line)?),
        None => {
            let mut said = String::new();
            if let Some(mut stderr) = daemon.stderr.take() {
                stderr.read_to_string(&mut said).await?;
            }
            Err(anyhow::anyhow!("{}", said.trim()))
        }
    }
}

fn lines(child: &mut Child) -> anyhow::Result<Lines<BufReader<ChildStdout>>> {
    let stdout = child.stdout.take().context("its output is not ours")?;
    Ok(BufReader::new(stdout).lines())
}

/// Notes each event as it comes.
async fn read(mut lines: Lines<BufReader<ChildStdout>>, sightings: watch::Sender<Vec<Sighting>>) {
    while let Ok(Some(line)) = lines.next_line().await {
        let at = Instant::now();
        if let Ok(event) = serde_json::from_str(&line) {
            sightings.send_modify(|all| all.push(Sighting { at, event }));
        }
    }
}
