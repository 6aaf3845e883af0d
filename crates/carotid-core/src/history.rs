//! When a session's last beats came, in two bytes each.

use core::time::Duration;

/// How many gaps between beats are remembered.
const GAPS: usize = 8;

/// The last gaps between a session's beats. Who writes says which beat it is, so that nothing else
/// needs to be remembered.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct History {
    gaps: [Gap; GAPS],
}

/// A duration of eleven significant bits: a multiple of 1 µs up to 2 ms, right to 0.1 % beyond.
#[derive(Clone, Copy, Debug, Default)]
struct Gap(u16);

impl History {
    /// Stores the gap before a session's beat number `beat`, from 1.
    pub(crate) fn store(&mut self, beat: u64, gap: Duration) {
        self.gaps[Self::place(beat)] = Gap::new(gap);
    }

    /// The gaps before the last beats of a session that has had so many, oldest first. Its first
    /// beat had none before it.
    pub(crate) fn gaps(&self, beats: u64) -> impl Iterator<Item = Duration> {
        let first = beats.saturating_sub(GAPS as u64).max(1) + 1;
        (first..=beats).map(|beat| self.gaps[Self::place(beat)].length())
    }

    fn place(beat: u64) -> usize {
        usize::try_from(beat % GAPS as u64).expect("it is below 8")
    }
}

impl Gap {
    const DIGITS: u32 = 11;

    fn new(length: Duration) -> Self {
        // 2⁴² µs are 50 days: more than any timeout, and what five bits of exponent can say.
        let most = (1 << 42) - 1;
        let micros = u64::try_from(length.as_micros()).map_or(most, |micros| micros.min(most));
        let exponent = (u64::BITS - micros.leading_zeros()).saturating_sub(Self::DIGITS);
        let digits = micros >> exponent;
        let packed = (u64::from(exponent) << Self::DIGITS) | digits;
        Self(u16::try_from(packed).expect("five bits and eleven"))
    }

    const fn length(self) -> Duration {
        let digits = (self.0 & ((1 << Self::DIGITS) - 1)) as u64;
        Duration::from_micros(digits << (self.0 >> Self::DIGITS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_last_eight_gaps_are_told_oldest_first() {
        let mut history = History::default();
        assert_eq!(history.gaps(1).count(), 0);
        for beat in 2..=4 {
            history.store(beat, ms(beat));
        }
        assert_eq!(
            history
                .gaps(4)
                .map(|gap| gap.as_millis())
                .collect::<Vec<_>>(),
            [2, 3, 4]
        );
        for beat in 5..=20 {
            history.store(beat, ms(beat));
        }
        let gaps: Vec<_> = history
            .gaps(20)
            .map(|gap| gap.as_micros().div_ceil(1000))
            .collect();
        assert_eq!(gaps, [13, 14, 15, 16, 17, 18, 19, 20]);
    }

    #[test]
    fn a_gap_loses_less_than_a_thousandth_and_never_grows() {
        for micros in (0..46).flat_map(|bit| [(1u64 << bit) - 1, 1 << bit, (1 << bit) + 1]) {
            let length = Duration::from_micros(micros.min((1 << 42) - 1));
            let kept = Gap::new(Duration::from_micros(micros)).length();
            assert!(kept <= length, "{length:?} became {kept:?}");
            assert!(length - kept <= length / 1000, "{length:?} became {kept:?}");
        }
        assert_eq!(
            Gap::new(Duration::MAX).length(),
            Gap::new(Duration::from_secs(1 << 40)).length()
        );
    }
}
