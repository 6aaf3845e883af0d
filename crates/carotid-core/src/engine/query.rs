//! What an engine can be asked. Nothing here changes it.

use core::ops::Range;
use core::time::Duration;

use super::Engine;
use crate::session::{Profile, Session};
use crate::{Health, SessionId, SessionView, Terms, Tick};

impl Engine {
    /// What we believe of a session at `now`: never Alive past a deadline, however late the sweep
    /// (I3). `None` if it is not remembered.
    #[must_use]
    pub fn health(&self, now: Tick, id: SessionId) -> Option<Health> {
        self.view(now, id).map(|view| view.health)
    }

    /// The terms in force. `None` if the session is not remembered.
    #[must_use]
    pub fn terms(&self, id: SessionId) -> Option<Terms> {
        self.table.get(id).map(|session| session.terms)
    }

    /// All that is known of a session at `now`.
    ///
    /// A session whose timeout has passed is Suspect until [`Engine::handle_timeout`] has judged it.
    #[must_use]
    pub fn view(&self, now: Tick, id: SessionId) -> Option<SessionView> {
        let (session, profile) = (self.table.get(id)?, self.table.profile(id)?);
        Some(self.look(now, id, session, profile))
    }

    /// The gaps between the session's last beats, at most eight, oldest first; right to 0.1 %. None
    /// if it is not remembered.
    pub fn gaps(&self, id: SessionId) -> impl Iterator<Item = Duration> {
        let session = self.table.get(id);
        session
            .into_iter()
            .flat_map(|session| session.history.gaps(session.beats))
    }

    /// The latest session of a name, ended or not.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<SessionId> {
        self.table.find(name)
    }

    /// The sessions in some of the table's slots (see [`Self::slots`]), for listing a large table
    /// in pieces. A session keeps its slot, so one that is there throughout is listed once.
    pub fn scan(&self, now: Tick, slots: Range<u32>) -> impl Iterator<Item = SessionView> {
        slots
            .filter_map(|slot| self.table.at(slot))
            .map(move |(id, session, profile)| self.look(now, id, session, profile))
    }

    fn look(&self, now: Tick, id: SessionId, session: &Session, profile: &Profile) -> SessionView {
        session.view(profile, id, now, &self.rule, self.own_health_score)
    }

    /// How many slots the table has, vacant ones included.
    #[must_use]
    pub fn slots(&self) -> u32 {
        u32::try_from(self.table.slots()).expect("max_sessions fits in 32 bits")
    }

    /// How many sessions are remembered, ended ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether no session is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
