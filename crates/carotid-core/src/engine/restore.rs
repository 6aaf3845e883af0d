//! Sessions from before a restart.

use super::{Ended, Engine};
use crate::detector::Detector;
use crate::evidence::Phase;
use crate::history::History;
use crate::session::{Limit, Profile, Session};
use crate::{Breaker, Cause, Health, OpenError, Restored, SessionId, Tick};

impl Engine {
    /// Takes up a session from before a restart. One that had not ended is Suspect with cause
    /// [`Cause::Restart`] and has its full timeout from now on: that we were not there is not held
    /// against it, and it is not forgotten (I7). One that had ended is remembered for as long as it
    /// would have been.
    ///
    /// Concludes nothing. Restore before anything is opened, of each name its last life, and ended
    /// sessions in the order in which they ended.
    ///
    /// # Errors
    ///
    /// A full table; nothing has changed then.
    pub fn restore(
        &mut self,
        now: Tick,
        restored: Restored,
        breaker: &mut Breaker,
    ) -> Result<SessionId, OpenError> {
        let Restored {
            name,
            epoch,
            terms,
            ended,
        } = restored;
        if let Some(id) = self.table.find(name.as_str()) {
            return Ok(id);
        }
        self.make_room()?;
        let (health, cause) = match ended.map(|end| end.died_of) {
            None => (Health::Suspect, Cause::Restart),
            Some(Some(cause)) => (Health::Dead, cause),
            Some(None) => (Health::Left, Cause::Goodbye),
        };
        let since = ended.map_or(now, |end| end.at);
        let last_beat = ended.map_or(now, |end| end.at.before(end.silent));
        let detector = Detector::default();
        let session = Session {
            generation: 0,
            terms,
            limit: Limit::patience(self.rule.patience(&detector, terms, 0)),
            detector,
            history: History::default(),
            last_beat,
            beats: 0,
            connections: 0,
            health,
            cause: Some(cause),
            phase: Phase::Clear,
            wedged: false,
        };
        if !health.is_final() {
            breaker.count_restored(name.as_str());
        }
        let profile = Profile {
            name: name.as_str().into(),
            since,
            epoch,
        };
        let id = self.table.insert(session, profile);
        if health.is_final() {
            let forget_at = since.after(self.config.retention);
            self.ended.push_back(Ended { forget_at, id });
        }
        self.rearm(id);
        Ok(id)
    }
}
