//! Seeded peers and networks, for showing what carotid's detectors do.
//!
//! A [`fleet`] of sessions beats for a simulated day over links of several kinds; a [`comparison`]
//! lets every detector watch the same arrivals and says how often each was wrong and how long it
//! needs to notice a crash. The same seed gives the same day.
//!
//! A [`world`] lets peers, networks and the monitor itself fail, runs the engine in it, and has a
//! [`history`] judge what the engine said. The same seed gives the same world.
//!
//! This crate opens no socket, reads no clock and is not published.

pub mod comparison;
pub mod curve;
pub mod fleet;
pub mod history;
pub mod random;
pub mod rival;
pub mod world;
