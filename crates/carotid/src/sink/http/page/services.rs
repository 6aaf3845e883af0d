//! How each service is, and how all of them are together.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use carotid_core::{Health, ServiceHealth, SessionView};

use super::words::{count, many};
use crate::driver::{Driver, ServiceStatus, contains};

/// A service's place in the list: those that somebody must look at come first.
pub(super) type Key = (u8, Box<str>);

/// All services, and a screenful of them.
#[derive(Debug, Default)]
pub(super) struct Census {
    pub(super) rows: Vec<ServiceStatus>,
    /// Where the next screenful begins, and how many it and those after it have.
    pub(super) next: Option<(Key, u64)>,
    pub(super) fail: u64,
    pub(super) warn: u64,
    pub(super) pass: u64,
    pub(super) sessions: Sessions,
}

/// How many sessions are what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sessions {
    pub(super) alive: u64,
    pub(super) suspect: u64,
    pub(super) wedged: u64,
    /// Those that died and are remembered.
    pub(super) dead: u64,
}

fn place(status: &ServiceStatus) -> u8 {
    match status.health() {
        ServiceHealth::Fail => 0,
        ServiceHealth::Warn => 1,
        // Who has lost somebody of late may lose more.
        ServiceHealth::Pass if !status.deaths.is_empty() => 2,
        ServiceHealth::Pass => 3,
    }
}

/// Looks at every service once, and keeps the first so many after a place.
struct Choice<'a> {
    search: &'a str,
    after: Option<&'a Key>,
    limit: usize,
    kept: BTreeMap<Key, ServiceStatus>,
    left_over: u64,
    census: Census,
}

impl Choice<'_> {
    fn look(&mut self, status: &ServiceStatus) {
        let tally = status.tally;
        let sessions = &mut self.census.sessions;
        sessions.alive += u64::from(tally.alive());
        sessions.suspect += u64::from(tally.suspect);
        sessions.wedged += u64::from(tally.wedged);
        match status.health() {
            ServiceHealth::Fail => self.census.fail += 1,
            ServiceHealth::Warn => self.census.warn += 1,
            ServiceHealth::Pass => self.census.pass += 1,
        }
        let key = (place(status), status.name.clone());
        if !contains(&status.name, self.search) || self.after.is_some_and(|after| key <= *after) {
            return;
        }
        if self.kept.len() == self.limit {
            self.left_over += 1;
            if self
                .kept
                .last_key_value()
                .is_some_and(|(last, _)| *last < key)
            {
                return;
            }
            self.kept.pop_last();
        }
        self.kept.insert(key, status.clone());
    }
}

/// The services that have `search` in their name, from the one after `after` on.
pub(super) async fn census(
    driver: &Driver,
    search: &str,
    after: Option<&Key>,
    limit: usize,
) -> Census {
    let choice = Mutex::new(Choice {
        search,
        after,
        limit,
        kept: BTreeMap::new(),
        left_over: 0,
        census: Census::default(),
    });
    let look = |status: &ServiceStatus| {
        choice
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .look(status);
        false
    };
    driver.services("", 1, "", look).await;
    let choice = choice.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut census = choice.census;
    let last = choice.kept.last_key_value().map(|(key, _)| key.clone());
    census.next = last
        .filter(|_| choice.left_over > 0)
        .map(|key| (key, choice.left_over));
    census.rows = choice.kept.into_values().collect();
    let is_dead = |view: &SessionView| view.health == Health::Dead;
    census.sessions.dead = driver.count(is_dead).await;
    census
}

impl Census {
    /// How many services there are.
    pub(super) const fn all(&self) -> u64 {
        self.fail + self.warn + self.pass
    }

    /// The state of everything in one sentence.
    pub(super) fn headline(&self) -> String {
        let a_look = |number: u64| {
            let needs = if number == 1 { "needs" } else { "need" };
            format!("{needs} a look")
        };
        let is = if self.fail == 1 { "is" } else { "are" };
        let dead = self.sessions.dead;
        match (self.all(), self.fail, self.warn) {
            // Those who are left may do, but nobody who has lost somebody wants to read that all is well.
            (_, 0, 0) if dead > 0 => {
                let is = if dead == 1 { "is" } else { "are" };
                format!("{} {is} dead, no service is failing", many(dead, "session"))
            }
            (0, ..) => "Nobody is watched yet".to_owned(),
            (1, 0, 0) => "The one service passes".to_owned(),
            (all, 0, 0) => format!("All {} services pass", count(all)),
            (_, 0, warn) => format!("{} {}", many(warn, "service"), a_look(warn)),
            (_, fail, 0) => format!("{} {is} failing", many(fail, "service")),
            (_, fail, warn) => {
                let failing = format!("{} {is} failing", many(fail, "service"));
                format!("{failing}, {} {}", count(warn), a_look(warn))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headline_is_a_sentence_whatever_the_numbers() {
        let headline = |fail, warn, pass| {
            let census = Census {
                fail,
                warn,
                pass,
                ..Census::default()
            };
            census.headline()
        };
        assert_eq!(headline(0, 0, 0), "Nobody is watched yet");
        assert_eq!(headline(0, 0, 1), "The one service passes");
        assert_eq!(headline(0, 0, 1200), "All 1,200 services pass");
        assert_eq!(headline(0, 1, 3), "1 service needs a look");
        assert_eq!(headline(1, 0, 3), "1 service is failing");
        assert_eq!(headline(2, 1, 0), "2 services are failing, 1 needs a look");
    }

    #[test]
    fn nobody_passes_in_the_headline_while_the_dead_are_remembered() {
        let headline = |dead, warn| {
            let sessions = Sessions {
                dead,
                ..Sessions::default()
            };
            let census = Census {
                pass: 3,
                warn,
                sessions,
                ..Census::default()
            };
            census.headline()
        };
        assert_eq!(headline(0, 0), "All 3 services pass");
        assert_eq!(headline(1, 0), "1 session is dead, no service is failing");
        assert_eq!(
            headline(1400, 0),
            "1,400 sessions are dead, no service is failing"
        );
        assert_eq!(headline(1, 1), "1 service needs a look");
    }
}
