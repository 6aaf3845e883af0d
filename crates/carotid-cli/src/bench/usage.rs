//! What the server's process uses while it is under load.

use std::net::SocketAddr;
use std::time::Duration;

use super::clock::Moment;
use super::process::{Processes, Unknown};
use super::report::Used;
use super::target::Endpoint;
use crate::exit::Exit;

#[derive(Debug)]
pub(super) struct Usage {
    /// The server, unless its process is known for certain.
    unconfirmed: Option<SocketAddr>,
    processes: Result<Processes, Unknown>,
    /// Before the first connection.
    resident_before: Option<u64>,
    resident_after: Option<u64>,
    begun: Option<Look>,
    ended: Option<Look>,
}

#[derive(Clone, Copy, Debug)]
struct Look {
    at: Moment,
    cpu: Option<Duration>,
    replies: u64,
}

impl Usage {
    /// Looks for the server's process, or at the one that somebody named.
    pub(super) fn new(named: Option<u32>, endpoint: &Endpoint) -> Result<Self, Exit> {
        let processes = match named {
            None => Processes::listening(endpoint),
            Some(pid) => Ok(Processes::named(pid).map_err(|error| {
                Exit::settings(error).advise("Correct --server-pid, or leave it out.")
            })?),
        };
        let unconfirmed = match (named, endpoint) {
            (None, Endpoint::Tcp(server)) => Some(*server),
            (Some(_), _) | (None, Endpoint::Unix(_)) => None,
        };
        Ok(Self {
            unconfirmed,
            resident_before: resident(&processes),
            processes,
            resident_after: None,
            begun: None,
            ended: None,
        })
    }

    /// Looks again, now that there are connections: who listens need not be who serves.
    pub(super) fn find<'a>(&mut self, ours: impl Iterator<Item = &'a SocketAddr>) {
        let Some(server) = self.unconfirmed else {
            return;
        };
        let ours: Vec<_> = ours.copied().collect();
        let serving = Processes::serving(server, &ours);
        if serving != self.processes {
            self.resident_before = None;
        }
        self.processes = serving;
    }

    /// The measurement has begun; only the first time counts.
    pub(super) fn begin(&mut self, at: Moment, replies: u64) {
        if self.begun.is_none() {
            self.begun = Some(self.look(at, replies));
        }
    }

    /// The measurement has ended; only the first time counts.
    pub(super) fn end(&mut self, at: Moment, replies: u64) {
        if self.ended.is_none() {
            self.ended = Some(self.look(at, replies));
            self.resident_after = resident(&self.processes);
        }
    }

    pub(super) fn used(self) -> Result<Used, String> {
        let processes = self.processes.map_err(|why| why.to_string())?;
        let looks = self.begun.zip(self.ended);
        let cpu = looks.and_then(|(begun, ended)| {
            let spent = ended.cpu?.saturating_sub(begun.cpu?);
            let replies = ended.replies.saturating_sub(begun.replies);
            Some((spent, replies, ended.at.since(begun.at)))
        });
        Ok(Used {
            processes,
            cpu,
            resident_before: self.resident_before,
            resident_after: self.resident_after,
        })
    }

    fn look(&self, at: Moment, replies: u64) -> Look {
        let processes = self.processes.as_ref().ok();
        Look {
            at,
            cpu: processes.and_then(Processes::cpu),
            replies,
        }
    }
}

fn resident(processes: &Result<Processes, Unknown>) -> Option<u64> {
    processes.as_ref().ok()?.resident()
}
