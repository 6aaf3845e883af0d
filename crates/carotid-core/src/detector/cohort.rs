//! What sessions of one interval teach each other.

use core::time::Duration;

use super::histogram::{Counted, Histogram};

/// How often a session that is alive may be suspected, on average and for each session and day.
///
/// The one number of adaptive suspicion: a lower target means fewer false suspicions and a later
/// true one. Defaults to 5.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SuspicionTarget(f64);

/// Why a number cannot be a target.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SuspicionTargetError {
    /// It is no number, or outside of what can be learned.
    #[error(
        "{per_day} false suspicions per session and day is not between {} and {}",
        SuspicionTarget::LEAST,
        SuspicionTarget::MOST
    )]
    OutOfRange {
        /// The number asked for.
        per_day: f64,
    },
}

impl SuspicionTarget {
    /// The least target: one false suspicion in ten session-days. A rarer one takes more beats to
    /// learn than a cohort may see in years.
    pub const LEAST: f64 = 0.1;

    /// The largest target: one false suspicion in a hundred seconds.
    pub const MOST: f64 = 864.0;

    /// At most this many false suspicions in a session's day.
    ///
    /// # Errors
    ///
    /// A number below [`Self::LEAST`] or above [`Self::MOST`], or none at all.
    pub fn per_day(per_day: f64) -> Result<Self, SuspicionTargetError> {
        if (Self::LEAST..=Self::MOST).contains(&per_day) {
            Ok(Self(per_day))
        } else {
            Err(SuspicionTargetError::OutOfRange { per_day })
        }
    }

    /// The number that it was made of.
    #[must_use]
    pub const fn count_per_day(self) -> f64 {
        self.0
    }

    /// The share of beats that may come after the suspicion.
    fn share_of_beats(self, interval: Duration) -> f64 {
        self.0 * interval.as_secs_f64() / SECONDS_PER_DAY
    }
}

impl Default for SuspicionTarget {
    fn default() -> Self {
        Self(5.0)
    }
}

const SECONDS_PER_DAY: f64 = 86_400.0;

/// Sessions that beat at one interval, and how many σ their beats come late.
///
/// Lateness in units of a session's own σ has much the same tail for all of them, so a thousand
/// sessions learn in minutes what one would learn in weeks. Some 400 bytes, whatever their number.
#[derive(Clone, Debug)]
pub struct Cohort {
    /// Of lateness in σ, squared.
    squares: Histogram,
    /// p: the share of beats that may be later than the quantile.
    share: f64,
    quantile: f32,
    /// How many counts make it worth reading the quantile again.
    next_reading: u64,
}

impl Cohort {
    /// The quantile, in σ, while too few beats are known to tell.
    pub const UNTAUGHT_QUANTILE: f32 = 16.0;

    /// How many beats beyond the quantile are to be expected before it is believed.
    const EXPECTED_BEYOND: f64 = 3.0;

    /// The quantile is read again when the counts have grown by a 64th: its edges are a quarter of
    /// an octave apart, and so small a growth seldom moves it by one.
    const READINGS: u64 = 64;

    /// A cohort that has learned nothing yet.
    #[must_use]
    pub fn new(interval: Duration, target: SuspicionTarget) -> Self {
        let share = target.share_of_beats(interval);
        Self {
            squares: Histogram::new(),
            share,
            quantile: Self::UNTAUGHT_QUANTILE,
            next_reading: Self::lesson(share),
        }
    }

    /// y: how many σ a beat is late no more often than the target allows, between 4 and 64; 16
    /// until enough beats were seen.
    #[must_use]
    pub const fn quantile(&self) -> f32 {
        self.quantile
    }

    /// How many beats the quantile rests on.
    #[must_use]
    pub const fn beats(&self) -> u64 {
        self.squares.total()
    }

    /// Counts a beat whose squared lateness was so many σ².
    pub(super) fn count(&mut self, square: f32) {
        if self.squares.count(square) == Counted::Halved {
            self.next_reading = 0;
        }
        let beats = self.squares.total();
        if beats >= self.next_reading {
            self.quantile = self.squares.root_quantile(self.share);
            self.next_reading = beats + (beats / Self::READINGS).max(1);
        }
    }

    /// How many beats are needed to know what happens to so small a share of them.
    fn lesson(share: f64) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive, and the cast saturates"
        )]
        let beats = (Self::EXPECTED_BEYOND / share) as u64;
        beats.max(1)
    }
}
