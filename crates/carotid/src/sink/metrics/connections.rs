//! Connections of peers and what they call.

use std::fmt;

use carotid_netrpc::{Protocol, Usage};

use super::exposition::{Exposition, Metric, metric};
use crate::source::netrpc::Connections;

const OPEN: Metric = metric(
    "carotid_connections_open",
    "Connections of peers, by what carries them and what they speak.",
);
const ACCEPTED: Metric = metric(
    "carotid_connections_accepted",
    "Connections of peers that came.",
);
const ENDED: Metric = metric(
    "carotid_connections_ended",
    "Connections of peers that ended, by reason.",
);
const CALLS: Metric = metric("carotid_calls", "Calls of peers, by method.");

/// What a peer speaks that has made no call yet.
const UNKNOWN: &str = "unknown";

pub(super) fn write(
    to: &mut Exposition<'_>,
    connections: &Connections,
    methods: &[Usage],
) -> fmt::Result {
    let open = connections.open().map(|(transport, protocol, count)| {
        let protocol = protocol.map_or(UNKNOWN, Protocol::as_str);
        let labels = [("transport", transport.as_str()), ("protocol", protocol)];
        (labels, count)
    });
    to.gauges(OPEN, open)?;
    let accepted = connections.accepted();
    let accepted = accepted.map(|(transport, count)| ([("transport", transport.as_str())], count));
    to.counters(ACCEPTED, accepted)?;
    let ended = connections.ended();
    to.counters(
        ENDED,
        ended.map(|(reason, count)| ([("reason", reason)], count)),
    )?;
    let calls = methods.iter();
    to.counters(
        CALLS,
        calls.map(|usage| ([("method", usage.method.as_str())], usage.calls)),
    )
}
