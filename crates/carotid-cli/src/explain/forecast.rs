//! How long each way of dying goes unnoticed, computed from the settings.
//!
//! With interval η, timeout T and patience P, the silence that makes a session suspect: whoever falls
//! silent beat for the last time 0 to η before, so that suspicion comes P − η to P after the failure
//! and death T − η to T. A connection that is closed is noticed at once.

use std::time::Duration;

use carotid::core::{Cause, Config, EventKind, OnDisconnect, Suspicion, Terms};

/// A way to die, or nearly so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Goodbye,
    Exit,
    Kill,
    Frozen,
    HostGone,
    NetworkCut,
    Wedged,
}

impl Way {
    pub(super) const ALL: [Self; 7] = [
        Self::Goodbye,
        Self::Exit,
        Self::Kill,
        Self::Frozen,
        Self::HostGone,
        Self::NetworkCut,
        Self::Wedged,
    ];

    /// The word for it in JSON.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Goodbye => "goodbye",
            Self::Exit => "exit",
            Self::Kill => "kill",
            Self::Frozen => "frozen",
            Self::HostGone => "host_gone",
            Self::NetworkCut => "network_cut",
            Self::Wedged => "wedged",
        }
    }

    /// What happens.
    pub(super) const fn what(self) -> &'static str {
        match self {
            Self::Goodbye => "goodbye",
            Self::Exit => "exit without goodbye",
            Self::Kill => "kill -9",
            Self::Frozen => "frozen (SIGSTOP)",
            Self::HostGone => "host gone",
            Self::NetworkCut => "network cut",
            Self::Wedged => "wedged, still beating",
        }
    }
}

/// An event that a way to die brings about, and how long after the failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) kind: EventKind,
    pub(super) soonest: Duration,
    /// The latest for a peer whose beats came exact, as long as nothing else was learned of its like.
    pub(super) steady: Duration,
    pub(super) latest: Duration,
}

/// What to expect of one way to die, in the order of its events.
#[derive(Clone, Debug)]
pub(super) struct Forecast {
    pub(super) way: Way,
    pub(super) findings: Vec<Finding>,
    /// One sentence.
    pub(super) why: String,
}

/// What is noticed without any silence is noticed within this: an answer of the kernel, a wake-up
/// and a lock.
const AT_ONCE: Duration = Duration::from_millis(10);

/// The forecast for each way to die.
pub(super) fn forecasts(config: &Config) -> Vec<Forecast> {
    let forecast = |way| Forecast {
        way,
        findings: findings(way, config),
        why: why(way, config),
    };
    Way::ALL.map(forecast).into()
}

fn findings(way: Way, config: &Config) -> Vec<Finding> {
    match way {
        Way::Goodbye => vec![at_once(EventKind::Left)],
        Way::Exit | Way::Kill => {
            let cause = Cause::Closed;
            match config.on_disconnect {
                OnDisconnect::Dead => vec![at_once(EventKind::Dead { cause })],
                OnDisconnect::Suspect => {
                    let suspect = at_once(EventKind::Suspect { cause });
                    vec![suspect, death(config.terms, cause)]
                }
            }
        }
        Way::Frozen | Way::HostGone | Way::NetworkCut => {
            vec![suspicion(config), death(config.terms, Cause::Silence)]
        }
        Way::Wedged => {
            // The first beat after that says so, by what the peer saw when it looked last: it looks four
            // times an interval, and once a second at least.
            let stuck = config.terms.wedged_after();
            let interval = config.terms.interval();
            let latest = stuck + interval + (interval / 4).min(Duration::from_secs(1));
            vec![Finding {
                kind: EventKind::Wedged { stuck },
                soonest: stuck,
                steady: latest,
                latest,
            }]
        }
    }
}

const fn at_once(kind: EventKind) -> Finding {
    Finding {
        kind,
        soonest: Duration::ZERO,
        steady: AT_ONCE,
        latest: AT_ONCE,
    }
}

fn suspicion(config: &Config) -> Finding {
    let Patience {
        least,
        steady,
        most,
    } = Patience::of(config);
    Finding {
        kind: EventKind::Suspect {
            cause: Cause::Silence,
        },
        soonest: least.saturating_sub(config.terms.interval()),
        steady,
        latest: most,
    }
}

fn death(terms: Terms, cause: Cause) -> Finding {
    Finding {
        kind: EventKind::Dead { cause },
        soonest: terms.timeout() - terms.interval(),
        steady: terms.timeout(),
        latest: terms.timeout(),
    }
}

/// The silence that makes a session suspect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Patience {
    pub(super) least: Duration,
    pub(super) steady: Duration,
    pub(super) most: Duration,
}

impl Patience {
    /// Least σ of the adaptive rule, in 1/20 intervals, and how many σ beyond its interval a beat may
    /// come: at least, and while too few beats were seen (`carotid_core::Detector`).
    const LEAST_QUANTILE: u32 = 4;
    const UNTAUGHT_QUANTILE: u32 = 16;
    const FLOORS_PER_INTERVAL: u32 = 20;

    pub(super) fn of(config: &Config) -> Self {
        let terms = config.terms;
        let (interval, most) = (terms.interval(), terms.at_risk_after());
        let within = |silence: Duration| silence.max(interval + terms.longest_stall()).min(most);
        let floors = |count| within(interval + interval * count / Self::FLOORS_PER_INTERVAL);
        match config.suspicion {
            Suspicion::Fixed { intervals } => {
                // The core counts in thousandths, too.
                let intervals = (intervals * 1000.0).floor() / 1000.0;
                let silence = within(interval.mul_f64(intervals));
                Self {
                    least: silence,
                    steady: silence,
                    most: silence,
                }
            }
            Suspicion::Adaptive(_) => Self {
                least: floors(Self::LEAST_QUANTILE),
                steady: floors(Self::UNTAUGHT_QUANTILE),
                most,
            },
        }
    }
}

fn why(way: Way, config: &Config) -> String {
    let terms = config.terms;
    let (interval, timeout) = (terms.interval(), terms.timeout());
    let soonest = timeout - interval;
    let is_final = config.on_disconnect == OnDisconnect::Dead;
    match way {
        Way::Goodbye => "it says that it leaves, and that ends the session".to_owned(),
        Way::Exit if is_final => {
            "its kernel closes the connection, and on_disconnect = dead makes that its death"
                .to_owned()
        }
        Way::Exit => format!(
            "its kernel closes the connection; it may still come back until {timeout:?} after its last beat, which was up to {interval:?} ago: {timeout:?} − {interval:?} = {soonest:?} at the soonest"
        ),
        Way::Kill => {
            "the kernel closes what a killed process leaves, as with an exit; the cause is reset if an answer was still unread".to_owned()
        }
        Way::Frozen => format!(
            "its kernel keeps the connection and acknowledges, so only silence tells: {} of it is suspect, {timeout:?} is death",
            patience_said(config)
        ),
        Way::HostGone => format!(
            "nobody is left to close the connection, so only silence tells, as with a frozen one; TCP itself gives up only after {timeout:?} (TCP_USER_TIMEOUT) unless the host boots again and resets it"
        ),
        Way::NetworkCut => format!(
            "neither side hears the other, so only silence tells, as with a host that is gone; if it heals within {timeout:?} of the last beat, the session is back"
        ),
        Way::Wedged => format!(
            "its heartbeat goes on while its main loop does not, so it is never dead of that; the first beat that tells of no progress for more than {:?} says so, if the peer tells of its progress at all",
            terms.wedged_after()
        ),
    }
}

fn patience_said(config: &Config) -> String {
    let Patience { least, most, .. } = Patience::of(config);
    if least == most {
        format!("{least:?}")
    } else {
        format!("{least:?} to {most:?}")
    }
}

#[cfg(test)]
mod tests;
