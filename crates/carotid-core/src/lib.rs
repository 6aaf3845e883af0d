//! Decides who is alive.
//!
//! A session is a named peer that shows life by beats. [`Engine`] is told of beats, of connections
//! that come and go, and of the time; it says which sessions fell silent, came back, died or left.
//!
//! This crate does not read a clock, open a socket, start a task, draw a random number or write a
//! log: time is an argument, and everything it concludes is an [`Event`] that its caller drains. It
//! is `no_std`, so that reading a clock does not even compile.
//!
//! ```
//! use core::time::Duration;
//! use carotid_core::{Config, Engine, Health, Open, Tick};
//!
//! let mut engine = Engine::new(&Config::default())?;
//! let start = Tick::from_nanos(0);
//! let session = engine.open(start, Open { name: "payments/7".parse()?, terms: None })?;
//! assert_eq!(engine.health(start, session.id), Some(Health::Alive));
//!
//! let later = start.after(Duration::from_secs(25));
//! assert_eq!(engine.health(later, session.id), Some(Health::Suspect));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

#![no_std]

extern crate alloc;

mod attendance;
mod breaker;
mod config;
mod detector;
mod engine;
mod event;
mod evidence;
mod grant;
mod health;
mod history;
mod name;
mod open;
mod own_health;
mod patience;
mod restored;
mod service;
mod session;
mod table;
mod terms;
mod tick;
mod vitals;
mod wheel;

pub use attendance::{Attendance, Stall, attended};
pub use breaker::{Breaker, BreakerConfig, Incident, IncidentEnd};
pub use config::{Config, ConfigError, OnDisconnect};
pub use detector::{Cohort, Detector, SuspicionTarget, SuspicionTargetError};
pub use engine::Engine;
pub use event::{Event, EventKind};
pub use evidence::{Evidence, Standing};
pub use grant::{Allowance, AllowanceError, Grant};
pub use health::{Cause, Disconnect, Health};
pub use name::{NameError, SessionName};
pub use open::{Open, OpenError, Opened};
pub use patience::Suspicion;
pub use restored::{PastEnd, Restored};
pub use service::{ServiceHealth, Tally};
pub use session::{SessionId, SessionView, UnknownSession};
pub use terms::{Terms, TermsError};
pub use tick::Tick;
pub use vitals::Vitals;
