//! A badge for a service: its name and its health as a small picture, for READMEs and dashboards.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sha2::{Digest, Sha256};

use super::{Desk, refuse};

/// What a badge says.
#[derive(Debug)]
struct Badge<'a> {
    label: &'a str,
    /// In a word, with a count where that says more.
    message: String,
    /// The whole of it, for screen readers and for whoever points at it.
    title: String,
    colour: &'static str,
}

/// The longest label, in characters; the title has all of it.
const LONGEST: usize = 40;

/// Draws the badge of the service that the file is named after.
pub(super) async fn draw(
    State(desk): State<Desk>,
    file: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    let Ok(Path(file)) = file else {
        return refuse(StatusCode::BAD_REQUEST, "a name is percent-encoded UTF-8");
    };
    let Some(name) = file.strip_suffix(".svg") else {
        let why = format_args!("a badge is a picture: /badge/{file}.svg");
        return refuse(StatusCode::NOT_FOUND, why);
    };
    // A picture that is not there would be shown as a broken one, so whoever is not known has one too.
    let badge = match desk.driver.service_status(name) {
        None => Badge {
            label: name,
            message: "unknown".to_owned(),
            title: format!("{name}: unknown"),
            colour: "#57606a",
        },
        Some(status) => {
            let (alive, sessions) = (status.tally.alive(), status.tally.sessions);
            let needed = sessions.max(status.min_alive);
            let (colour, message) = match status.health().as_str() {
                "pass" => ("#1a7f37", "pass".to_owned()),
                "warn" => ("#9a6700", format!("warn {alive}/{needed}")),
                _ => ("#cf222e", format!("fail {alive}/{needed}")),
            };
            Badge {
                label: name,
                title: format!("{name}: {message}: {}", status.reason()),
                message,
                colour,
            }
        }
    };
    let picture = badge.picture().into_string();
    let tag = tag(&picture);
    // Proxies keep pictures for long unless they are told to ask each time; the tag makes that cheap.
    let caching = [
        (
            header::CACHE_CONTROL,
            "no-cache, max-age=0, must-revalidate",
        ),
        (header::ETAG, &*tag),
    ];
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|it| it.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag)) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let kind = [
        (header::CONTENT_TYPE, "image/svg+xml; charset=utf-8"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (caching, kind, picture).into_response()
}

fn tag(picture: &str) -> String {
    let hash = Sha256::digest(picture);
    let hex: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

/// About how wide a text is in the sans-serif font of 11 units that the badge asks for; the picture
/// squeezes what is wider.
fn width(text: &str) -> u32 {
    let wide = |c: char| match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | '\'' | '|' | '!' | ' ' => 4,
        'f' | 'r' | 't' | 'I' | '-' | '/' => 5,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 10,
        'A'..='Z' => 8,
        c if c.is_ascii() => 7,
        _ => 12,
    };
    text.chars().map(wide).sum()
}

fn shortened(label: &str) -> String {
    if label.chars().count() <= LONGEST {
        return label.to_owned();
    }
    let kept: String = label.chars().take(LONGEST - 1).collect();
    kept + "…"
}

impl Badge<'_> {
    fn picture(&self) -> Markup {
        const MARGIN: u32 = 6;
        let label = shortened(self.label);
        let (left, right) = (width(&label), width(&self.message));
        let (divide, whole) = (left + 2 * MARGIN, left + right + 4 * MARGIN);
        let middle = |from: u32, width: u32| format!("{:.1}", f64::from(2 * from + width) / 2.0);
        html! {
            svg xmlns="http://www.w3.org/2000/svg" width=(whole) height="20" role="img"
                aria-label=(self.title) {
                title { (self.title) }
                rect width=(whole) height="20" rx="3" fill="#24292f" {}
                path fill=(self.colour)
                    d=(format!("M{divide} 0H{}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H{divide}z", whole - 3)) {}
                g fill="#fff" text-anchor="middle" font-size="11"
                    font-family="Verdana,DejaVu Sans,Geneva,sans-serif" {
                    text x=(middle(MARGIN, left)) y="14" textLength=(left)
                        lengthAdjust="spacingAndGlyphs" { (label) }
                    text x=(middle(divide + MARGIN, right)) y="14" textLength=(right)
                        lengthAdjust="spacingAndGlyphs" { (self.message) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn badge(label: &str) -> String {
        let badge = Badge {
            label,
            message: "pass".to_owned(),
            title: format!("{label}: pass"),
            colour: "#1a7f37",
        };
        badge.picture().into_string()
    }

    #[test]
    fn a_name_is_text_and_no_markup() {
        let picture = badge("<script>\"&");
        assert!(!picture.contains("<script>"), "{picture}");
        assert!(
            picture.contains("<title>&lt;script&gt;&quot;&amp;: pass</title>"),
            "{picture}"
        );
        assert!(
            picture.contains("aria-label=\"&lt;script&gt;&quot;&amp;: pass\""),
            "{picture}"
        );
    }

    #[test]
    fn a_long_name_is_shortened_and_a_wide_one_has_room() {
        assert!(badge(&"a".repeat(128)).contains(&format!(">{}…</text>", "a".repeat(39))));
        assert!(width("客户端") > width("abc"));
    }
}
