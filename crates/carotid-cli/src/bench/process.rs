//! The server's process, if it is on this machine: which it is, what it uses.

mod sockets;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::net::sockopt::socket_peercred;

use super::target::Endpoint;
use sockets::{Socket, State};

/// Why nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unknown {
    #[error("the server is not on this machine")]
    Elsewhere,
    #[error("the server's process may not be seen: become its user or root, or give --server-pid")]
    Hidden,
    #[error("there is no process {pid}")]
    Gone { pid: u32 },
}

/// One process, or several that share a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Processes(Vec<u32>);

impl Processes {
    /// The process that somebody named.
    pub(super) fn named(pid: u32) -> Result<Self, Unknown> {
        if Path::new(&format!("/proc/{pid}")).exists() {
            Ok(Self(vec![pid]))
        } else {
            Err(Unknown::Gone { pid })
        }
    }

    /// Whoever listens there, before there is any connection.
    pub(super) fn listening(endpoint: &Endpoint) -> Result<Self, Unknown> {
        match endpoint {
            Endpoint::Tcp(server) => Self::holding(|socket| {
                let listens = socket.state == State::Listening;
                let port = socket.local.port() == server.port();
                let ip = socket.local.ip();
                listens && port && (ip == server.ip().to_canonical() || ip.is_unspecified())
            }),
            Endpoint::Unix(path) => {
                let peer = UnixStream::connect(path).and_then(|stream| {
                    let peer = socket_peercred(&stream)?;
                    Ok(peer.pid.as_raw_nonzero().get().unsigned_abs())
                });
                peer.map(|pid| Self(vec![pid])).map_err(|_| Unknown::Hidden)
            }
        }
    }

    /// Whoever has the other end of these connections of ours.
    pub(super) fn serving(server: SocketAddr, ours: &[SocketAddr]) -> Result<Self, Unknown> {
        let ours: BTreeSet<_> = ours.iter().map(canonical).collect();
        let server = canonical(&server);
        // Somebody else's connection to another server may come from a port of ours.
        Self::holding(|socket| socket.local == server && ours.contains(&socket.remote))
    }

    fn holding(wanted: impl Fn(&Socket) -> bool) -> Result<Self, Unknown> {
        let inodes = sockets::inodes(wanted);
        if inodes.is_empty() {
            return Err(Unknown::Elsewhere);
        }
        let holders = sockets::holders(&inodes);
        if holders.is_empty() {
            return Err(Unknown::Hidden);
        }
        Ok(Self(holders))
    }

    pub(super) fn ids(&self) -> &[u32] {
        &self.0
    }

    /// The name of the first, as `ps` shows it.
    pub(super) fn name(&self) -> String {
        let first = self.0.first().map(|pid| format!("/proc/{pid}/comm"));
        let name = first.and_then(|path| fs::read_to_string(path).ok());
        name.unwrap_or_default().trim().to_owned()
    }

    /// Processor time so far; none once one of them has ended.
    pub(super) fn cpu(&self) -> Option<Duration> {
        let all = self.0.iter().map(|pid| cpu(*pid).ok());
        all.sum::<Option<Duration>>()
    }

    /// Resident memory in bytes.
    pub(super) fn resident(&self) -> Option<u64> {
        self.0.iter().map(|pid| resident(*pid)).sum()
    }
}

/// An IPv4 address inside an IPv6 one is the former.
fn canonical(address: &SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Processor time of all threads, which the scheduler keeps to the nanosecond where it keeps it at all.
fn cpu(pid: u32) -> io::Result<Duration> {
    let mut total = Duration::ZERO;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end meanwhile.
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else {
            continue;
        };
        let running = text.split(' ').next().and_then(|first| first.parse().ok());
        total += Duration::from_nanos(running.unwrap_or(0));
    }
    if total.is_zero() {
        return ticks(pid);
    }
    Ok(total)
}

/// The same in hundredths of a second, from any kernel.
fn ticks(pid: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name may hold anything, so fields are counted from its end: user and system time are the
    // 14th and 15th of all.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let times = after_name.split_whitespace().skip(11).take(2);
    let ticks: u64 = times.filter_map(|time| time.parse::<u64>().ok()).sum();
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Ok(Duration::from_nanos(
        ticks.saturating_mul(1_000_000_000 / per_second),
    ))
}

fn resident(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = |line: &str| {
        line.strip_prefix("VmRSS:")?
            .trim()
            .strip_suffix(" kB")?
            .parse()
            .ok()
    };
    let kilobytes: u64 = status.lines().find_map(line)?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_server_is_found_by_its_listener_and_by_its_connections() {
        for address in ["127.0.0.1:0", "[::1]:0", "[::]:0"] {
            let Ok(listener) = TcpListener::bind(address) else {
                continue; // Not every machine has IPv6.
            };
            let mut server = listener.local_addr().unwrap();
            if server.ip().is_unspecified() {
                server.set_ip("127.0.0.1".parse().unwrap());
            }
            let me = Processes(vec![std::process::id()]);
            assert_eq!(Processes::listening(&Endpoint::Tcp(server)), Ok(me.clone()));
            let ours = TcpStream::connect(server).unwrap();
            let _theirs = listener.accept().unwrap();
            let ours = ours.local_addr().unwrap();
            assert_eq!(Processes::serving(server, &[ours]), Ok(me), "{address}");
        }
    }

    #[test]
    fn what_a_process_uses_is_known_in_both_ways() {
        let me = std::process::id();
        assert!(cpu(me).unwrap() > Duration::ZERO);
        assert!(ticks(me).is_ok());
        assert!(resident(me).unwrap() > 1 << 16);
        let gone = Unknown::Gone { pid: u32::MAX };
        assert_eq!(Processes::named(u32::MAX), Err(gone));
    }
}
