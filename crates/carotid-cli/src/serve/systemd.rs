//! What a service manager is told: systemd, or whoever else listens at `$NOTIFY_SOCKET`
//! (`sd_notify(3)`). Without it nothing happens.

use std::time::Duration;

use sd_notify::NotifyState;

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

/// Feeds the watchdog twice as often as it asks, while there is no `trouble` that keeps sessions from
/// being judged: such a daemon is worse than none, because everybody believes in it. Tells `status`
/// beside. Ends by being dropped: until its very end a process is watched.
pub(super) async fn attend(trouble: impl Fn() -> Option<String>, status: impl Fn() -> String) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return;
    }
    let watchdog = sd_notify::watchdog_enabled().filter(|every| !every.is_zero());
    let every = watchdog.map_or(STATUS_EVERY, |every| STATUS_EVERY.min(every / 2));
    let mut tick = tokio::time::interval(every);
    let mut report = Report {
        feeds: watchdog.is_some(),
        status: String::new(),
    };
    loop {
        tick.tick().await;
        report.tell(trouble(), &status, tell);
    }
}

/// What was told last.
#[derive(Debug)]
struct Report {
    /// Whether there is a watchdog to feed.
    feeds: bool,
    status: String,
}

impl Report {
    fn tell(
        &mut self,
        trouble: Option<String>,
        status: impl Fn() -> String,
        tell: impl Fn(&[NotifyState<'_>]),
    ) {
        let mut states = Vec::with_capacity(2);
        if self.feeds && trouble.is_none() {
            states.push(NotifyState::Watchdog);
        }
        let status = trouble.map_or_else(status, |trouble| {
            format!("sessions are not judged: {trouble}")
        });
        let before = std::mem::replace(&mut self.status, status);
        if self.status != before {
            states.push(NotifyState::Status(&self.status));
        }
        if !states.is_empty() {
            tell(&states);
        }
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "cannot tell the service manager at $NOTIFY_SOCKET");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn the_watchdog_starves_while_sessions_are_not_judged() {
        let mut report = Report {
            feeds: true,
            status: String::new(),
        };
        let told = RefCell::new(Vec::new());
        let mut tell = |trouble: Option<&str>| {
            report.tell(
                trouble.map(str::to_owned),
                || "2 sessions".to_owned(),
                |states| {
                    told.borrow_mut()
                        .extend(states.iter().map(ToString::to_string))
                },
            );
            told.take()
        };
        assert_eq!(tell(None), ["WATCHDOG=1", "STATUS=2 sessions"]);
        assert_eq!(tell(None), ["WATCHDOG=1"]);
        let trouble = ["STATUS=sessions are not judged: shard 3 is stuck"];
        assert_eq!(tell(Some("shard 3 is stuck")), trouble);
        assert_eq!(tell(Some("shard 3 is stuck")), [""; 0]);
        assert_eq!(tell(None), ["WATCHDOG=1", "STATUS=2 sessions"]);
    }
}
