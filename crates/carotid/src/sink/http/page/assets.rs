//! The files that pages are made of: written by hand, built into the program, and kept by browsers for
//! as long as they stay the same.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

struct File {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

const FILES: [File; 9] = [
    File {
        name: "page.css",
        kind: "text/css; charset=utf-8",
        text: include_str!("assets/page.css"),
    },
    File {
        name: "icon.svg",
        kind: "image/svg+xml",
        text: include_str!("assets/icon.svg"),
    },
    File {
        name: "theme.js",
        kind: SCRIPT,
        text: include_str!("assets/theme.js"),
    },
    File {
        name: "page.js",
        kind: SCRIPT,
        text: include_str!("assets/page.js"),
    },
    File {
        name: "live.js",
        kind: SCRIPT,
        text: include_str!("assets/live.js"),
    },
    File {
        name: "morph.js",
        kind: SCRIPT,
        text: include_str!("assets/morph.js"),
    },
    File {
        name: "times.js",
        kind: SCRIPT,
        text: include_str!("assets/times.js"),
    },
    File {
        name: "keys.js",
        kind: SCRIPT,
        text: include_str!("assets/keys.js"),
    },
    File {
        name: "events.js",
        kind: SCRIPT,
        text: include_str!("assets/events.js"),
    },
];

/// Names what all files together hold, so that a page never meets the script of another version.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut digest = Sha256::new();
    for file in &FILES {
        digest.update(file.text);
    }
    let digest = digest.finalize();
    digest
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
});

/// Where a file is.
pub(super) fn path(name: &str) -> String {
    format!("/assets/{}/{name}", *VERSION)
}

pub(super) async fn serve(Path((version, name)): Path<(String, String)>) -> Response {
    let file = FILES.iter().find(|file| file.name == name);
    match file.filter(|_| version == *VERSION) {
        Some(file) => {
            let headers = [
                (header::CONTENT_TYPE, file.kind),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ];
            (headers, file.text).into_response()
        }
        None => {
            let why = "no such file, or it is of another version: reload the page\n";
            (StatusCode::NOT_FOUND, why).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_import_only_what_is_served() {
        for file in FILES.iter().filter(|file| file.kind == SCRIPT) {
            for import in file.text.lines().filter(|line| line.starts_with("import")) {
                let name = import.split('"').nth(1).unwrap();
                let name = name.strip_prefix("./").unwrap();
                assert!(FILES.iter().any(|file| file.name == name), "{import}");
            }
        }
    }
}
