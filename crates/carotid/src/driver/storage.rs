//! Whether verdicts can be kept now (I8), judged where nobody waits for a disk: one that does not answer
//! at all must bar deaths as well as one that refuses.

use std::time::Duration;

use carotid_core::{Tally, Tick};
use hashbrown::HashMap;

use super::Driver;

/// When the oldest event has waited for so long, nobody dies until what waits is younger than half of it.
const LATE: Duration = Duration::from_secs(2);

/// When more events wait than this, nobody dies until half of them are written.
const MANY_PENDING: u64 = 100_000;

/// Whether what waits for the journal bars deaths.
pub(crate) fn is_late(pending: u64, oldest: Duration) -> bool {
    MANY_PENDING < pending || LATE < oldest
}

impl Driver {
    /// How much time we attended so far (I6). It goes on after a stall is over, which is told of at once
    /// then.
    pub(crate) fn attended(&self) -> Duration {
        self.shared.now().since(Tick::default())
    }

    /// How the sessions of each service of several are, and the number of the last event that made them
    /// so.
    pub(crate) fn tallies(&self) -> Tallies {
        // Whoever concludes something counts and publishes it under this lock.
        let breaker = self.shared.breaker();
        let services = breaker.services_after("");
        Tallies {
            through: self.hub().last_published(),
            services: services.map(|(name, tally)| (name.into(), tally)).collect(),
        }
    }
}

/// How the sessions of all services were after an event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tallies {
    pub(crate) through: u64,
    pub(crate) services: HashMap<Box<str>, Tally>,
}

/// What was concluded of the journal so far.
#[derive(Debug, Default)]
pub(super) struct Storage {
    barred: bool,
}

impl Storage {
    /// Bars deaths, or lifts the bar, if that is due.
    pub(super) fn look(&mut self, driver: &Driver) {
        let hub = driver.hub();
        let times = if self.barred { 2_u32 } else { 1 };
        let oldest = hub.oldest_pending().unwrap_or_default();
        let bar =
            hub.is_failing() || is_late(hub.count_pending() * u64::from(times), oldest * times);
        if bar != self.barred {
            self.barred = bar;
            driver.bar(bar);
        }
    }
}

#[cfg(test)]
mod tests {
    use carotid_core::{BreakerConfig, Config};
    use carotid_netrpc::PeerAddr;

    use super::*;
    use crate::driver::Past;

    #[test]
    fn deaths_wait_while_nothing_is_written_and_no_longer() {
        let past = Past {
            journal: 7,
            last_seq: 0,
            down: None,
            sessions: Vec::new(),
        };
        let driver = Driver::restored(&Config::default(), BreakerConfig::default(), past).unwrap();
        let mut storage = Storage::default();
        let peer = PeerAddr::Unix { pid: None };
        driver.open("a".parse().unwrap(), None, peer).unwrap();
        storage.look(&driver);
        assert!(!storage.barred);
        // Nobody writes, and nobody says so.
        while !storage.barred {
            storage.look(&driver);
            std::thread::yield_now();
        }
        assert!(driver.hub().oldest_pending().unwrap() > LATE);
        driver.hub().show(1);
        storage.look(&driver);
        assert!(!storage.barred);
        driver.hub().set_failing(true);
        storage.look(&driver);
        assert!(storage.barred);
    }
}
