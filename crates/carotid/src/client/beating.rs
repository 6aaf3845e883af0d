//! The loop behind a client: connect, beat, wait, connect again.

use std::sync::Arc;
use std::time::Duration;

use carotid_netrpc as netrpc;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::link::{Link, LinkError};
use super::{ClientConfig, ClientState};

#[derive(Debug)]
pub(super) struct Beating {
    config: ClientConfig,
    link: watch::Sender<Option<Arc<netrpc::Client>>>,
    state: watch::Sender<ClientState>,
    goodbye: CancellationToken,
}

impl Beating {
    pub(super) const fn new(
        config: ClientConfig,
        link: watch::Sender<Option<Arc<netrpc::Client>>>,
        state: watch::Sender<ClientState>,
        goodbye: CancellationToken,
    ) -> Self {
        Self {
            config,
            link,
            state,
            goodbye,
        }
    }

    /// Runs until the goodbye.
    pub(super) async fn run(self) {
        let mut backoff = Backoff::new(self.config.min_backoff, self.config.max_backoff);
        let mut introduced = false;
        while let Err(error) = self.attempt(&mut backoff, &mut introduced).await {
            if self.goodbye.is_cancelled() {
                tracing::debug!(%error, "the goodbye was not heard");
                break;
            }
            let retry_in = backoff.next(|most| rand::random_range(Duration::ZERO..=most));
            tracing::debug!(%error, ?retry_in, "connection failed");
            self.state.send_replace(ClientState::Waiting {
                error: Arc::new(error),
                retry_in,
            });
            let wait = tokio::time::sleep(retry_in);
            let waited = self.goodbye.run_until_cancelled(wait).await;
            // A server that knows the session is told once more, without waiting any longer.
            if waited.is_none() && !introduced {
                break;
            }
        }
        self.state.send_replace(ClientState::Closed);
    }

    /// One connection from its beginning to its failure, or to the goodbye. An introduction under
    /// way is finished first: the server may know of it already.
    async fn attempt(&self, backoff: &mut Backoff, introduced: &mut bool) -> Result<(), LinkError> {
        self.state.send_replace(ClientState::Connecting);
        let mut link = Link::connect(&self.config).await?;
        *introduced = true;
        self.link.send_replace(Some(Arc::clone(&link.calls)));
        let beaten = self.beat(&mut link, backoff).await;
        self.link.send_replace(None);
        beaten?;
        link.leave(&self.config).await;
        Ok(())
    }

    /// Beats until the goodbye; an error is the end of the connection.
    async fn beat(&self, link: &mut Link, backoff: &mut Backoff) -> Result<(), LinkError> {
        let start = tokio::time::Instant::now() + link.interval;
        let mut beats = interval_at(start, link.interval);
        // After a stall of our own one beat says all that several would.
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut shown = None;
        loop {
            if shown != Some(link.epoch) {
                shown = Some(link.epoch);
                self.state.send_replace(ClientState::Connected {
                    server: link.server,
                    epoch: link.epoch,
                });
            }
            tokio::select! {
                () = self.goodbye.cancelled() => return Ok(()),
                lost = link.calls.closed() => return Err(LinkError::Lost(lost)),
                _ = beats.tick() => {}
            }
            link.beat(&self.config).await?;
            // One that only accepts and then fails is not dialled any faster for it.
            backoff.reset();
        }
    }
}
