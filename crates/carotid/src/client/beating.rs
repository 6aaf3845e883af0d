//! The loop behind a client: connect, beat, wait, connect again.

use std::sync::Arc;
use std::time::Duration;

use carotid_netrpc as netrpc;
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::link::{Link, LinkError};
use super::progress::{Watch, look_every};
use super::{ClientConfig, ClientState};

#[derive(Debug)]
pub(super) struct Beating {
    config: ClientConfig,
    watch: Watch,
    backoff: Backoff,
    link: watch::Sender<Option<Arc<netrpc::Client>>>,
    state: watch::Sender<ClientState>,
    goodbye: CancellationToken,
    /// Whether a server may know of the session.
    introduced: bool,
    /// Over how long the server of the connection that was lost spreads its peers.
    slots: Duration,
}

impl Beating {
    pub(super) fn new(
        config: ClientConfig,
        watch: Watch,
        link: watch::Sender<Option<Arc<netrpc::Client>>>,
        state: watch::Sender<ClientState>,
        goodbye: CancellationToken,
    ) -> Self {
        Self {
            backoff: Backoff::new(config.min_backoff, config.max_backoff),
            config,
            watch,
            link,
            state,
            goodbye,
            introduced: false,
            slots: Duration::ZERO,
        }
    }

    /// Runs until the goodbye.
    pub(super) async fn run(mut self) {
        while let Err(error) = self.attempt().await {
            if self.goodbye.is_cancelled() {
                tracing::debug!(%error, "the goodbye was not heard");
                break;
            }
            let slots = std::mem::take(&mut self.slots);
            let draw = |most| rand::random_range(Duration::ZERO..=most);
            let retry_in = self.backoff.next(slots, draw);
            tracing::debug!(%error, ?retry_in, "connection failed");
            self.state.send_replace(ClientState::Waiting {
                error: Arc::new(error),
                retry_in,
            });
            let wait = tokio::time::sleep(retry_in);
            let waited = self.goodbye.run_until_cancelled(wait).await;
            // A server that knows the session is told once more, without waiting any longer.
            if waited.is_none() && !self.introduced {
                break;
            }
        }
        self.state.send_replace(ClientState::Closed);
    }

    /// One connection from its beginning to its failure, or to the goodbye. An introduction under
    /// way is finished first: the server may know of it already.
    async fn attempt(&mut self) -> Result<(), LinkError> {
        self.state.send_replace(ClientState::Connecting);
        let mut link = Link::connect(&self.config).await?;
        self.introduced = true;
        self.slots = link.granted.spread;
        self.link.send_replace(Some(Arc::clone(&link.calls)));
        let beaten = self.beat(&mut link).await;
        self.link.send_replace(None);
        beaten?;
        link.leave(&self.config).await;
        Ok(())
    }

    /// Beats until the goodbye; an error is the end of the connection.
    async fn beat(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let terms = link.granted.terms;
        let mut beats = every(terms.interval(), link.granted.first_beat);
        let mut looks = every(look_every(terms), Duration::ZERO);
        let mut shown = None;
        loop {
            if shown != Some((link.epoch, link.granted.terms)) {
                shown = Some((link.epoch, link.granted.terms));
                self.state.send_replace(ClientState::Connected {
                    server: link.server,
                    epoch: link.epoch,
                    terms: link.granted.terms,
                });
            }
            tokio::select! {
                () = self.goodbye.cancelled() => return Ok(()),
                lost = link.calls.closed() => return Err(LinkError::Lost(lost)),
                _ = looks.tick() => {
                    self.watch.look(Instant::now(), link.granted.terms);
                    continue;
                }
                _ = beats.tick() => {}
            }
            let stuck = self.watch.look(Instant::now(), link.granted.terms);
            let stuck = self.watch.is_told().then_some(stuck);
            if link.beat(&self.config, stuck).await? {
                let terms = link.granted.terms;
                beats = every(terms.interval(), terms.interval());
                looks = every(look_every(terms), Duration::ZERO);
            }
            // One that only accepts and then fails is not dialled any faster for it.
            self.backoff.reset();
        }
    }
}

/// Ticks after `first`, and each period from then on. After a stall of our own one tick says all that
/// several would.
fn every(period: Duration, first: Duration) -> Interval {
    let mut ticks = interval_at(Instant::now() + first, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
