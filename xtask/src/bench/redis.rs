//! What people do without carotid: a Redis key with an expiry for each session, set anew by each beat.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};

use super::process;
use crate::clock::{Stopwatch, settle};
use crate::tools;

/// Commands written before their answers are read.
const PIPELINE: u32 = 500;

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(10);

/// Its answer to `SET`, and to `EXPIRE` of a key that is there.
const SET: &[u8] = b"+OK\r\n";
const EXPIRED: &[u8] = b":1\r\n";

/// What it takes.
#[derive(Debug)]
pub(crate) struct Redis {
    pub(crate) bytes_per_key: f64,
    /// Processor time of the server for one `EXPIRE`, its parsing and answer included.
    pub(crate) touch_ns: f64,
}

/// Starts a Redis of its own, on a socket in a temporary folder, and fills it. `None` without Redis.
pub(crate) fn measure(keys: u32) -> anyhow::Result<Option<Redis>> {
    if !tools::find_or_install_redis() {
        eprintln!("no Redis to compare with: install redis-server");
        return Ok(None);
    }
    let folder = tempfile::tempdir()?;
    let socket = folder.path().join("redis");
    let server = Server::start(&socket)?;
    let mut stream = server.connect(&socket)?;
    let resident = || process::resident(&server.0.id().to_string());

    let before = resident()?;
    send(&mut stream, keys, SET, |text, number| {
        write!(text, "SET bench/{number:08} 1 EX 3600\r\n")
    })?;
    let bytes = resident()?.saturating_sub(before);

    let spent = process::cpu(server.0.id())?;
    // A stride that shares no factor with the count visits all of them, far from each other.
    send(&mut stream, keys, EXPIRED, |text, number| {
        let far = u64::from(number) * 611_953 % u64::from(keys);
        write!(text, "EXPIRE bench/{far:08} 3600\r\n")
    })?;
    let spent = process::cpu(server.0.id())?.saturating_sub(spent);
    Ok(Some(Redis {
        bytes_per_key: bytes as f64 / f64::from(keys),
        touch_ns: spent.as_secs_f64() * 1e9 / f64::from(keys),
    }))
}

/// Sends a command for each number, and checks each answer.
fn send(
    stream: &mut UnixStream,
    count: u32,
    answer: &[u8],
    command: impl Fn(&mut String, u32) -> std::fmt::Result,
) -> anyhow::Result<()> {
    let mut answers = vec![0; answer.len() * PIPELINE as usize];
    let mut text = String::new();
    for first in (0..count).step_by(PIPELINE as usize) {
        text.clear();
        let numbers = first..count.min(first + PIPELINE);
        let answers = &mut answers[..answer.len() * numbers.len()];
        for number in numbers {
            command(&mut text, number)?;
        }
        stream.write_all(text.as_bytes())?;
        stream.read_exact(answers)?;
        if answers.chunks(answer.len()).any(|one| one != answer) {
            bail!("Redis answered {:?}", String::from_utf8_lossy(answers));
        }
    }
    Ok(())
}

/// A Redis that keeps nothing on disk; ends when dropped.
struct Server(Child);

impl Server {
    fn start(socket: &Path) -> anyhow::Result<Self> {
        Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no"])
            .arg("--unixsocket")
            .arg(socket)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map(Self)
            .context("cannot start redis-server")
    }

    /// Connects, as soon as it listens.
    fn connect(&self, socket: &Path) -> anyhow::Result<UnixStream> {
        let waited = Stopwatch::start();
        loop {
            match UnixStream::connect(socket) {
                Ok(stream) => return Ok(stream),
                Err(error) if waited.elapsed() > PATIENCE => {
                    return Err(error).context("redis-server does not answer");
                }
                Err(_) => settle(Duration::from_millis(10)),
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended on its own; either way there is nothing left to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
