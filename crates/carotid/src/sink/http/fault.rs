//! Faults on demand, for tests of what is done about them. There are none in a release build, and in
//! others only with `CAROTID_FAULTS` in the environment.

use axum::Router;

use super::Desk;

#[cfg(debug_assertions)]
pub(super) fn routes() -> Router<Desk> {
    use axum::routing::post;
    let router = Router::new();
    if std::env::var_os("CAROTID_FAULTS").is_none() {
        return router;
    }
    router.route("/debug/faults/hold-shard/{shard}/{ms}", post(shard::hold))
}

#[cfg(not(debug_assertions))]
pub(super) fn routes() -> Router<Desk> {
    Router::new()
}

#[cfg(debug_assertions)]
mod shard {
    use std::sync::mpsc::sync_channel;
    use std::time::Duration;

    use axum::extract::{Path, State};
    use axum::http::StatusCode;

    use super::Desk;

    /// Holds the lock of a shard for so many milliseconds, as a defect could for ever.
    pub(super) async fn hold(
        State(desk): State<Desk>,
        Path((shard, ms)): Path<(usize, u64)>,
    ) -> (StatusCode, &'static str) {
        // The first mark is that of the pulse.
        if desk.driver.marks().nth(shard + 1).is_none() {
            return (StatusCode::NOT_FOUND, "there is no such shard\n");
        }
        std::thread::spawn(move || {
            let _shard = desk.driver.hold_shard(shard);
            let (_kept, never) = sync_channel::<()>(0);
            let _in_time = never.recv_timeout(Duration::from_millis(ms));
        });
        (StatusCode::ACCEPTED, "holding it\n")
    }
}
