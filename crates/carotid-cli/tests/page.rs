//! The live page in a real browser: Chromium, driven over its own protocol.
//!
//! These tests need Chromium (`$CHROMIUM`, or `chromium` on the path), so the target runs only when it is
//! named: `cargo test -p carotid-cli --test page`, or `cargo xtask test --only page`. They wait for what the
//! page shows, never for time to pass.

#![expect(
    clippy::unwrap_used,
    reason = "all of this is a test, its foundations included"
)]

mod ground;

mod page {
    mod browser;
    mod protocol;
    mod tab;

    mod access;
    mod keyboard;
    mod lists;
    mod living;
    mod names;
    mod pictures;
    mod resume;
    mod scriptless;
}
