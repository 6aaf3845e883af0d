//! What the event log tells of.

use std::time::Duration;

use carotid_core::{Event, EventKind, Incident, IncidentEnd, Stall, Terms};
use carotid_netrpc::PeerAddr;

/// What the log tells of.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Happening {
    /// Something was concluded of a session.
    Session(Conclusion),
    /// We did not run for a while, for which no session is held to account.
    Stalled(Stall),
    /// Many sessions fell silent together, and their deaths are held back.
    MassSilence(Incident),
    /// That is over, and no death of it is held any more.
    MassSilenceOver(IncidentEnd),
    /// We were not there at all for a while. All sessions that had not ended are suspect from now on.
    Restarted(Restart),
    /// So many suspicions and the like could not be kept while the journal could not be written. No
    /// beginning and no end of a session is among them.
    Skipped(u64),
}

/// The first event of a run that goes on with an earlier one's journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restart {
    /// For how long nobody watched, to within the few seconds in which a run tells that it is there.
    pub down: Duration,
    /// How many sessions came back.
    pub sessions: u32,
}

/// Something that was concluded of a session, with what the engine cannot know.
#[derive(Clone, Debug)]
pub struct Conclusion {
    /// What.
    pub event: Event,
    /// The number of the session's `opened` event: it names the session for ever, across restarts too.
    pub session: u64,
    /// What is agreed with it from then on.
    pub terms: Terms,
    /// Where the session was last heard from.
    pub peer: Option<PeerAddr>,
    /// The round trip to it, as the peer itself measured it last.
    pub round_trip: Option<Duration>,
    /// How long we did not run since its last beat.
    pub stalled: Duration,
}

impl Happening {
    /// What was concluded, if it was of a session.
    #[must_use]
    pub const fn event(&self) -> Option<&Event> {
        match self {
            Self::Session(conclusion) => Some(&conclusion.event),
            Self::Stalled(_)
            | Self::MassSilence(_)
            | Self::MassSilenceOver(_)
            | Self::Restarted(_)
            | Self::Skipped(_) => None,
        }
    }

    /// The mass silence, if it is one.
    #[must_use]
    pub const fn incident(&self) -> Option<&Incident> {
        match self {
            Self::MassSilence(incident) => Some(incident),
            Self::Session(_)
            | Self::Stalled(_)
            | Self::MassSilenceOver(_)
            | Self::Restarted(_)
            | Self::Skipped(_) => None,
        }
    }

    /// Whether a later event of the same session tells what this one did.
    pub(super) const fn is_superseded(&self) -> bool {
        match self {
            Self::Session(conclusion) => !matches!(
                conclusion.event.kind,
                EventKind::Opened { .. }
                    | EventKind::Dead { .. }
                    | EventKind::Left
                    | EventKind::Revised
            ),
            Self::Stalled(_)
            | Self::MassSilence(_)
            | Self::MassSilenceOver(_)
            | Self::Restarted(_)
            | Self::Skipped(_) => false,
        }
    }

    /// Whether it only tells of other terms.
    pub(super) const fn is_revision(&self) -> bool {
        matches!(self, Self::Session(conclusion) if matches!(conclusion.event.kind, EventKind::Revised))
    }

    /// The word for it: that of [`EventKind::as_str`], `stalled`, `mass_silence`, `mass_silence_over`,
    /// `restarted` or `skipped`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Session(conclusion) => conclusion.event.kind.as_str(),
            Self::Stalled(_) => "stalled",
            Self::MassSilence(_) => "mass_silence",
            Self::MassSilenceOver(_) => "mass_silence_over",
            Self::Restarted(_) => "restarted",
            Self::Skipped(_) => "skipped",
        }
    }
}
