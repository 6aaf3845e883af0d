//! The loop behind a client: connect, beat, wait, connect again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::counters::Tally;
use super::line::Line;
use super::link::{Link, LinkError};
use super::progress::{Watch, look_every};
use super::{ClientConfig, ClientState};

#[derive(Debug)]
pub(super) struct Beating {
    config: ClientConfig,
    watch: Watch,
    backoff: Backoff,
    shown: Shown,
    goodbye: CancellationToken,
    /// The last of the servers that knew of the session.
    introduced: Option<usize>,
    /// Over how long the server of the connection that was lost spreads its peers.
    slots: Duration,
    /// The server that fell silent a moment ago.
    silent: Option<usize>,
}

/// What the loop shows to the client it belongs to.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) line: watch::Sender<Option<Arc<Line>>>,
    pub(super) state: watch::Sender<ClientState>,
    pub(super) tally: Arc<Tally>,
}

impl Beating {
    pub(super) fn new(
        config: ClientConfig,
        watch: Watch,
        shown: Shown,
        goodbye: CancellationToken,
    ) -> Self {
        Self {
            backoff: Backoff::new(config.min_backoff, config.max_backoff),
            config,
            watch,
            shown,
            goodbye,
            introduced: None,
            slots: Duration::ZERO,
            silent: None,
        }
    }

    /// Runs until the goodbye.
    pub(super) async fn run(mut self) {
        while let Err(error) = self.round().await {
            if self.goodbye.is_cancelled() {
                tracing::debug!(%error, "the goodbye was not heard");
                break;
            }
            let slots = std::mem::take(&mut self.slots);
            let draw = |most| rand::random_range(Duration::ZERO..=most);
            let retry_in = self.backoff.next(slots, draw);
            tracing::debug!(%error, ?retry_in, "connection failed");
            self.show(ClientState::Waiting { error, retry_in });
            let wait = tokio::time::sleep(retry_in);
            let waited = self.goodbye.run_until_cancelled(wait).await;
            // A server that knows the session is told once more, without waiting any longer.
            if waited.is_none() && self.introduced.is_none() {
                break;
            }
        }
        self.show(ClientState::Closed);
    }

    fn show(&self, state: ClientState) {
        self.shown.state.send_replace(state);
    }

    /// Tries the servers until one can be reached, and stays with it to the connection's failure or
    /// to the goodbye. An introduction under way is finished first: the server may know of it already.
    async fn round(&mut self) -> Result<(), Arc<LinkError>> {
        let order: Vec<usize> = match self.introduced {
            // A goodbye is for the server that knows the session.
            Some(index) if self.goodbye.is_cancelled() => vec![index],
            _ => order(self.config.addresses.len(), self.silent.take()).collect(),
        };
        let mut failures = Vec::new();
        for index in order {
            self.show(ClientState::Connecting);
            let address = &self.config.addresses[index];
            let tally = Arc::clone(&self.shown.tally);
            match Link::connect(&self.config, address, tally).await {
                Ok(link) => return self.stay(index, link).await,
                Err(error) => failures.push(error),
            }
            if self.goodbye.is_cancelled() {
                break;
            }
        }
        Err(match failures.pop() {
            Some(only) if failures.is_empty() => only,
            last => {
                failures.extend(last);
                Arc::new(LinkError::Everywhere(failures))
            }
        })
    }

    /// One connection from its introduction to its failure, or to the goodbye.
    async fn stay(&mut self, index: usize, mut link: Link) -> Result<(), Arc<LinkError>> {
        self.shown.tally.connections.one_more();
        if self.introduced.is_some_and(|before| before != index) {
            self.shown.tally.failovers.one_more();
        }
        self.introduced = Some(index);
        self.slots = link.granted.spread;
        // A server that comes back after a restart waits for one timeout: several tries must fit in.
        self.backoff.limit(link.granted.terms.timeout() / 4);
        self.shown.line.send_replace(Some(Arc::clone(&link.line)));
        let beaten = self.beat(&mut link).await;
        self.shown.line.send_replace(None);
        if let Err(error) = beaten {
            self.silent = error.is_silence().then_some(index);
            // Calls hold the line, too: without this they would wait for a reply until their timeouts.
            return Err(link.line.end(error));
        }
        link.leave(&self.config).await;
        Ok(())
    }

    /// Beats until the goodbye; an error is the end of the connection.
    async fn beat(&mut self, link: &mut Link) -> Result<(), Arc<LinkError>> {
        let terms = link.granted.terms;
        let mut beats = every(terms.interval(), link.granted.first_beat);
        let mut looks = every(look_every(terms), Duration::ZERO);
        let mut shown = None;
        loop {
            if shown != Some((link.epoch, link.granted.terms)) {
                shown = Some((link.epoch, link.granted.terms));
                self.show(ClientState::Connected {
                    address: link.line.address().clone(),
                    server: link.server,
                    epoch: link.epoch,
                    terms: link.granted.terms,
                });
            }
            let asked = tokio::select! {
                () = self.goodbye.cancelled() => return Ok(()),
                lost = link.line.lost() => return Err(lost),
                _ = looks.tick() => {
                    self.watch.look(Instant::now(), link.granted.terms);
                    continue;
                }
                _ = beats.tick() => false,
                () = link.line.asked() => true,
            };
            let stuck = self.watch.look(Instant::now(), link.granted.terms);
            let stuck = self.watch.is_told().then_some(stuck);
            if link.beat(&self.config, stuck, asked).await? {
                let terms = link.granted.terms;
                beats = every(terms.interval(), terms.interval());
                looks = every(look_every(terms), Duration::ZERO);
            } else if asked {
                // It was a beat like any other: the next one is due an interval later.
                beats.reset();
            }
            // One that only accepts and then fails is not dialled any faster for it.
            self.backoff.reset();
        }
    }
}

/// All servers from the preferred one on; one that has just fallen silent comes last, as it would
/// take the whole time of an attempt again.
fn order(servers: usize, silent: Option<usize>) -> impl Iterator<Item = usize> {
    let others = (0..servers).filter(move |index| Some(*index) != silent);
    others.chain(silent)
}

/// Ticks after `first`, and each period from then on. After a stall of our own one tick says all that
/// several would.
fn every(period: Duration, first: Duration) -> Interval {
    let mut ticks = interval_at(Instant::now() + first, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_server_is_preferred_unless_it_has_just_fallen_silent() {
        let ordered = |silent| order(3, silent).collect::<Vec<_>>();
        assert_eq!(ordered(None), [0, 1, 2]);
        assert_eq!(ordered(Some(0)), [1, 2, 0]);
        assert_eq!(ordered(Some(2)), [0, 1, 2]);
        assert_eq!(order(1, Some(0)).collect::<Vec<_>>(), [0]);
    }
}
