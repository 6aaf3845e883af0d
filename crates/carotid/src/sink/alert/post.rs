//! One attempt to deliver a notice, over HTTP.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;

use super::body;
use super::rule::{Destination, Rule};
use crate::sink::api::Notice;

/// Of an answer that refuses, so much is read, to say why.
const EXCERPT: usize = 512;

/// What sends a rule's notices.
#[derive(Clone, Debug)]
pub(super) struct Post {
    client: Client,
    rule: Arc<Rule>,
    url: Url,
    source: String,
    page: String,
}

/// What became of an attempt.
#[derive(Debug)]
pub(super) enum Outcome {
    Delivered {
        status: StatusCode,
    },
    /// It answered that it does not take it.
    Refused {
        status: StatusCode,
        retry_after: Option<Duration>,
        /// What it says for itself, or where it sends us.
        why: String,
    },
    /// It answered that it is gone for good.
    Gone,
    /// It did not answer.
    Unreached {
        why: String,
        is_connect: bool,
    },
}

/// No notice can be sent at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostError {
    /// The certificates that this system trusts cannot be read.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
    /// The HTTP client cannot be made.
    #[error("cannot set up HTTP")]
    Http(#[from] reqwest::Error),
}

impl Post {
    /// What is sent names `source`, and where people look for more: `page`, an address, or nothing.
    pub(super) fn new(rule: Arc<Rule>, source: String, page: String) -> Result<Self, PostError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_platform_verifier()?
            .with_no_client_auth();
        let mut url = rule.destination.url().clone();
        let mut client = Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("carotid/", env!("CARGO_PKG_VERSION")))
            // A signed message is for the address that was configured, and no other.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(rule.patience.attempt);
        if is_local(&url) {
            client = client.no_proxy();
        }
        if let Destination::Alertmanager { .. } = rule.destination {
            let path = format!("{}/api/v2/alerts", url.path().trim_end_matches('/'));
            url.set_path(&path);
        }
        Ok(Self {
            client: client.build()?,
            rule,
            url,
            source,
            page,
        })
    }

    /// Tries once to deliver notices; a webhook gets the first of them only.
    pub(super) async fn send(&self, notices: &[&Notice], now: Timestamp) -> Outcome {
        let response = match self.request(notices, now).send().await {
            Ok(response) => response,
            Err(error) => {
                // The address may be a secret.
                let is_connect = error.is_connect() || error.is_timeout();
                let why = chain(&error.without_url());
                return Outcome::Unreached { why, is_connect };
            }
        };
        let status = response.status();
        if status.is_success() {
            return Outcome::Delivered { status };
        }
        if status == StatusCode::GONE {
            return Outcome::Gone;
        }
        Outcome::Refused {
            status,
            retry_after: retry_after(response.headers(), now),
            why: why(response, self.rule.destination.url()).await,
        }
    }

    fn request(&self, notices: &[&Notice], now: Timestamp) -> RequestBuilder {
        let request = self.client.post(self.url.clone());
        match (&self.rule.destination, notices) {
            (Destination::Webhook { secrets, .. }, [notice, ..]) => {
                let body = body::cloud_event(notice, &self.source);
                let timestamp = now.as_second();
                let sign = |secret: &super::Secret| secret.sign(&notice.id, timestamp, &body);
                let signatures: Vec<_> = secrets.iter().map(sign).collect();
                let mut request = request
                    .header(CONTENT_TYPE, body::CLOUD_EVENT)
                    .header("webhook-id", &notice.id)
                    .header("webhook-timestamp", timestamp);
                if !signatures.is_empty() {
                    request = request.header("webhook-signature", signatures.join(" "));
                }
                request.body(body)
            }
            (Destination::Alertmanager { .. } | Destination::Webhook { .. }, notices) => request
                .header(CONTENT_TYPE, "application/json")
                .body(body::alerts(notices, now, &self.page)),
        }
    }
}

impl Outcome {
    /// The status of the answer, if there was one.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Delivered { status } | Self::Refused { status, .. } => Some(status.as_u16()),
            Self::Gone => Some(StatusCode::GONE.as_u16()),
            Self::Unreached { .. } => None,
        }
    }

    /// What to write down of a failure.
    pub(super) fn error(&self) -> Option<String> {
        match self {
            Self::Delivered { .. } => None,
            Self::Refused { status, why, .. } if why.is_empty() => {
                Some(format!("the receiver answered {status}"))
            }
            Self::Refused { status, why, .. } => {
                Some(format!("the receiver answered {status}: {why}"))
            }
            Self::Gone => Some("the receiver answered 410 Gone: it wants no more".to_owned()),
            Self::Unreached { why, .. } => Some(why.clone()),
        }
    }
}

/// On this machine no proxy is needed, whatever the environment says.
fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// In seconds, or until a date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

/// The beginning of what it says for itself, on one line, without what may be secret in our address.
async fn why(mut response: Response, ours: &Url) -> String {
    if let Some(elsewhere) = response.headers().get(LOCATION) {
        let to = elsewhere.to_str().ok().and_then(|to| ours.join(to).ok());
        return to.map_or("it is not followed to somewhere else".to_owned(), |to| {
            let (scheme, host) = (to.scheme(), to.host_str().unwrap_or("?"));
            format!("it is not followed to {scheme}://{host}")
        });
    }
    let secrets = secrets(ours);
    // What is cut off may be a part of a secret that is not known any more.
    let longest = secrets.first().map_or(0, String::len);
    let most = EXCERPT + longest;
    let mut read = Vec::new();
    while read.len() < most
        && let Ok(Some(chunk)) = response.chunk().await
    {
        read.extend_from_slice(&chunk[..chunk.len().min(most)]);
    }
    let is_cut = read.len() >= most;
    read.truncate(most);
    let text = excerpt(&String::from_utf8_lossy(&read), &secrets);
    let end = if is_cut {
        text.len().saturating_sub(longest)
    } else {
        EXCERPT
    };
    let mut ends = (0..=text.len().min(end).min(EXCERPT)).rev();
    let end = ends.find(|end| text.is_char_boundary(*end));
    text[..end.unwrap_or(0)].to_owned()
}

fn excerpt(text: &str, secrets: &[String]) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        text = text.replace(secret, "…");
    }
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    text.trim().chars().map(printable).collect()
}

/// Of an address all that may be secret, as it is written and as it is meant, the longest first.
fn secrets(url: &Url) -> Vec<String> {
    /// What is shorter is no secret, and in many words.
    const LEAST: usize = 3;
    let mut found: Vec<String> = vec![url.path().to_owned()];
    found.extend(url.path_segments().into_iter().flatten().map(str::to_owned));
    found.extend(url.query().map(str::to_owned));
    let pairs = url
        .query()
        .into_iter()
        .flat_map(|query| query.split(['&', '=']));
    found.extend(pairs.map(str::to_owned));
    let (user, password) = (url.username(), url.password().unwrap_or_default());
    found.extend([user.to_owned(), password.to_owned()]);
    let decoded: Vec<_> = found.iter().map(|text| decode(text)).collect();
    if !(user.is_empty() && password.is_empty()) {
        let pair = format!("{}:{}", decode(user), decode(password));
        found.push(BASE64_STANDARD.encode(pair));
    }
    found.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
    found.extend(decoded);
    found.retain(|text| text.len() >= LEAST);
    found.sort_by_key(|text| std::cmp::Reverse(text.len()));
    found.dedup();
    found
}

/// Without percent signs.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digits = text.get(at + 1..at + 3).filter(|_| *byte == b'%');
        let escaped = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(escaped.unwrap_or(*byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_of_our_address_is_in_what_a_receiver_says_for_itself() {
        let url = "https://me%40x:p%C3%A4ss@example.org/hook/T0K%2BEN/x?key=s3cr%2Bet&v=1";
        let secrets = secrets(&Url::parse(url).unwrap());
        for said in [
            "no /hook/T0K%2BEN/x?key=s3cr%2Bet&v=1 here",
            "no T0K+EN here",
            "no s3cr+et here",
            "no s3cr%2Bet here",
            "no me@x:päss here",
            "no bWVAeDpww6Rzcw== here",
        ] {
            let printed = excerpt(said, &secrets);
            assert!(
                printed.starts_with("no …") && printed.ends_with(" here"),
                "{printed}"
            );
            for part in ["T0K", "s3cr", "me@", "ss", "bWVA"] {
                assert!(!printed.contains(part), "{printed}");
            }
        }
    }
}
