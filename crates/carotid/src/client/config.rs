//! Settings of a client.

use std::time::Duration;

use carotid_core::{SessionName, Terms};

use crate::address::Address;

/// Settings of a [`Client`](super::Client).
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The servers, the preferred one first; at least one. See [`Client`](super::Client) for when
    /// which of them is tried. Each name is resolved anew for each connection.
    pub addresses: Vec<Address>,
    /// What this peer calls itself.
    pub name: SessionName,
    /// What to ask for: a beat every interval, and patience with the longest stall. The server may
    /// grant a longer interval, see [`ClientState::Connected`](super::ClientState::Connected); one
    /// that only knows the recipe's `Heartbeat.Ping` is pinged as often as asked for. Default: 10 s,
    /// 60 s and no stall.
    pub terms: Terms,
    /// How long connecting to one address, a beat or a call may take. A beat that takes longer ends the
    /// connection; a call can be given another time, see [`Client::within`](super::Client::within).
    /// Default: 5 s.
    pub call_timeout: Duration,
    /// How long the answer to a beat may take that a call waits for, see
    /// [`Client::call`](super::Client::call); one that takes longer ends the connection. Raise it
    /// where round trips come near it; more than [`Self::call_timeout`] means as much as that.
    /// Default: 1 s, in which TCP repeats a lost segment twice.
    pub ping_timeout: Duration,
    /// Whether each beat says for how long the tokio runtime that the client was started on has not
    /// answered, so that a process whose runtime is blocked is shown as wedged. Default: yes. Switch
    /// it off if that runtime is not what the process lives by, or runs only now and then; see also
    /// [`Client::progress`](super::Client::progress).
    pub watch_runtime: bool,
    /// The longest wait before the first retry; each further one may take twice as long. Each wait
    /// is drawn evenly from zero to its longest. After the loss of a connection the server's reconnect
    /// slots come before this, if it has granted any: the first wait is drawn from them. Default:
    /// 0.5 s.
    pub min_backoff: Duration,
    /// The longest wait before any retry; a quarter of the session's timeout where that is shorter, so
    /// that a server which was away is found again in time. Default: 30 s.
    pub max_backoff: Duration,
}

impl ClientConfig {
    /// The defaults for this server and name.
    #[must_use]
    pub fn new(address: Address, name: SessionName) -> Self {
        Self {
            addresses: vec![address],
            name,
            terms: Terms::default(),
            call_timeout: Duration::from_secs(5),
            ping_timeout: Duration::from_secs(1),
            watch_runtime: true,
            min_backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(30),
        }
    }

    /// One more server, for when those before it cannot be reached.
    #[must_use]
    pub fn or(mut self, address: Address) -> Self {
        self.addresses.push(address);
        self
    }
}
