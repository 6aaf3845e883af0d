//! The daemon and other programs, as the tests of this crate start and read them.

#![allow(dead_code, reason = "each test target uses a part of it")]

pub(crate) mod daemon;
pub(crate) mod events;
pub(crate) mod metrics;
pub(crate) mod program;
pub(crate) mod receiver;
pub(crate) mod sessions;
