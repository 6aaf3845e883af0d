//! When a session's last beats came, in two bytes each.

use core::time::Duration;

/// How many gaps between beats are remembered.
const GAPS: u32 = 8;

/// The last gaps between a session's beats. Who writes says which beat it is, so that nothing else
/// needs to be remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct History {
    gaps: [Gap; GAPS as usize],
}

/// A duration of eleven significant bits: a multiple of 1 µs up to 2 ms, right to 0.1 % beyond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Gap(u16);

impl History {
    /// Stores the gap before a session's beat number `beat`, from 1.
    pub(crate) fn store(&mut self, beat: u32, gap_nanos: u64) {
        self.gaps[Self::place(beat)] = Gap::new(gap_nanos / 1000);
    }

    /// The gaps before the last beats of a session that has had so many, oldest first. Its first
    /// beat had none before it.
    pub(crate) fn gaps(&self, beats: u32) -> impl Iterator<Item = Duration> {
        let known = beats.saturating_sub(1).min(GAPS);
        (0..known)
            .rev()
            .map(move |before| self.gaps[Self::place(beats - before)].length())
    }

    const fn place(beat: u32) -> usize {
        (beat % GAPS) as usize
    }
}

impl Gap {
    const DIGITS: u32 = 11;

    /// The longest, in µs: 50 days, more than any timeout, and what five bits of exponent can say.
    const MOST: u64 = (1 << 42) - 1;

    fn new(micros: u64) -> Self {
        let micros = micros.min(Self::MOST);
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

    #[test]
    fn the_last_eight_gaps_are_told_oldest_first() {
        let mut history = History::default();
        assert_eq!(history.gaps(1).count(), 0);
        for beat in 2..=4 {
            history.store(beat, u64::from(beat) * 1_000_000);
        }
        assert_eq!(
            history
                .gaps(4)
                .map(|gap| gap.as_millis())
                .collect::<Vec<_>>(),
            [2, 3, 4]
        );
        for beat in 5..=20 {
            history.store(beat, u64::from(beat) * 1_000_000);
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
            let length = Duration::from_micros(micros.min(Gap::MOST));
            let kept = Gap::new(micros).length();
            assert!(kept <= length, "{length:?} became {kept:?}");
            assert!(length - kept <= length / 1000, "{length:?} became {kept:?}");
        }
        assert_eq!(Gap::new(u64::MAX).length(), Gap::new(1 << 60).length());
    }
}
