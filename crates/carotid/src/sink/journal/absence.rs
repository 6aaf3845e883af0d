//! When nobody watched: the daemon did not run, or stalled. Of that time nothing is known.

/// A span without anybody who watches, in milliseconds of wall time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Absence {
    pub(super) began_at: i64,
    pub(super) ended_at: i64,
}

/// Spans in the order in which they began.
#[derive(Clone, Debug, Default)]
pub(super) struct Absences {
    spans: Vec<Absence>,
}

impl Absences {
    /// A stall shorter than this, in milliseconds, changes nothing that a month would show, and every
    /// busy host has them.
    pub(super) const SHORTEST_STALL_MS: i64 = 5000;

    pub(super) fn add(&mut self, absence: Absence) {
        if absence.began_at < absence.ended_at {
            self.spans.push(absence);
            self.spans.sort_unstable_by_key(|span| span.began_at);
        }
    }

    /// Forgets what ended before `at`.
    pub(super) fn forget_before(&mut self, at: i64) {
        self.spans.retain(|span| at < span.ended_at);
    }

    /// How much of the time between two moments nobody watched.
    pub(super) fn between(&self, from: i64, to: i64) -> i64 {
        let mut known_to = from;
        let mut absent = 0;
        for span in &self.spans {
            // The clock on the wall may have been set, so that spans overlap.
            let begin = span.began_at.max(known_to);
            let end = span.ended_at.min(to);
            absent += (end - begin).max(0);
            known_to = known_to.max(end);
        }
        absent
    }
}

impl FromIterator<Absence> for Absences {
    fn from_iter<I: IntoIterator<Item = Absence>>(spans: I) -> Self {
        let mut absences = Self::default();
        spans.into_iter().for_each(|span| absences.add(span));
        absences
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_counted_once_however_many_spans_cover_it() {
        let span = |began_at, ended_at| Absence { began_at, ended_at };
        let absences: Absences = [span(50, 60), span(10, 30), span(20, 40), span(7, 7)]
            .into_iter()
            .collect();
        assert_eq!(absences.between(0, 100), 40);
        assert_eq!(absences.between(25, 55), 20);
        assert_eq!(absences.between(41, 49), 0);
        assert_eq!(absences.between(30, 20), 0);
    }
}
