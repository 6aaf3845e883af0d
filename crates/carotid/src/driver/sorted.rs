//! Lists of sessions in order, a page at a time.
//!
//! There is no index but that of names by hash: a beat must not pay for a list. A page is the first
//! so many after a place, found by looking at all sessions once.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use carotid_core::{Health, SessionView};

use super::{Driver, Watched};

/// What a list of sessions is ordered by, and by name (bytes) where that is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SortKey {
    /// Their names.
    Name,
    /// Since when their health is what it is, the longest first.
    Since,
    /// How bad it is: dead, suspect, wedged, alive, left.
    Health,
}

/// How a list of sessions is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sorting {
    /// By what.
    pub key: SortKey,
    /// The other way round, names included.
    pub is_reversed: bool,
}

/// A place in an ordered list: that of a session, whether or not it is still there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub(crate) rank: u64,
    pub(crate) name: Box<str>,
}

/// A part of an ordered list.
#[derive(Clone, Debug)]
pub struct Page {
    /// In order.
    pub sessions: Vec<Watched>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<Place>,
    /// How many sessions there are in the whole list.
    pub total: u64,
}

impl Sorting {
    pub(super) const NAME: Self = Self {
        key: SortKey::Name,
        is_reversed: false,
    };

    fn rank(self, view: &SessionView) -> u64 {
        match self.key {
            SortKey::Name => 0,
            SortKey::Since => view.since.as_nanos(),
            SortKey::Health => match view.health {
                Health::Dead => 0,
                Health::Suspect => 1,
                Health::Alive if view.wedged => 2,
                Health::Alive => 3,
                Health::Left => 4,
            },
        }
    }

    fn order(self, one: (u64, &str), other: (u64, &str)) -> Ordering {
        if self.is_reversed {
            other.cmp(&one)
        } else {
            one.cmp(&other)
        }
    }
}

impl Place {
    /// The place of a session in a list by name.
    pub(super) fn of_name(name: &str) -> Self {
        Self {
            rank: 0,
            name: name.into(),
        }
    }

    fn key(&self) -> (u64, &str) {
        (self.rank, &self.name)
    }
}

/// A session in its place; the greatest is the last in the list.
struct Row {
    sorting: Sorting,
    place: Place,
    watched: Watched,
}

impl Ord for Row {
    fn cmp(&self, other: &Self) -> Ordering {
        self.sorting.order(self.place.key(), other.place.key())
    }
}

impl PartialOrd for Row {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Row {}

impl Driver {
    /// The first `limit` sessions after `after` that `wanted` accepts, in this order, and how many
    /// it accepts in all. What changes meanwhile may be listed as it was before or after.
    ///
    /// Costs a look at every session (about 0.1 s for a million) and room for `limit` of them,
    /// whatever is wanted. No lock is held for long, and others have their turn in between.
    pub async fn sorted(
        &self,
        sorting: Sorting,
        after: Option<&Place>,
        limit: usize,
        wanted: impl Fn(&SessionView) -> bool,
    ) -> Page {
        let mut total = 0;
        let mut rows = BinaryHeap::new();
        self.each(|view, _, watch| {
            if !wanted(&view) {
                return;
            }
            total += 1;
            let rank = sorting.rank(&view);
            let key = (rank, view.name.as_str());
            let is_before = |place: &Place| sorting.order(key, place.key()) == Ordering::Less;
            let is_seen =
                after.is_some_and(|after| sorting.order(key, after.key()) != Ordering::Greater);
            // One more than wanted shows whether there is another page.
            let is_full = rows.len() > limit;
            let is_beyond = rows
                .peek()
                .is_some_and(|last: &Row| is_full && !is_before(&last.place));
            if is_seen || is_beyond {
                return;
            }
            if is_full {
                rows.pop();
            }
            let name = view.name.as_str().into();
            rows.push(Row {
                sorting,
                place: Place { rank, name },
                watched: watch(view),
            });
        })
        .await;
        let mut rows = rows.into_sorted_vec();
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| has_more);
        Page {
            next: last.map(|row| row.place.clone()),
            sessions: rows.into_iter().map(|row| row.watched).collect(),
            total,
        }
    }

    /// How many sessions `wanted` accepts; costs as much as [`Self::sorted`].
    pub async fn count(&self, wanted: impl Fn(&SessionView) -> bool) -> u64 {
        let mut count = 0;
        self.each(|view, _, _| count += u64::from(wanted(&view)))
            .await;
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use carotid_core::{BreakerConfig, Config};
    use carotid_netrpc::PeerAddr;

    fn driver(names: &[String]) -> Driver {
        let driver = Driver::new(&Config::default(), BreakerConfig::default()).unwrap();
        driver.shared.clock.begin();
        for name in names {
            let peer = PeerAddr::Unix { pid: None };
            driver.open(name.parse().unwrap(), None, peer).unwrap();
        }
        driver
    }

    /// Names page by page.
    async fn all(driver: &Driver, sorting: Sorting, limit: usize) -> Vec<String> {
        let (mut names, mut after) = (Vec::new(), None);
        loop {
            let page = driver
                .sorted(sorting, after.as_ref(), limit, |_| true)
                .await;
            assert!(page.sessions.len() <= limit);
            let listed = page.sessions.iter();
            names.extend(listed.map(|session| session.view.name.to_string()));
            after = page.next;
            if after.is_none() {
                return names;
            }
        }
    }

    #[tokio::test]
    async fn pages_of_every_size_are_the_whole_list_in_order() {
        let mut names: Vec<_> = (0..700).map(|n| format!("a/{}", n * 7919 % 700)).collect();
        let driver = driver(&names);
        let opened = names.clone();
        names.sort();
        let by = |key, is_reversed| Sorting { key, is_reversed };
        for limit in [1, 99, 700, 1000] {
            assert_eq!(all(&driver, Sorting::NAME, limit).await, names);
            assert_eq!(all(&driver, by(SortKey::Since, false), limit).await, opened);
            // All are alive, and the name decides.
            assert_eq!(all(&driver, by(SortKey::Health, false), limit).await, names);
        }
        names.reverse();
        assert_eq!(all(&driver, by(SortKey::Name, true), 99).await, names);
    }

    #[tokio::test]
    async fn the_total_is_that_of_the_list_and_not_of_the_page() {
        let names: Vec<_> = (0..50).map(|n| format!("{}/{n}", n % 2)).collect();
        let driver = driver(&names);
        let wanted = |view: &SessionView| view.name.service() == "1";
        let page = driver.sorted(Sorting::NAME, None, 10, wanted).await;
        assert_eq!((page.sessions.len(), page.total), (10, 25));
        assert_eq!(driver.count(wanted).await, 25);
    }
}
