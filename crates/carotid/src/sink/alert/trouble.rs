//! What people can be told of.

use std::str::FromStr;

/// Something that people want to be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// A session died. Over when its name opens again.
    Dead,
    /// A session is suspect. Over when it is back, or has ended.
    Suspect,
    /// A session beats, but its main loop makes no progress. Over when it does, or has ended.
    Wedged,
    /// A service fails.
    ServiceFail,
    /// A service does not pass: it warns, or fails.
    ServiceWarn,
    /// Many sessions fell silent together. Over when no death of it is held any more.
    MassSilence,
    /// The daemon itself did not run for a while. Has no end.
    Stalled,
    /// The daemon started again. Has no end.
    Restarted,
}

/// No trouble has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing is called {word:?}; a rule is on {}", Trouble::words())]
pub struct UnknownTrouble {
    word: String,
}

impl Trouble {
    /// What a rule is on that says nothing of it.
    pub const DEFAULT: [Self; 4] = [
        Self::Dead,
        Self::Wedged,
        Self::ServiceFail,
        Self::MassSilence,
    ];

    /// All there are.
    pub const ALL: [Self; 8] = [
        Self::Dead,
        Self::Suspect,
        Self::Wedged,
        Self::ServiceFail,
        Self::ServiceWarn,
        Self::MassSilence,
        Self::Stalled,
        Self::Restarted,
    ];

    /// The word for it, as rules have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::Suspect => "suspect",
            Self::Wedged => "wedged",
            Self::ServiceFail => "service_fail",
            Self::ServiceWarn => "service_warn",
            Self::MassSilence => "mass_silence",
            Self::Stalled => "stalled",
            Self::Restarted => "restarted",
        }
    }

    /// Whether it has no end to wait for.
    pub(super) const fn is_momentary(self) -> bool {
        matches!(self, Self::Stalled | Self::Restarted)
    }

    /// Whether it is one of sessions, which can be grouped.
    pub(super) const fn is_of_session(self) -> bool {
        matches!(self, Self::Dead | Self::Suspect | Self::Wedged)
    }

    /// Whether it is one of whole services.
    pub(super) const fn is_of_service(self) -> bool {
        matches!(self, Self::ServiceFail | Self::ServiceWarn)
    }

    /// Whether there is one service to which it belongs.
    pub(super) const fn has_service(self) -> bool {
        self.is_of_session() || self.is_of_service()
    }

    /// The label `severity`, unless the rule has one of its own.
    pub(super) const fn severity(self) -> &'static str {
        match self {
            Self::ServiceFail | Self::MassSilence => "critical",
            Self::Dead | Self::Wedged | Self::ServiceWarn => "warning",
            Self::Suspect | Self::Stalled | Self::Restarted => "info",
        }
    }

    /// The name of its alert in an Alertmanager.
    pub(super) const fn alertname(self) -> &'static str {
        match self {
            Self::Dead => "CarotidSessionDead",
            Self::Suspect => "CarotidSessionSuspect",
            Self::Wedged => "CarotidSessionWedged",
            Self::ServiceFail => "CarotidServiceFail",
            Self::ServiceWarn => "CarotidServiceWarn",
            Self::MassSilence => "CarotidMassSilence",
            Self::Stalled => "CarotidStalled",
            Self::Restarted => "CarotidRestarted",
        }
    }

    fn words() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }
}

impl FromStr for Trouble {
    type Err = UnknownTrouble;

    fn from_str(word: &str) -> Result<Self, UnknownTrouble> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == word);
        found.ok_or_else(|| UnknownTrouble {
            word: word.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trouble_is_found_by_its_word() {
        for trouble in Trouble::ALL {
            assert_eq!(trouble.as_str().parse(), Ok(trouble));
        }
        let unknown = "deaf".parse::<Trouble>().unwrap_err();
        assert!(unknown.to_string().contains("mass_silence"), "{unknown}");
    }
}
