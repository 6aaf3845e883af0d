//! Metrics as they are written: a name, its meaning, and its values by label.

use std::fmt;

use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use crate::driver::Histogram;

/// A metric's name without its suffix, and what it means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    /// Whether it is in seconds, which then end its name.
    pub(super) seconds: bool,
}

/// Labels and their values.
pub(super) type Labels<'l, const N: usize> = [(&'static str, &'l str); N];

/// Where metrics are written.
#[derive(Debug)]
pub(super) struct Exposition<'e> {
    encoder: DescriptorEncoder<'e>,
}

const SECONDS: Unit = Unit::Seconds;

/// A metric without a unit.
pub(super) const fn metric(name: &'static str, help: &'static str) -> Metric {
    Metric {
        name,
        help,
        seconds: false,
    }
}

/// A metric in seconds.
pub(super) const fn seconds(name: &'static str, help: &'static str) -> Metric {
    Metric {
        name,
        help,
        seconds: true,
    }
}

impl<'e> Exposition<'e> {
    pub(super) fn new(encoder: DescriptorEncoder<'e>) -> Self {
        Self { encoder }
    }

    /// What only grows.
    pub(super) fn counter(
        &mut self,
        metric: Metric,
        value: impl EncodeCounterValue,
    ) -> fmt::Result {
        let mut encoder = self.begin(metric, MetricType::Counter)?;
        encoder.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    /// The same by label.
    pub(super) fn counters<'l, const N: usize>(
        &mut self,
        metric: Metric,
        values: impl IntoIterator<Item = (Labels<'l, N>, u64)>,
    ) -> fmt::Result {
        let mut encoder = self.begin(metric, MetricType::Counter)?;
        for (labels, value) in values {
            let mut encoder = encoder.encode_family(&labels)?;
            encoder.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
        }
        Ok(())
    }

    /// What is as it is now.
    pub(super) fn gauge(&mut self, metric: Metric, value: impl EncodeGaugeValue) -> fmt::Result {
        self.begin(metric, MetricType::Gauge)?.encode_gauge(&value)
    }

    /// The same by label.
    pub(super) fn gauges<'l, const N: usize>(
        &mut self,
        metric: Metric,
        values: impl IntoIterator<Item = (Labels<'l, N>, u64)>,
    ) -> fmt::Result {
        let mut encoder = self.begin(metric, MetricType::Gauge)?;
        for (labels, value) in values {
            encoder.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// What something is, in its labels.
    pub(super) fn note<const N: usize>(
        &mut self,
        metric: Metric,
        labels: Labels<'_, N>,
    ) -> fmt::Result {
        self.begin(metric, MetricType::Info)?.encode_info(&labels)
    }

    /// How durations are spread.
    pub(super) fn histogram(&mut self, metric: Metric, value: &Histogram) -> fmt::Result {
        write_histogram(&mut self.begin(metric, MetricType::Histogram)?, value)
    }

    /// The same by label.
    pub(super) fn histograms<'h, const N: usize>(
        &mut self,
        metric: Metric,
        values: impl IntoIterator<Item = (Labels<'h, N>, &'h Histogram)>,
    ) -> fmt::Result {
        let mut encoder = self.begin(metric, MetricType::Histogram)?;
        for (labels, histogram) in values {
            write_histogram(&mut encoder.encode_family(&labels)?, histogram)?;
        }
        Ok(())
    }

    fn begin(&mut self, metric: Metric, kind: MetricType) -> Result<MetricEncoder<'_>, fmt::Error> {
        let unit = metric.seconds.then_some(&SECONDS);
        self.encoder
            .encode_descriptor(metric.name, metric.help, unit, kind)
    }
}

fn write_histogram(to: &mut MetricEncoder<'_>, histogram: &Histogram) -> fmt::Result {
    let buckets: Vec<_> = histogram.buckets().collect();
    let (sum, count) = (histogram.sum(), histogram.count());
    to.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
}
