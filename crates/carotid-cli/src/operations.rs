//! The daemon's HTTP interface, from outside.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, Url};
use serde::de::DeserializeOwned;

use carotid::api::Failure;

use crate::args::Daemon;
use crate::exit::Exit;

/// How long a daemon may take to accept.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long it may take to begin its answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a daemon may say nothing: three of the signs of life of a quiet event stream.
const READ_TIMEOUT: Duration = Duration::from_secs(45);

/// A daemon's operations listener.
#[derive(Debug)]
pub(crate) struct Operations {
    base: Url,
    client: Client,
}

impl Operations {
    pub(crate) fn new(daemon: &Daemon) -> Result<Self, Exit> {
        let wrong = |why: String| {
            Exit::usage(anyhow::anyhow!("--http {:?} {why}", daemon.http)).advise(
                "Give the daemon's operations listener, for example --http http://127.0.0.1:7401.",
            )
        };
        let text = &daemon.http;
        // An address alone, as `serve` takes it and says it, is enough.
        let is_address = !text.contains("://") && text.contains(':');
        let url = if is_address {
            format!("http://{text}")
        } else {
            text.clone()
        };
        let base = Url::parse(&url).map_err(|error| wrong(format!("is no URL: {error}")))?;
        if base.scheme() != "http" {
            return Err(wrong("does not begin with http://".to_owned()));
        }
        let client = Client::builder()
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .build();
        let client = client.map_err(|error| Exit::usage(error).context("cannot start"))?;
        Ok(Self { base, client })
    }

    /// Where it is, as a person says it.
    pub(crate) fn address(&self) -> String {
        let host = self.base.host_str().unwrap_or("");
        let port = self.base.port_or_known_default();
        port.map_or(host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// A request for `path`, which [`Self::send`] sends.
    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        let mut url = self.base.clone();
        url.set_path(path);
        self.client.get(url)
    }

    /// Sends it; anything but success is an error in the daemon's own words.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, Exit> {
        let response = tokio::time::timeout(ANSWER_TIMEOUT, request.send()).await;
        let Ok(response) = response else {
            let why = anyhow::anyhow!("no answer within {ANSWER_TIMEOUT:?}");
            return Err(Exit::connect(why)
                .context(format!("the daemon at {} does not answer", self.base))
                .advise("It is frozen, overloaded, or no carotid."));
        };
        let response = response.map_err(|error| {
            Exit::connect(error.without_url())
                .context(format!("cannot reach the daemon at {}", self.base))
                .advise("Is it running? Start it with carotid serve, or say where it is with --http URL.")
        })?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = response.text().await.unwrap_or_default();
        let why = match serde_json::from_str::<Failure>(&body) {
            Ok(failure) => failure.error,
            Err(_) if body.trim().is_empty() => status.to_string(),
            // Whatever answers there may say why in its own way, as the RPC port does.
            Err(_) => body.trim().to_owned(),
        };
        Err(Exit::rpc(anyhow::anyhow!(why)).context("the daemon refused"))
    }

    /// The same for a path of which a part is chosen freely.
    pub(crate) fn get_segments<'a>(
        &self,
        segments: impl IntoIterator<Item = &'a str>,
    ) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(segments);
        }
        self.client.get(url)
    }

    /// Sends it and reads the object that comes back.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<T, Exit> {
        let response = self.send(request).await?;
        response.json().await.map_err(|error| {
            Exit::rpc(error.without_url()).context("the daemon's answer is not what was asked for")
        })
    }
}
