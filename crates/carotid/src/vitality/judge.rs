//! Tells a loop that is stuck from a process that did not run.

use std::time::Duration;

use super::{LOOK, Progress};

/// Looks that find a mark where it was, until a loop in the middle of its turn is stuck: 3.5 s.
const MISSES_IN_A_TURN: u32 = 14;

/// The same for one that is not: 4.5 s. Those that wait for another on their thread made their last turn
/// up to a second before it got stuck, and who it is shall be said first.
const MISSES: u32 = 18;

/// A look that comes this much later than the one before says nothing: this process did not run, and
/// neither did its loops. They have all their time again.
const LATE: Duration = Duration::from_secs(1);

/// Remembers what marks showed.
#[derive(Debug)]
pub(super) struct Judge {
    /// When it looked last.
    last: Duration,
    /// For each loop the mark that was seen, and how many looks found it unmoved.
    seen: Vec<(u64, u32)>,
}

impl Judge {
    pub(super) fn new(now: Duration, loops: usize) -> Self {
        Self {
            last: now,
            seen: vec![(0, 0); loops],
        }
    }

    /// How each loop is. `None` is one that is not expected to come round any more.
    pub(super) fn look(
        &mut self,
        now: Duration,
        turns: impl Iterator<Item = Option<u64>>,
    ) -> Vec<Progress> {
        let is_late = now.saturating_sub(self.last) > LOOK + LATE;
        self.last = now;
        let judged = self.seen.iter_mut().zip(turns).map(|(seen, turns)| {
            let turns = turns.filter(|_| !is_late);
            match turns {
                Some(turns) if turns == seen.0 => seen.1 += 1,
                Some(turns) => *seen = (turns, 0),
                None => seen.1 = 0,
            }
            match seen.1 {
                MISSES_IN_A_TURN.. if seen.0 % 2 == 1 => Progress::Stuck,
                MISSES.. => Progress::Starved,
                _ => Progress::Good,
            }
        });
        judged.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks at two loops over and over, and tells after how long each is not well.
    fn troubled(turns: impl Fn(u32) -> [Option<u64>; 2], late: Option<u32>) -> [Option<u32>; 2] {
        let mut now = Duration::ZERO;
        let mut judge = Judge::new(now, 2);
        let mut since = [None; 2];
        for look in 1..=40 {
            now += LOOK;
            if late == Some(look) {
                now += Duration::from_secs(60);
            }
            let judged = judge.look(now, turns(look).into_iter());
            for (since, progress) in since.iter_mut().zip(judged) {
                if progress != Progress::Good {
                    since.get_or_insert(look);
                }
            }
        }
        since
    }

    #[test]
    fn a_loop_that_stays_where_it_is_makes_no_progress_after_less_than_five_seconds() {
        // The first look sees them for the first time.
        let since = troubled(|look| [Some(u64::from(look)), Some(7)], None);
        assert_eq!(since, [None, Some(MISSES_IN_A_TURN + 1)]);
        let since = troubled(|look| [Some(u64::from(look)), Some(8)], None);
        assert_eq!(since, [None, Some(MISSES + 1)]);
        assert!(LOOK * (MISSES + 1) < Duration::from_secs(5));
    }

    #[test]
    fn one_turn_a_second_is_enough() {
        let turns = |look: u32| [Some(u64::from(look / 4)), Some(2)];
        assert_eq!(troubled(turns, None)[0], None);
    }

    #[test]
    fn a_process_that_did_not_run_gives_its_loops_all_their_time_again() {
        let since = troubled(|_| [Some(2), Some(3)], Some(10));
        assert_eq!(since, [Some(10 + MISSES), Some(10 + MISSES_IN_A_TURN)]);
    }

    #[test]
    fn a_loop_in_the_middle_of_a_turn_is_stuck_and_one_before_it_is_starved() {
        let mut judge = Judge::new(Duration::ZERO, 3);
        let mut now = Duration::ZERO;
        let mut judged = Vec::new();
        for _ in 0..=MISSES {
            now += LOOK;
            judged = judge.look(now, [Some(4), Some(5), None].into_iter());
        }
        let expected = [Progress::Starved, Progress::Stuck, Progress::Good];
        assert_eq!(judged, expected);
        now += LOOK;
        judged = judge.look(now, [Some(6), Some(7), None].into_iter());
        assert_eq!(judged, [Progress::Good; 3], "it goes on");
    }
}
