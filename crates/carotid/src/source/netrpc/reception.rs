//! What all connections of a server share, and where they begin.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use carotid_core::{Allowance, Attendance, BreakerConfig, Terms};
use carotid_netrpc::{Host, PeerAddr};
use tokio::runtime::Handle;

use super::{Calls, Connections, Heartbeat};
use crate::connection::ConnectionId;
use crate::driver::Driver;
use crate::readers::Readers;
use crate::server::ServerConfig;

/// What all connections of a server share.
#[derive(Debug)]
pub(crate) struct Reception {
    pub(super) driver: Driver,
    /// For peers that wish nothing else.
    pub(super) terms: Terms,
    pub(super) allowance: Allowance,
    pub(super) breaker: BreakerConfig,
    pub(super) runtime: Handle,
    connections: AtomicU64,
    pub(super) census: Arc<Connections>,
    readers: Arc<Readers>,
    pub(super) calls: Arc<Calls>,
}

impl Reception {
    pub(crate) fn new(
        driver: Driver,
        config: &ServerConfig,
        readers: Arc<Readers>,
        calls: Arc<Calls>,
    ) -> Self {
        let last = driver.last_connection();
        Self {
            driver,
            terms: config.engine.terms,
            allowance: config.allowance,
            breaker: config.breaker,
            runtime: Handle::current(),
            connections: AtomicU64::new(last),
            census: Arc::default(),
            readers,
            calls,
        }
    }

    /// How many connections there are.
    pub(crate) fn connections(&self) -> Arc<Connections> {
        Arc::clone(&self.census)
    }
}

impl Host for Reception {
    type Interceptor = Heartbeat;

    fn accept(self: &Arc<Self>, peer: PeerAddr) -> Heartbeat {
        let number = self.connections.fetch_add(1, Ordering::Relaxed) + 1;
        Heartbeat::new(Arc::clone(self), ConnectionId(number), peer)
    }

    fn keep_up_every(&self) -> Option<Duration> {
        Some(Attendance::PULSE)
    }

    fn begin_round(&self, poll_loop: usize) {
        self.readers.marks()[poll_loop].pass();
    }

    fn kept_up(&self, poll_loop: usize) {
        self.readers.kept_up(poll_loop);
    }
}
