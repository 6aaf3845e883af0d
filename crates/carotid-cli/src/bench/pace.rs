//! When pings are due.

use super::clock::Moment;

/// Fractions of a nanosecond that a period is kept in, as bits: a day of a billion pings a second is
/// off by less than that.
const FRACTION: u32 = 32;

/// From when to when, on the clock that all threads read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// The first ping of the warm-up.
    pub(super) begin: Moment,
    /// Pings that are due before this are not measured.
    pub(super) from: Moment,
    /// From here on no ping is due.
    pub(super) until: Moment,
}

/// Pings at a rate, on all connections in turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    begin: Moment,
    period: u128,
    connections: u64,
}

impl Schedule {
    pub(super) fn new(begin: Moment, period_ps: u128, connections: usize) -> Self {
        // A period is at most 10^18 picoseconds, which leaves room for the fraction.
        Self {
            begin,
            period: (period_ps << FRACTION) / 1000,
            connections: connections as u64,
        }
    }

    /// When a connection's ping of this round is due, rounds counted from 0.
    pub(super) fn due(&self, connection: usize, round: u64) -> Moment {
        let index = u128::from(round) * u128::from(self.connections) + connection as u128;
        let nanos = index.saturating_mul(self.period) >> FRACTION;
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        self.begin.plus_nanos(nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_take_turns_at_the_rate() {
        let begin = Moment::now();
        // 3 pings a second on 2 connections.
        let schedule = Schedule::new(begin, 333_333_333_333, 2);
        let dues = [(0, 0), (1, 0), (0, 1), (1, 1), (0, 1_500_000)];
        let nanos =
            dues.map(|(connection, round)| schedule.due(connection, round).nanos_since(begin));
        assert_eq!(nanos[..4], [0, 333_333_333, 666_666_666, 999_999_999]);
        // A period of picoseconds has strayed by a microsecond after eleven days.
        assert!(1_000_000_000_000_000_u64.abs_diff(nanos[4]) < 2_000_000);
    }
}
