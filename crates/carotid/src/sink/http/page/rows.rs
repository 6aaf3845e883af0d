//! Choosing one screenful of sessions, in an order, out of as many as there are: one look at each, and
//! no more kept than the screenful.

use std::collections::BTreeSet;
use std::net::IpAddr;

use carotid_core::{Health, SessionName, SessionView};
use carotid_netrpc::PeerAddr;

use crate::driver::{Driver, contains};
use crate::sink::api::Session;

/// What sessions are ordered by; names decide between equals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sort {
    /// Those that somebody must look at first.
    #[default]
    Health,
    Name,
    /// Whose health changed last.
    Since,
}

/// A session's place in an order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) rank: u64,
    pub(super) name: SessionName,
}

/// Where a screenful begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum From {
    #[default]
    First,
    After(Key),
    Before(Key),
    Last,
}

/// Which sessions are wanted.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    /// A part of the name, in whatever case if it is ASCII.
    pub(super) search: Option<String>,
    pub(super) service: Option<String>,
    pub(super) host: Option<IpAddr>,
    /// Any of these words; none is all.
    pub(super) states: Vec<&'static str>,
    /// Not this one.
    pub(super) but: Option<String>,
}

/// A screenful of sessions.
#[derive(Clone, Debug, Default)]
pub(super) struct Screenful {
    pub(super) rows: Vec<Session>,
    /// Where the first and the last of them stand.
    pub(super) ends: Option<(Key, Key)>,
    /// How many are before the first of them.
    pub(super) before: u64,
    /// How many are wanted altogether.
    pub(super) total: u64,
    /// How many of those are not alive and well, and did not leave either.
    pub(super) troubled: u64,
}

/// The word for what a session is, as pages have it: `wedged` is one of them.
pub(super) fn word(view: &SessionView) -> &'static str {
    if view.wedged && view.health == Health::Alive {
        "wedged"
    } else {
        view.health.as_str()
    }
}

impl Wanted {
    fn accepts(&self, view: &SessionView, peer: Option<PeerAddr>) -> bool {
        let name = view.name.as_str();
        (self.states.is_empty() || self.states.contains(&word(view)))
            && (self.service.as_deref()).is_none_or(|service| view.name.service() == service)
            && self.host.is_none_or(|host| host_of(peer) == Some(host))
            && (self.search.as_deref()).is_none_or(|search| contains(name, search))
            && self.but.as_deref() != Some(name)
    }
}

/// The machine that a session was last heard from.
pub(super) fn host_of(peer: Option<PeerAddr>) -> Option<IpAddr> {
    match peer? {
        PeerAddr::Tcp(address) => Some(address.ip()),
        PeerAddr::Unix { .. } | _ => None,
    }
}

impl Sort {
    fn rank(self, view: &SessionView) -> u64 {
        match self {
            Self::Health => match (view.health, view.wedged) {
                (Health::Dead, _) => 0,
                (Health::Suspect, _) => 1,
                (Health::Alive, true) => 2,
                (Health::Alive, false) => 3,
                (Health::Left, _) => 4,
            },
            Self::Name => 0,
            Self::Since => u64::MAX - view.since.as_nanos(),
        }
    }
}

/// The choice while sessions are looked at.
#[derive(Debug)]
pub(super) struct Choice {
    wanted: Wanted,
    sort: Sort,
    from: From,
    limit: usize,
    kept: BTreeSet<Key>,
    total: u64,
    troubled: u64,
    /// How many are before the place where the screenful begins, or ends.
    outside: u64,
}

impl Choice {
    pub(super) fn new(wanted: Wanted, sort: Sort, from: From, limit: usize) -> Self {
        Self {
            wanted,
            sort,
            from,
            limit,
            kept: BTreeSet::new(),
            total: 0,
            troubled: 0,
            outside: 0,
        }
    }

    pub(super) fn look(&mut self, view: &SessionView, peer: Option<PeerAddr>) {
        if !self.wanted.accepts(view, peer) {
            return;
        }
        self.total += 1;
        self.troubled += u64::from(!matches!(word(view), "alive" | "left"));
        let rank = self.sort.rank(view);
        // Compared before anything is copied: of a million names few are kept.
        let place = (rank, &view.name);
        let from_the_end = match &self.from {
            From::First => false,
            From::Last => true,
            From::After(start) => {
                if place <= (start.rank, &start.name) {
                    self.outside += 1;
                    return;
                }
                false
            }
            From::Before(end) => {
                if place >= (end.rank, &end.name) {
                    return;
                }
                self.outside += 1;
                true
            }
        };
        if self.kept.len() == self.limit {
            let worst = if from_the_end {
                self.kept.first()
            } else {
                self.kept.last()
            };
            let worst = worst.expect("the limit is not zero");
            if (place < (worst.rank, &worst.name)) == from_the_end {
                return;
            }
            if from_the_end {
                self.kept.pop_first();
            } else {
                self.kept.pop_last();
            }
        }
        self.kept.insert(Key {
            rank,
            name: view.name.clone(),
        });
    }

    /// The screenful, with each session as it is now.
    pub(super) fn found(self, driver: &Driver) -> Screenful {
        let kept = self.kept.len() as u64;
        let before = match self.from {
            From::First => 0,
            From::After(_) => self.outside,
            From::Before(_) => self.outside - kept,
            From::Last => self.total - kept,
        };
        let rows = self
            .kept
            .iter()
            .filter_map(|key| driver.find(key.name.as_str()));
        Screenful {
            rows: rows.map(Session::from).collect(),
            ends: self.kept.first().cloned().zip(self.kept.last().cloned()),
            before,
            total: self.total,
            troubled: self.troubled,
        }
    }
}
