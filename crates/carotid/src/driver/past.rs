//! What a journal remembers, and how it comes back.

use std::sync::atomic::Ordering;
use std::time::Duration;

use carotid_core::{
    BreakerConfig, Cause, Config, ConfigError, OpenError, PastEnd, Restored, SessionName, Terms,
};
use carotid_netrpc::PeerAddr;

use super::Driver;
use super::shard::Peer;
use crate::hub::{Happening, Hub, Restart};

/// What a journal remembers from before a restart.
#[derive(Debug)]
pub(crate) struct Past {
    /// The journal's own number, which event streams tell.
    pub(crate) journal: u64,
    /// The number of its last event.
    pub(crate) last_seq: u64,
    /// For how long nobody watched; `None` if this is its first run.
    pub(crate) down: Option<Duration>,
    /// Of each name its last session: those that have not ended, and those that have, in the order in
    /// which they did.
    pub(crate) sessions: Vec<PastSession>,
}

/// A session from before a restart.
#[derive(Debug)]
pub(crate) struct PastSession {
    /// The number of its `opened` event.
    pub(crate) session: u64,
    pub(crate) name: SessionName,
    pub(crate) epoch: u32,
    pub(crate) terms: Terms,
    /// Where it was last heard from.
    pub(crate) peer: Option<PeerAddr>,
    pub(crate) verdict: Option<PastVerdict>,
}

/// How a session ended before a restart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PastVerdict {
    /// The number of its last event.
    pub(crate) seq: u64,
    /// How long ago that was.
    pub(crate) ago: Duration,
    /// How long it had been silent then.
    pub(crate) silent: Duration,
    /// Why it was dead; `None` if it said goodbye.
    pub(crate) died_of: Option<Cause>,
}

/// What keeps a driver from taking up a past.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// Settings that contradict themselves.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is no room for those who are waiting to be heard again, and nobody is to be forgotten (I7).
    #[error("{waiting} sessions have not ended, and the table may hold {max_sessions}")]
    Table {
        /// How many are waited for.
        waiting: usize,
        /// How many there may be.
        max_sessions: u32,
    },
}

impl Driver {
    /// A driver that goes on where a journal ends: whoever had not ended is suspect until it beats, with
    /// its full timeout from now on (I7). Events are shown once [`Hub::show`] says that they are durable.
    pub(crate) fn restored(
        config: &Config,
        breaker: BreakerConfig,
        past: Past,
    ) -> Result<Self, RestoreError> {
        let hub = Hub::journaled(past.journal, past.last_seq);
        let (ended, waiting): (Vec<_>, Vec<_>) = past
            .sessions
            .into_iter()
            .partition(|session| session.verdict.is_some());
        let sessions = u32::try_from(waiting.len()).unwrap_or(u32::MAX);
        if config.max_sessions < sessions {
            return Err(RestoreError::Table {
                waiting: waiting.len(),
                max_sessions: config.max_sessions,
            });
        }
        let last_connection = waiting.iter().chain(&ended).filter_map(connection).max();
        let names: Vec<_> = waiting.iter().map(|session| session.name.clone()).collect();
        let driver = Self::with_hub(config, breaker, hub, &names)?;
        for session in waiting {
            let restored = driver.restore(session);
            restored.expect("each shard has room for those of its own");
        }
        for session in ended {
            // What had ended makes room for what has not.
            let _no_room = driver.restore(session);
        }
        let known = &driver.shared.last_connection;
        known.store(last_connection.unwrap_or(0), Ordering::Relaxed);
        driver.shared.count_sessions();
        if let Some(down) = past.down {
            let at = driver.wall(driver.shared.now());
            let restart = Restart { down, sessions };
            let what = |_| Happening::Restarted(restart);
            driver.shared.hub.publish(at, what);
        }
        Ok(driver)
    }

    /// The highest number of a connection that a session from before is named after: those who connect
    /// now are somebody else.
    pub(crate) fn last_connection(&self) -> u64 {
        self.shared.last_connection.load(Ordering::Relaxed)
    }

    fn restore(&self, past: PastSession) -> Result<(), OpenError> {
        let shard = &self.shared.shards[self.shared.shard_of(past.name.as_str()) as usize];
        let mut state = shard.lock();
        let now = self.shared.now();
        let ended = past.verdict.map(|verdict| PastEnd {
            at: now.before(verdict.ago),
            silent: verdict.silent,
            died_of: verdict.died_of,
        });
        let restored = Restored {
            name: past.name.clone(),
            epoch: past.epoch,
            terms: past.terms,
            ended,
        };
        let mut breaker = self.shared.breaker();
        let id = state.engine.restore(now, restored, &mut breaker)?;
        self.shared.take_up(past.name, ended);
        let slot = id.index();
        if state.peers.len() <= slot {
            state.peers.resize(slot + 1, None);
        }
        state.peers[slot] = Some(Peer {
            address: past.peer,
            session: past.session,
            verdict: past.verdict.map_or(0, |verdict| verdict.seq),
            ..Peer::default()
        });
        Ok(())
    }

    /// While barred, nobody dies: verdicts cannot be kept now (I8).
    pub(crate) fn bar(&self, barred: bool) {
        for shard in &self.shared.shards {
            shard.lock().engine.bar(barred);
        }
        self.shared.breaker().bar(barred);
    }
}

/// The number of the connection that a session is named after.
fn connection(session: &PastSession) -> Option<u64> {
    let number = session.name.as_str().strip_prefix("conn/")?;
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use carotid_core::{Health, Standing};
    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    fn session(session: u64, name: &str, verdict: Option<PastVerdict>) -> PastSession {
        PastSession {
            session,
            name: name.parse().unwrap(),
            epoch: 2,
            terms: Terms::default(),
            peer: None,
            verdict,
        }
    }

    fn driver() -> Driver {
        let died = PastVerdict {
            seq: 38,
            ago: Duration::from_secs(600),
            silent: Duration::from_secs(9),
            died_of: Some(Cause::Reset),
        };
        let past = Past {
            journal: 7,
            last_seq: 40,
            down: Some(Duration::from_secs(3)),
            sessions: vec![session(5, "a/1", None), session(9, "a/2", Some(died))],
        };
        Driver::restored(&Config::default(), BreakerConfig::default(), past).unwrap()
    }

    #[test]
    fn the_living_come_back_suspect_and_the_dead_stay_dead() {
        let driver = driver();
        assert_eq!(driver.sessions(), 1);
        let waiting = driver.find("a/1").unwrap();
        assert_eq!(waiting.view.health, Health::Suspect);
        assert_eq!(waiting.view.cause, Some(Cause::Restart));
        let dead = driver.find("a/2").unwrap();
        assert_eq!(dead.view.health, Health::Dead);
        let ago = driver.wall(driver.shared.now()).duration_since(dead.since);
        assert!((599..=601).contains(&ago.as_secs()), "{ago}");
    }

    #[test]
    fn a_full_table_comes_back_however_its_names_spread() {
        let config = Config {
            max_sessions: 10_000,
            ..Config::default()
        };
        let past = |count: u64| Past {
            journal: 7,
            last_seq: count,
            down: None,
            sessions: (1..=count)
                .map(|number| session(number, &format!("a/{number}"), None))
                .collect(),
        };
        let breaker = BreakerConfig::default();
        let driver = Driver::restored(&config, breaker, past(10_000)).unwrap();
        assert_eq!(driver.sessions(), 10_000);
        let refused = Driver::restored(&config, breaker, past(10_001)).unwrap_err();
        assert!(refused.to_string().contains("10001"), "{refused}");
    }

    #[tokio::test]
    async fn no_silence_counts_before_somebody_listens() {
        let ms = Duration::from_millis;
        let terms = Terms::new(ms(20), ms(60)).unwrap();
        let past = Past {
            journal: 7,
            last_seq: 40,
            down: Some(ms(1)),
            sessions: vec![PastSession {
                terms,
                ..session(5, "a/1", None)
            }],
        };
        let breaker = BreakerConfig::default();
        let driver = Driver::restored(&Config::default(), breaker, past).unwrap();
        let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
        let witness = Driver::new(&Config::default(), breaker).unwrap();
        let mut witnessed = witness.hub().subscribe(Some(0));
        witness.attend(&tasks, &shutdown);
        let peer = PeerAddr::Unix { pid: None };
        let name = "witness".parse().unwrap();
        witness.open(name, Some(terms), peer).unwrap();
        while witnessed.next(1).await.records[0].what.as_str() != "dead" {}
        let before = driver.shared.now();
        driver.attend(&tasks, &shutdown);
        assert!(driver.shared.now().since(before) < ms(40));
        assert!(!driver.find("a/1").unwrap().view.health.is_final());
    }

    #[test]
    fn anonymous_connections_take_no_name_from_before() {
        let past = Past {
            journal: 7,
            last_seq: 40,
            down: None,
            sessions: vec![session(5, "conn/17", None), session(6, "conn/x", None)],
        };
        let driver = Driver::restored(&Config::default(), BreakerConfig::default(), past).unwrap();
        assert_eq!(driver.last_connection(), 17);
    }

    #[test]
    fn events_go_on_with_the_next_number_and_name_the_session_they_are_of() {
        let driver = driver();
        let peer = PeerAddr::Unix { pid: None };
        driver.open("a/1".parse().unwrap(), None, peer).unwrap();
        driver.open("a/2".parse().unwrap(), None, peer).unwrap();
        let told: Vec<_> = driver
            .hub()
            .pending(9, Duration::ZERO)
            .into_iter()
            .map(|record| {
                let session = if let Happening::Session(conclusion) = &record.what {
                    conclusion.session
                } else {
                    0
                };
                (record.seq, record.what.as_str(), session)
            })
            .collect();
        assert_eq!(
            told,
            [(41, "restarted", 0), (42, "back", 5), (43, "opened", 43)]
        );
    }

    #[tokio::test]
    async fn an_end_that_is_not_durable_is_not_shown() {
        let driver = driver();
        let peer = PeerAddr::Unix { pid: None };
        let (key, _) = driver.open("b".parse().unwrap(), None, peer).unwrap();
        driver.close(key).unwrap();
        let view = driver.find("b").unwrap().view;
        assert_eq!(
            (view.health, view.standing),
            (Health::Suspect, Standing::Held)
        );
        let left = async || driver.count(|view| view.health == Health::Left).await;
        assert_eq!(left().await, 0);
        driver.hub().show(43);
        assert_eq!(left().await, 1);
        assert_eq!(driver.find("b").unwrap().view.health, Health::Left);
    }
}
