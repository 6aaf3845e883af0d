//! A server for a service of one's own, without liveness.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::accept::accept;
use crate::answer::Answer;
use crate::argument::Argument;
use crate::connection::{End, Interceptor, serve_connection};
use crate::error::ServerError;
use crate::options::Options;
use crate::router::Router;

/// Serves a router's methods on a listener.
#[derive(Debug)]
pub struct Server {
    router: Arc<Router>,
    options: Arc<Options>,
}

impl Server {
    /// A server with default options.
    pub fn new(router: Router) -> Self {
        Self {
            router: Arc::new(router),
            options: Arc::new(Options::default()),
        }
    }

    /// The same server with these limits for each connection.
    #[must_use]
    pub fn with_options(mut self, options: Options) -> Self {
        self.options = Arc::new(options);
        self
    }

    /// Accepts connections until `shutdown` is cancelled, then lets calls in flight finish.
    ///
    /// That has no bound of its own: drop the future to cut it short, which cancels all calls.
    pub async fn serve(self, listener: TcpListener, shutdown: CancellationToken) {
        let mut connections = JoinSet::new();
        loop {
            let (stream, peer) = tokio::select! {
                () = shutdown.cancelled() => break,
                Some(_) = connections.join_next() => continue,
                accepted = accept(&listener) => accepted,
            };
            let (router, options) = (Arc::clone(&self.router), Arc::clone(&self.options));
            let shutdown = shutdown.child_token();
            connections.spawn(async move {
                serve_one(stream, peer, &router, &options, &shutdown).await;
            });
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
    }
}

async fn serve_one(
    stream: TcpStream,
    peer: SocketAddr,
    router: &Router,
    options: &Options,
    shutdown: &CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "cannot set TCP_NODELAY");
    }
    let end = serve_connection(stream, router, options, &mut Everything, shutdown).await;
    if matches!(end, End::Malformed(_)) {
        tracing::warn!(%peer, reason = %end, "connection refused");
    } else {
        tracing::debug!(%peer, reason = %end, "connection ended");
    }
}

/// Passes everything to the router, and waits for ever.
#[derive(Debug)]
struct Everything;

impl Interceptor for Everything {
    fn call(&mut self, _: &str, _: &mut Argument<'_>) -> Option<Result<Answer, ServerError>> {
        None
    }

    fn idle_timeout(&self) -> Option<Duration> {
        None
    }
}
