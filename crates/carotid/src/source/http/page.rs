//! Web pages do not beat.
//!
//! A page of anybody's can make a browser send simple requests to addresses that only the browser
//! reaches, and a forged beat keeps a dead session alive. Scripts have no such marks as browsers must
//! send: `Origin` with every POST, `Sec-Fetch-Site` to this machine and over TLS (Fetch Metadata, W3C),
//! and a `User-Agent` that no page can change across origins without asking first (Fetch, WHATWG).

use axum::http::header::{ORIGIN, USER_AGENT};
use axum::http::{HeaderMap, Method};

/// What tells that a page sent this, and what to do instead.
pub(super) fn fault(method: &Method, headers: &HeaderMap) -> Option<&'static str> {
    // An address that somebody typed into a browser is nobody else's doing.
    let site = headers.get("sec-fetch-site");
    if site.is_some_and(|site| site != "none") {
        return Some("web pages do not beat; Sec-Fetch-Site says that one sent this");
    }
    if headers.contains_key(ORIGIN) {
        return Some("web pages do not beat; Origin says that one sent this");
    }
    // To other machines in the clear a browser does not say who made it send a GET.
    let is_browser = |agent: &[u8]| agent.starts_with(b"Mozilla/");
    let agent = headers.get(USER_AGENT);
    let unclear = site.is_none() && agent.is_some_and(|agent| is_browser(agent.as_bytes()));
    (unclear && method == Method::GET)
        .then_some("a browser does not say which page made it send this GET; beat with POST")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(method: Method, headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        fault(&method, &headers.collect()).is_some()
    }

    #[test]
    fn scripts_pass_and_pages_do_not() {
        const FIREFOX: (&str, &str) = ("user-agent", "Mozilla/5.0 (X11; rv:140.0) Firefox/140.0");
        let curl = [("user-agent", "curl/8.14.1")];
        assert!(!refused(Method::GET, &curl));
        assert!(!refused(Method::POST, &curl));
        assert!(!refused(Method::POST, &[]));
        // PowerShell calls itself Mozilla; with POST it can be told from a page.
        assert!(!refused(Method::POST, &[FIREFOX]));
        assert!(!refused(
            Method::GET,
            &[FIREFOX, ("sec-fetch-site", "none")]
        ));

        assert!(refused(Method::GET, &[FIREFOX]));
        for site in ["cross-site", "same-site", "same-origin"] {
            assert!(refused(Method::GET, &[("sec-fetch-site", site)]), "{site}");
        }
        for origin in ["https://elsewhere.example", "null"] {
            assert!(refused(Method::POST, &[("origin", origin)]), "{origin}");
        }
    }
}
