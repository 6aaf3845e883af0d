//! What a journal remembers, and how it comes back.

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
    #[error("the journal has more sessions that have not ended than the table may hold")]
    Table(#[from] OpenError),
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
        let driver = Self::with_hub(config, breaker, hub)?;
        let (ended, waiting): (Vec<_>, Vec<_>) = past
            .sessions
            .into_iter()
            .partition(|session| session.verdict.is_some());
        let mut sessions = 0;
        for session in waiting {
            driver.restore(session)?;
            sessions += 1;
        }
        for session in ended {
            // What had ended makes room for what has not.
            let _no_room = driver.restore(session);
        }
        driver.shared.count_sessions();
        if let Some(down) = past.down {
            let at = driver.wall(driver.shared.now());
            let restart = Restart { down, sessions };
            let what = |_| Happening::Restarted(restart);
            driver.shared.hub.publish(at, what);
        }
        Ok(driver)
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

#[cfg(test)]
mod tests {
    use super::*;
    use carotid_core::{Health, Standing};

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

    #[test]
    fn an_end_that_is_not_durable_is_not_shown() {
        let driver = driver();
        let peer = PeerAddr::Unix { pid: None };
        let (key, _) = driver.open("b".parse().unwrap(), None, peer).unwrap();
        driver.close(key).unwrap();
        let view = driver.find("b").unwrap().view;
        assert_eq!(
            (view.health, view.standing),
            (Health::Suspect, Standing::Held)
        );
        driver.hub().show(43);
        assert_eq!(driver.find("b").unwrap().view.health, Health::Left);
    }
}
