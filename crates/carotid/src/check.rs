//! One question to a server: do you serve?

use std::io;
use std::time::Duration;

use carotid_netrpc::CallError;
use tokio::time::{Instant, timeout};

use crate::address::Address;
use crate::dial::dial;
use crate::source::messages::{CHECK, PING, SERVING};

/// What the recipe's server answers.
const PONG: &str = "Pong";

/// A server's answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// In its own words.
    pub status: String,
    /// How long the answer took.
    pub round_trip: Duration,
}

impl Answer {
    /// Whether it serves.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        self.status == SERVING || self.status == PONG
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The address did not resolve, or nothing listens there.
    #[error(transparent)]
    Connect(io::Error),
    /// Connecting took too long.
    #[error("no connection within {after:?}")]
    ConnectTimeout {
        /// How long was waited.
        after: Duration,
    },
    /// The server took the question and did not answer.
    #[error("no answer within {after:?}")]
    NoAnswer {
        /// How long was waited.
        after: Duration,
    },
    /// The server answered with an error.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Asks the server at `address` whether it serves, and waits at most `patience` for a connection and
/// again for an answer. A server that knows only the recipe is pinged; carotid is asked in a way that
/// opens no session.
///
/// # Errors
///
/// See [`CheckError`].
pub async fn ask(address: &Address, patience: Duration) -> Result<Answer, CheckError> {
    let dialled = dial(address, patience, patience).await.map_err(|error| {
        if error.kind() == io::ErrorKind::TimedOut {
            CheckError::ConnectTimeout { after: patience }
        } else {
            CheckError::Connect(error)
        }
    })?;
    let client = dialled.client;

    let begun = Instant::now();
    let asked = async {
        match client.call(CHECK, "").await {
            Err(error) if error.is_unknown_method() => client.call(PING, "").await,
            answer => answer,
        }
    };
    let status = timeout(patience, asked).await;
    let late = CheckError::NoAnswer { after: patience };
    let status: String = status.map_err(|_| late)??;
    let round_trip = begun.elapsed();
    client.close().await;
    Ok(Answer { status, round_trip })
}
