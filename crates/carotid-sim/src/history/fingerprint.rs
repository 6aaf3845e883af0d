//! One number for a whole history.

use carotid_core::{Event, Incident};

/// FNV-1a of 64 bits (Fowler, Noll, Vo) over everything that was concluded.
#[derive(Debug)]
pub(super) struct Fingerprint(u64);

impl Default for Fingerprint {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fingerprint {
    pub(super) const fn value(&self) -> u64 {
        self.0
    }

    pub(super) fn event(&mut self, event: &Event) {
        self.number(event.at.as_nanos());
        self.bytes(event.name.as_str().as_bytes());
        self.number(u64::from(event.epoch));
        self.number(nanos(event.silent));
        self.bytes(event.kind.as_str().as_bytes());
        self.bytes(
            event
                .kind
                .cause()
                .map_or("", |cause| cause.as_str())
                .as_bytes(),
        );
        if let Some(evidence) = event.evidence.as_deref() {
            self.number(evidence.last_beat.as_nanos());
            self.number(nanos(evidence.suspect_after));
            self.bytes(evidence.standing.as_str().as_bytes());
        }
    }

    pub(super) fn incident(&mut self, incident: &Incident) {
        self.number(incident.at.as_nanos());
        self.number(u64::from(incident.at_risk));
        self.number(incident.held_until.as_nanos());
        for service in &incident.services {
            self.bytes(service.as_bytes());
        }
    }

    fn number(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 ^= u64::from(*byte);
            self.0 = self.0.wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

fn nanos(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
