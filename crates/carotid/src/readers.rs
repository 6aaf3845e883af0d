//! Who reads what peers send, and whether all of them keep up: not to read it is not to attend (I6).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::vitality::Mark;

/// Threads that read what peers send. Each tells when it has handled all that was there to be read when
/// it told so last.
#[derive(Debug, Default)]
pub(crate) struct Readers {
    turns: Box<[AtomicU64]>,
    /// That they run at all, whether or not they keep up.
    marks: Box<[Mark]>,
    /// One who reads only for some, and is missed only once it has begun: how often it has told, 0 before.
    guest: AtomicU64,
    /// Nobody is expected to read any more.
    dismissed: AtomicBool,
}

impl Readers {
    pub(crate) fn new(count: usize) -> Self {
        Self {
            turns: (0..count).map(|_| AtomicU64::new(0)).collect(),
            marks: (0..count).map(|_| Mark::default()).collect(),
            guest: AtomicU64::new(0),
            dismissed: AtomicBool::new(false),
        }
    }

    /// The guest keeps up, and will from now on.
    pub(crate) fn guest_kept_up(&self) {
        self.guest.fetch_add(1, Ordering::Relaxed);
    }

    /// They end, and are missed no longer.
    pub(crate) fn dismiss(&self) {
        self.dismissed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn are_dismissed(&self) -> bool {
        self.dismissed.load(Ordering::Relaxed)
    }

    pub(crate) fn marks(&self) -> &[Mark] {
        &self.marks
    }

    pub(crate) fn kept_up(&self, reader: usize) {
        self.turns[reader].fetch_add(1, Ordering::Relaxed);
    }
}

/// Calls the roll of readers.
#[derive(Debug)]
pub(crate) struct Roll {
    readers: Arc<Readers>,
    /// For each, what it had told by the last call, and how many calls it has missed since.
    seen: Vec<(u64, u32)>,
    /// The same of the guest.
    guest: (u64, u32),
}

impl Roll {
    /// Whoever misses more calls than this in a row does not keep up.
    const MISSES: u32 = 2;

    pub(crate) fn new(readers: Arc<Readers>) -> Self {
        Self {
            seen: vec![(0, 0); readers.turns.len()],
            guest: (0, 0),
            readers,
        }
    }

    /// Whether all keep up; to be called once a pulse.
    pub(crate) fn call(&mut self) -> bool {
        for (turns, seen) in self.readers.turns.iter().zip(&mut self.seen) {
            tick_off(seen, turns.load(Ordering::Relaxed));
        }
        tick_off(&mut self.guest, self.readers.guest.load(Ordering::Relaxed));
        let keeps_up = |seen: &(u64, u32)| seen.1 <= Self::MISSES;
        self.readers.are_dismissed()
            || (self.seen.iter().all(keeps_up) && (self.guest.0 == 0 || keeps_up(&self.guest)))
    }
}

fn tick_off((seen, missed): &mut (u64, u32), turns: u64) {
    if turns == *seen {
        *missed = missed.saturating_add(1);
    } else {
        (*seen, *missed) = (turns, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_misses_three_pulses_does_not_keep_up() {
        let readers = Arc::new(Readers::new(2));
        let mut roll = Roll::new(Arc::clone(&readers));
        for _ in 0..10 {
            readers.kept_up(0);
            readers.kept_up(1);
            assert!(roll.call());
        }
        let mut told = Vec::new();
        for _ in 0..4 {
            readers.kept_up(0);
            told.push(roll.call());
        }
        assert_eq!(told, [true, true, false, false]);
        readers.kept_up(1);
        assert!(roll.call());
    }

    #[test]
    fn a_guest_is_missed_only_once_it_has_begun() {
        let readers = Arc::new(Readers::new(0));
        let mut roll = Roll::new(Arc::clone(&readers));
        assert!((0..9).all(|_| roll.call()));
        readers.guest_kept_up();
        assert_eq!([0; 4].map(|_| roll.call()), [true, true, true, false]);
        readers.guest_kept_up();
        assert!(roll.call());
    }

    #[test]
    fn without_readers_nobody_is_missed() {
        assert!(Roll::new(Arc::default()).call());
    }
}
