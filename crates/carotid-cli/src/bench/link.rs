//! One connection: it sends pings while it may, and hands out the answers.

use std::io::{self, ErrorKind, Read, Write};

use super::clock::Moment;
use super::flight::Flight;
use super::opening::Opening;
use super::plan::Plan;
use super::tally::{Counters, Fault};
use super::target::Stream;
use super::wire::{NoReply, Replies, Request, Said};

/// What is kept of a server's first words, until they turn out to be a reply.
const FIRST_WORDS: usize = 80;

#[derive(Debug)]
pub(super) struct Link {
    /// None while it is not connected, and once it is lost.
    stream: Option<Stream>,
    replies: Replies,
    requests: Box<[Request]>,
    next_request: usize,
    flight: Flight,
    /// What the kernel did not take yet.
    unsent: Vec<u8>,
    /// Pings sent on this connection so far.
    pub(super) issued: u64,
    /// How many of them may have been.
    pub(super) allowed: u64,
    /// Its number among all connections.
    pub(super) connection: usize,
    /// What came before the first reply was whole.
    first_words: Vec<u8>,
    has_replied: bool,
    /// The exchange before the stream, while it lasts.
    opening: Option<Opening>,
}

/// An answer that has come.
#[derive(Debug)]
pub(super) struct Landed {
    pub(super) now: Moment,
    /// When its ping was due; none if there was no such ping.
    pub(super) due: Option<Moment>,
    pub(super) said: Said,
}

/// Why a connection cannot be used any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    #[error("the server closed the connection")]
    Closed,
    #[error("{0}")]
    Broken(#[from] io::Error),
    #[error("{0}")]
    NotNetRpc(#[from] NoReply),
}

impl Lost {
    pub(super) const fn fault(&self) -> Fault {
        match self {
            Self::Closed => Fault::Closed,
            Self::Broken(_) => Fault::Broken,
            Self::NotNetRpc(_) => Fault::NotNetRpc,
        }
    }
}

impl Link {
    pub(super) fn new(plan: &Plan, connection: usize) -> Self {
        Self {
            stream: None,
            replies: plan.wording.protocol.replies(),
            requests: plan.wording.requests(connection, plan.names),
            next_request: 0,
            flight: Flight::new(plan.in_flight),
            unsent: Vec::new(),
            issued: 0,
            allowed: 0,
            connection,
            first_words: Vec::new(),
            has_replied: false,
            opening: None,
        }
    }

    pub(super) const fn stream(&self) -> Option<&Stream> {
        self.stream.as_ref()
    }

    pub(super) const fn is_up(&self) -> bool {
        self.stream.is_some()
    }

    pub(super) const fn flight(&self) -> &Flight {
        &self.flight
    }

    /// The names that it has beaten, by their numbers.
    pub(super) fn beaten(&self) -> usize {
        usize::try_from(self.issued).map_or(self.requests.len(), |issued| {
            issued.min(self.requests.len())
        })
    }

    pub(super) fn first_words(&self) -> &[u8] {
        &self.first_words
    }

    /// Begins anew on this stream.
    pub(super) fn attach(&mut self, stream: Stream, plan: &Plan) {
        self.replies = plan.wording.protocol.replies();
        self.flight.abandon();
        self.unsent.clear();
        (self.issued, self.next_request) = (0, 0);
        self.first_words.clear();
        self.has_replied = false;
        self.opening = plan.wording.request.as_ref().map(|_| Opening::default());
        self.stream = Some(stream);
    }

    /// Gives the connection up; how many pings had no answer yet.
    pub(super) fn lose(&mut self) -> u64 {
        self.stream = None;
        self.unsent = Vec::new();
        self.flight.abandon() as u64
    }

    /// Sends as many pings as may be, in one write; `due` says when each of them was due.
    pub(super) fn pump(
        &mut self,
        plan: &Plan,
        out: &mut Vec<u8>,
        counters: &mut Counters,
        mut due: impl FnMut(u64) -> Moment,
    ) -> Result<(), Lost> {
        out.clear();
        if self.stream.is_none() {
            return Ok(());
        }
        if let Some(opening) = &mut self.opening {
            let request = plan
                .wording
                .request
                .as_deref()
                .filter(|_| opening.must_ask());
            return self.send(request.unwrap_or_default(), counters);
        }
        while self.issued < self.allowed && !self.flight.is_full() {
            let Some(number) = self.flight.launch(due(self.issued)) else {
                break;
            };
            if self.issued == 0 {
                out.extend_from_slice(plan.wording.protocol.preamble());
            }
            self.requests[self.next_request].put(out, number);
            self.next_request += 1;
            if self.next_request == self.requests.len() {
                self.next_request = 0;
            }
            self.issued += 1;
            counters.sent += 1;
        }
        self.send(out, counters)
    }

    /// Sends these bytes after all that the kernel did not take yet.
    pub(super) fn send(&mut self, out: &[u8], counters: &mut Counters) -> Result<(), Lost> {
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        if self.unsent.is_empty() {
            let taken = write(stream, out)?;
            self.unsent.extend_from_slice(&out[taken..]);
            counters.bytes_out += taken as u64;
        } else {
            self.unsent.extend_from_slice(out);
            let taken = write(stream, &self.unsent)?;
            self.unsent.drain(..taken);
            counters.bytes_out += taken as u64;
        }
        Ok(())
    }

    /// Reads what has come, and hands out the answers in it.
    ///
    /// Readiness is told once, so everything is read: a read that does not fill the buffer was the
    /// last, unless the end of the stream has been announced.
    pub(super) fn receive(
        &mut self,
        input: &mut [u8],
        ends: bool,
        bytes_in: &mut u64,
        mut on_landed: impl FnMut(Landed),
    ) -> Result<(), Lost> {
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        loop {
            let read = match stream.read(input) {
                Ok(0) => return Err(Lost::Closed),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let now = Moment::now();
            *bytes_in += read as u64;
            let mut rest = &input[..read];
            if !self.has_replied {
                let kept = FIRST_WORDS.saturating_sub(self.first_words.len());
                self.first_words.extend(rest.iter().take(kept));
            }
            if let Some(opening) = &mut self.opening
                && opening.take(&mut rest)?
            {
                self.opening = None;
            }
            while let Some(reply) = self.replies.poll(&mut rest)? {
                self.has_replied = true;
                on_landed(Landed {
                    now,
                    due: self.flight.land(reply.number),
                    said: reply.said,
                });
            }
            if read < input.len() && !ends {
                return Ok(());
            }
        }
    }
}

fn write(stream: &mut Stream, bytes: &[u8]) -> io::Result<usize> {
    let mut taken = 0;
    while taken < bytes.len() {
        match stream.write(&bytes[taken..]) {
            Ok(count) => taken += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(taken)
}
