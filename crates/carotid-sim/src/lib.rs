//! Seeded peers and networks, for showing what carotid's detectors do.
//!
//! A [`fleet`] of sessions beats for a simulated day over links of several kinds; a [`comparison`]
//! lets every detector watch the same arrivals and says how often each was wrong and how long it
//! needs to notice a crash. The same seed gives the same day.
//!
//! This crate opens no socket, reads no clock and is not published.

pub mod comparison;
pub mod curve;
pub mod fleet;
pub mod random;
pub mod rival;
