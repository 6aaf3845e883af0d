//! What a server holds over time, and whether it grows.

use std::fmt::Write as _;
use std::time::Duration;

use crate::bench::process::Server;

/// What the process held at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    at: Duration,
    resident: u64,
    descriptors: usize,
    cpu: Duration,
}

/// Samples in the order of time.
#[derive(Debug)]
pub(crate) struct Series {
    samples: Vec<Sample>,
    /// Connections come and go while descriptors are counted.
    tolerated_descriptors: f64,
}

/// A measure in the three thirds of the time: its medians.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Thirds {
    pub(crate) first: f64,
    pub(crate) middle: f64,
    pub(crate) last: f64,
}

/// Growth of less than this share of the middle third is none.
pub(crate) const TOLERATED_SHARE: f64 = 0.01;

/// Nor is growth of less than this, which the kernel's own counting may be off by.
pub(crate) const TOLERATED_BYTES: f64 = 512.0 * 1024.0;

impl Series {
    /// Of a process to which so many connect in a second.
    pub(crate) fn new(visitors: u32) -> Self {
        Self {
            samples: Vec::new(),
            tolerated_descriptors: f64::from(visitors),
        }
    }

    /// Looks at the process and says what it sees.
    pub(crate) fn sample(&mut self, at: Duration, server: &Server) -> anyhow::Result<Sample> {
        let sample = Sample {
            at,
            resident: server.resident()?,
            descriptors: server.descriptors()?,
            cpu: server.cpu()?,
        };
        let since = self.samples.last().copied().unwrap_or(Sample {
            cpu: Duration::ZERO,
            at: Duration::ZERO,
            ..sample
        });
        if !self.samples.is_empty() {
            eprintln!(
                "{:6.1} s: {:8.2} MB resident, {:6} descriptors, {:4.0} % of a core",
                at.as_secs_f64(),
                megabytes(sample.resident as f64),
                sample.descriptors,
                100.0 * sample.cpu_since(&since),
            );
        }
        self.samples.push(sample);
        Ok(sample)
    }

    pub(crate) fn resident(&self) -> Thirds {
        self.thirds(|sample| sample.resident as f64)
    }

    pub(crate) fn descriptors(&self) -> Thirds {
        self.thirds(|sample| sample.descriptors as f64)
    }

    /// Cores in use.
    pub(crate) fn cpu(&self) -> f64 {
        match (self.samples.first(), self.samples.last()) {
            (Some(first), Some(last)) => last.cpu_since(first),
            _ => 0.0,
        }
    }

    /// Whether memory and descriptors stayed what they were.
    pub(crate) fn is_flat(&self) -> bool {
        let (resident, descriptors) = (self.resident(), self.descriptors());
        resident.growth() <= tolerated_bytes(resident)
            && descriptors.growth() <= self.tolerated_descriptors
    }

    /// The thirds and the tolerance, as rows of a Markdown table.
    pub(crate) fn rows(&self) -> String {
        let mut rows = String::new();
        let (resident, descriptors) = (self.resident(), self.descriptors());
        writeln!(
            rows,
            "| resident memory, medians of the thirds | {:.2}, {:.2}, {:.2} MB; {:+.2} MB from the \
             middle to the last, {:.2} tolerated |\n\
             | open descriptors, likewise | {}, {}, {}; {:+}, {} tolerated |\n\
             | processor time of the server | {:.1} % of a core |",
            megabytes(resident.first),
            megabytes(resident.middle),
            megabytes(resident.last),
            megabytes(resident.growth()),
            megabytes(tolerated_bytes(resident)),
            descriptors.first,
            descriptors.middle,
            descriptors.last,
            descriptors.growth(),
            self.tolerated_descriptors,
            100.0 * self.cpu(),
        )
        .expect("writing to a string does not fail");
        rows
    }

    fn thirds(&self, measure: impl Fn(&Sample) -> f64) -> Thirds {
        let values: Vec<f64> = self.samples.iter().map(measure).collect();
        let third = values.len() / 3;
        Thirds {
            first: median(&values[..third]),
            middle: median(&values[third..2 * third]),
            last: median(&values[2 * third..]),
        }
    }
}

impl Sample {
    fn cpu_since(&self, earlier: &Self) -> f64 {
        let spent = self.cpu.saturating_sub(earlier.cpu).as_secs_f64();
        spent / (self.at - earlier.at).as_secs_f64().max(1e-9)
    }
}

impl Thirds {
    /// From the middle to the last; the first is still warming up.
    pub(crate) fn growth(self) -> f64 {
        self.last - self.middle
    }
}

/// How much resident memory may grow by.
pub(crate) fn tolerated_bytes(resident: Thirds) -> f64 {
    (resident.middle * TOLERATED_SHARE).max(TOLERATED_BYTES)
}

fn megabytes(bytes: f64) -> f64 {
    bytes / f64::from(1 << 20)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Sample, Series};

    fn series(resident: impl Fn(u64) -> u64) -> Series {
        let sample = |second| Sample {
            at: Duration::from_secs(second),
            resident: resident(second),
            descriptors: 20,
            cpu: Duration::from_millis(100 * second),
        };
        Series {
            samples: (0..30).map(sample).collect(),
            tolerated_descriptors: 5.0,
        }
    }

    #[test]
    fn a_level_that_is_reached_is_flat_and_a_steady_rise_is_not() {
        const MB: u64 = 1 << 20;
        assert!(series(|second| 100 * MB + second.min(9) * MB).is_flat());
        assert!(!series(|second| 100 * MB + second * MB).is_flat());
        assert!(series(|second| 200 * MB - second * MB).is_flat());
    }

    #[test]
    fn processor_time_is_a_share_of_the_time() {
        assert!((series(|_| 0).cpu() - 0.1).abs() < 1e-6);
    }
}
