//! What a service manager is told: systemd, or whoever else listens at `$NOTIFY_SOCKET`
//! (`sd_notify(3)`). Without it nothing happens.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

/// The status line is told this often, if it has changed.
const STATUS_EVERY: Duration = Duration::from_secs(10);

/// Both listeners are bound and what was journalled is taken up: others may start.
pub(super) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Settings are being read again; [`ready`] follows.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "the service manager is not told of the reload"),
    }
}

/// The end has begun.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Feeds the watchdog twice as often as it asks, while sessions are judged: a daemon that does not judge
/// is worse than none, because everybody believes in it. Tells `status` beside, until `stop`.
pub(super) async fn attend(
    is_judging: impl Fn() -> bool,
    status: impl Fn() -> String,
    stop: CancellationToken,
) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return;
    }
    let watchdog = sd_notify::watchdog_enabled().filter(|every| !every.is_zero());
    let every = watchdog.map_or(STATUS_EVERY, |every| STATUS_EVERY.min(every / 2));
    let mut tick = tokio::time::interval(every);
    let mut told = String::new();
    let mut was_judging = true;
    while stop.run_until_cancelled(tick.tick()).await.is_some() {
        let mut states = Vec::with_capacity(2);
        let judging = is_judging();
        if judging {
            states.push(NotifyState::Watchdog);
        }
        if judging != was_judging {
            was_judging = judging;
            log(judging, watchdog.is_some());
        }
        let status = if judging {
            status()
        } else {
            "sessions are not judged; see /livez?verbose".to_owned()
        };
        if status != told {
            states.push(NotifyState::Status(&status));
        }
        if !states.is_empty() {
            tell(&states);
        }
        told = status;
    }
}

fn log(judging: bool, has_watchdog: bool) {
    match (judging, has_watchdog) {
        (true, _) => tracing::warn!("sessions are judged again"),
        (false, true) => tracing::error!("sessions are not judged; the watchdog starves"),
        (false, false) => tracing::error!("sessions are not judged"),
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "cannot tell the service manager at $NOTIFY_SOCKET");
    }
}
