//! What all pages have in common.

use std::hash::BuildHasher;

use axum::extract::Request;
use axum::http::{HeaderName, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use foldhash::fast::FixedState;
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, html};

use super::{assets, words};

/// Nothing but our own files, and nothing inline: a name that got past the escaping could still run
/// nothing and fetch nothing.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Which entry of the navigation a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Services,
    Sessions,
    Events,
    Elsewhere,
}

/// One page.
#[derive(Debug)]
pub(super) struct Leaf<'a> {
    pub(super) title: &'a str,
    pub(super) place: Place,
    pub(super) main: Markup,
}

impl Leaf<'_> {
    /// The page, or only what changes of it for a script that asked so.
    pub(super) fn answer(self, fragment: bool) -> Response {
        if fragment {
            let main = self.content();
            return dressed(StatusCode::OK, main);
        }
        self.with_status(StatusCode::OK)
    }

    pub(super) fn with_status(self, status: StatusCode) -> Response {
        let page = self.document();
        dressed(status, page)
    }

    fn content(&self) -> Markup {
        html! {
            main #main tabindex="-1" { (self.main) }
        }
    }

    fn document(&self) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) " · carotid" }
                    link rel="icon" type="image/svg+xml" href=(assets::path("icon.svg"));
                    link rel="stylesheet" href=(assets::path("page.css"));
                    // Before anything is painted, or a page would flash in the other theme.
                    script src=(assets::path("theme.js")) {}
                    script type="module" src=(assets::path("page.js")) {}
                }
                body {
                    a.skip href="#main" { "Skip to content" }
                    (self.header())
                    (self.content())
                    footer {
                        p {
                            "carotid " (env!("CARGO_PKG_VERSION")) " · for programs: "
                            a href="/api/v1/sessions" { "sessions" } ", "
                            a href="/api/v1/stalls" { "stalls" } ", "
                            a href="/readyz?verbose" { "readiness" }
                        }
                        p.keys hidden { kbd { "/" } " search · " kbd { "g" } " then " kbd { "s" } ", " kbd { "e" } " or " kbd { "h" } " to go places" }
                    }
                    p #said .unseen role="status" {}
                }
            }
        }
    }

    fn header(&self) -> Markup {
        let entry = |place, path, text| {
            let here = (self.place == place).then_some("page");
            html! { li { a href=(path) aria-current=[here] { (text) } } }
        };
        html! {
            header {
                a.brand href="/" {
                    svg viewBox="0 0 28 16" width="28" height="16" aria-hidden="true" {
                        path d="M0 9h7l2.5-7 4.5 13 3-8.5 1.5 2.5H28" {}
                    }
                    "carotid"
                }
                nav aria-label="Pages" {
                    ul {
                        (entry(Place::Services, "/", "Services"))
                        (entry(Place::Sessions, "/sessions", "Sessions"))
                        (entry(Place::Events, "/events", "Events"))
                    }
                }
                p #live .live { span.dot {} span #live-word { "as of " (words::clock(Timestamp::now())) } }
                button #theme type="button" hidden { "Theme" }
            }
        }
    }
}

fn dressed(status: StatusCode, markup: Markup) -> Response {
    let body = markup.into_string();
    let headers: [(HeaderName, &str); 4] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    let tag = format!("\"{:016x}\"", FixedState::default().hash_one(&body));
    (status, headers, [(header::ETAG, tag)], Html(body)).into_response()
}

/// A page that a browser has already is not sent again: open ones are asked for every few seconds.
pub(super) async fn spare(request: Request, next: Next) -> Response {
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    match known {
        Some(tag) if response.headers().get(header::ETAG) == Some(&tag) => {
            (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response()
        }
        Some(_) | None => response,
    }
}
