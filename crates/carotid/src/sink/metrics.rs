//! Everything that is counted, for Prometheus and its like.
//!
//! Each figure is kept up as things happen, so a scrape costs the same with one session and with a
//! million. No label carries a session's name; services, whose names are the peers' choice as well,
//! are listed up to a bound (I9). `docs/metrics.md` says what each metric means.

mod connections;
mod daemon;
mod exposition;
mod journal;
mod plain;
mod process;
mod sessions;

use std::fmt;
use std::sync::Arc;

use carotid_netrpc::Usage;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use crate::driver::Figures;
use crate::sink::journal::JournalStatus;
use crate::source::netrpc::Connections;
use crate::vitality::{Loop, Progress};

use exposition::Exposition;
pub(crate) use plain::plain;
use process::Process;

/// What is told in one scrape.
#[derive(Debug)]
pub(crate) struct Scrape {
    /// What the driver counts; `None` if it does not say.
    pub(crate) figures: Option<Figures>,
    /// The loops that are looked at.
    pub(crate) loops: Vec<(Loop, Progress)>,
    pub(crate) connections: Arc<Connections>,
    /// Every method that peers may call.
    pub(crate) methods: Vec<Usage>,
    /// How the journal is, if there is one.
    pub(crate) journal: Option<JournalStatus>,
}

impl Scrape {
    /// In the format of OpenMetrics 1.0.
    pub(crate) fn into_open_metrics(self) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut text = String::new();
        encode(&mut text, &registry).expect("writing to a string does not fail");
        text
    }
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut to = Exposition::new(encoder);
        daemon::write_build(&mut to)?;
        daemon::write_loops(&mut to, &self.loops)?;
        if let Some(figures) = &self.figures {
            sessions::write(&mut to, figures)?;
            daemon::write(&mut to, figures)?;
        }
        connections::write(&mut to, &self.connections, &self.methods)?;
        if let Some(journal) = &self.journal {
            journal::write(&mut to, journal)?;
        }
        Process::read().map_or(Ok(()), |process| process.write(&mut to))
    }
}
