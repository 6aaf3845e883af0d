//! Whom requests mean. A page of anybody's may let its name point at this machine and then read what a
//! browser here can reach (DNS rebinding); its requests still bear that name.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::HOST;
use axum::middleware::Next;
use axum::response::Response;

use super::refuse;

/// The names that a listener answers to.
#[derive(Clone, Debug)]
pub(super) struct Hosts {
    /// Only for its own machine: then nobody has to call it by any other name.
    is_local: bool,
    names: Arc<[Box<str>]>,
}

impl Hosts {
    /// Those of a listener at this address, which is called by these names, too.
    pub(super) fn new(listener: Option<SocketAddr>, names: &[String]) -> Self {
        Self {
            is_local: listener.is_some_and(|address| address.ip().is_loopback()),
            names: names.iter().map(|name| bare(name).into()).collect(),
        }
    }

    fn accept(&self, host: &str) -> bool {
        if !self.is_local && self.names.is_empty() {
            return true;
        }
        let host = bare(host);
        let address = host.trim_matches(['[', ']']);
        host.is_empty()
            || address.parse::<IpAddr>().is_ok()
            || host.eq_ignore_ascii_case("localhost")
            || self
                .names
                .iter()
                .any(|name| host.eq_ignore_ascii_case(name))
    }
}

/// A host without its port and without the dot that names may end in.
fn bare(host: &str) -> &str {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let host = match host.rsplit_once(':') {
        Some((host, port)) if is_port(port) && (!host.contains(':') || host.ends_with(']')) => host,
        Some(_) | None => host,
    };
    host.strip_suffix('.').unwrap_or(host)
}

/// Refuses what means somebody else. Without a name there is nothing to refuse: browsers give one.
pub(super) async fn check(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    let named = request.headers().get_all(HOST).iter();
    let named = named.map(|host| String::from_utf8_lossy(host.as_bytes()));
    let address = request.uri().host().map(Into::into);
    let stranger = named.chain(address).find(|host| !hosts.accept(host));
    if let Some(host) = stranger {
        let why = format!(
            "this listener is no {host:?}: it answers to addresses and to localhost. If that is a name of \
             it, such as a proxy's, give it to carotid serve as --http-hosts"
        );
        return refuse(StatusCode::MISDIRECTED_REQUEST, why);
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(listener: &str, names: &[&str]) -> Hosts {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        Hosts::new(Some(listener.parse().unwrap()), &names)
    }

    #[test]
    fn a_listener_on_loopback_answers_to_no_name_that_could_be_anybodys() {
        let local = hosts("127.0.0.1:7401", &["Status.example.org:443"]);
        for host in [
            "127.0.0.1:7401",
            "127.0.0.1",
            "[::1]:7401",
            "[::1]",
            "::1",
            "192.0.2.7:80",
            "localhost",
            "LOCALHOST:7401",
            "localhost.",
            "status.example.org",
            "status.example.org.:8080",
            "",
        ] {
            assert!(local.accept(host), "{host:?}");
        }
        for host in [
            "evil.example",
            "evil.example:7401",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "a@127.0.0.1",
            "evil.example:x",
            "[evil]",
            "org",
        ] {
            assert!(!local.accept(host), "{host:?}");
        }
    }

    #[test]
    fn a_listener_for_others_answers_to_any_name_until_it_is_told_which() {
        assert!(hosts("0.0.0.0:7401", &[]).accept("carotid.internal"));
        let told = hosts("0.0.0.0:7401", &["carotid.internal"]);
        assert!(told.accept("carotid.internal:7401") && told.accept("10.0.0.7"));
        assert!(!told.accept("evil.example"));
    }
}
