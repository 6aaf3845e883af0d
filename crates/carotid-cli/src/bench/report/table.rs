//! The report for people.

use super::{Ended, Latency, Report, Server, Since};
use crate::output;

/// A lateness, in microseconds, that no thread has that runs when its timer says.
const LATE_US: f64 = 1000.0;

impl Report {
    pub(in super::super) fn table(&self) -> String {
        let mut lines = vec![
            ("target", self.target()),
            ("load", self.load()),
            ("measured", self.measured()),
            ("throughput", self.throughput()),
        ];
        match &self.latency_us {
            Some(latency) => {
                lines.extend([("latency", percentiles(latency)), ("", self.since(latency))])
            }
            None => lines.push(("latency", "nothing was answered".to_owned())),
        }
        lines.push(("pings", self.pings()));
        let errors = self.errors.iter().map(|fault| {
            let first = output::harmless(&fault.first);
            let text = format!("{} {}; the first: {first}", fault.count, fault.words);
            ("errors", text)
        });
        lines.extend(errors);
        lines.push(("server", self.server()));
        lines.push(("generator", self.generator()));
        lines.extend(self.excuse().map(|excuse| ("", excuse.to_owned())));
        if let Some(goodbye) = self.goodbye() {
            lines.push(("goodbye", goodbye));
        }
        let line = |(name, text): (&str, String)| format!("{name:<10}  {text}\n");
        lines.into_iter().map(line).collect()
    }

    fn target(&self) -> String {
        let target = &self.target;
        let protocol = serde_json::to_value(target.protocol).unwrap_or_default();
        let protocol = protocol.as_str().unwrap_or_default();
        format!("{}, {} over {protocol}", target.address, target.method)
    }

    fn load(&self) -> String {
        let load = &self.load;
        let names = match load.names_per_connection {
            1 => "a name each".to_owned(),
            names => format!("{names} names each"),
        };
        let pace = match load.rate_per_s {
            None => "flat out".to_owned(),
            Some(rate) => format!("{rate} pings/s"),
        };
        let threads = match load.threads {
            1 => String::new(),
            threads => format!(", {threads} threads"),
        };
        let retries = match self.connecting.retries {
            0 => String::new(),
            retries => format!(" with {retries} retries"),
        };
        format!(
            "{} connections in {}{retries}, {} in flight on each, {names}, {pace}{threads}",
            load.connections,
            length(self.connecting.took_ms * 1e3),
            load.in_flight,
        )
    }

    fn measured(&self) -> String {
        let why = match self.ended {
            Ended::Duration => "",
            Ended::Interrupted => "; interrupted",
            Ended::Lost => "; no connection was left",
        };
        let (measured, warm_up) = (self.measured_s * 1e6, self.load.warm_up_s * 1e6);
        format!(
            "{} after {} of warm-up{why}",
            length(measured),
            length(warm_up)
        )
    }

    fn throughput(&self) -> String {
        let traffic = &self.bytes_per_s;
        format!(
            "{:.0} pings/s; {} sent, {} received a second",
            self.throughput_per_s,
            size(traffic.sent),
            size(traffic.received)
        )
    }

    fn since(&self, latency: &Latency) -> String {
        match latency.since {
            Since::Sent => format!("of {} pings, each from when it was sent", latency.count),
            Since::Due => format!("of {} pings, each from when it was due", latency.count),
        }
    }

    fn pings(&self) -> String {
        let pings = &self.pings;
        let others = [
            (pings.failed, "with a wrong answer"),
            (pings.lost, "lost with their connections"),
            (pings.unanswered, "not answered in time"),
            (
                pings.not_sent,
                "due but not sent, as all that may be in flight was",
            ),
        ];
        let mut text = format!("{} sent, {} answered", pings.sent, pings.answered);
        for (count, what) in others.iter().filter(|(count, _)| *count > 0) {
            text += &format!(", {count} {what}");
        }
        text
    }

    fn server(&self) -> String {
        let Some(server) = &self.server else {
            let why = self.server_unknown.as_deref();
            return format!("not measured: {}", why.unwrap_or("nobody looked"));
        };
        let cpu = match (server.cpu_us_per_ping, server.cpu_percent) {
            (Some(each), Some(percent)) => {
                format!("{each:.2} µs of CPU a ping ({percent:.0} % of a core)")
            }
            _ => "CPU unknown".to_owned(),
        };
        let memory = match (server.resident_before_bytes, server.resident_after_bytes) {
            (Some(before), Some(after)) => format!(
                "; memory {} before, {} after",
                size(before as f64),
                size(after as f64)
            ),
            (None, Some(after)) => format!("; memory {}", size(after as f64)),
            _ => String::new(),
        };
        format!("{cpu}{memory}; {}", who(server))
    }

    fn generator(&self) -> String {
        let generator = &self.generator;
        let late = generator.late_us.as_ref().map_or(String::new(), |late| {
            format!(
                "; pings left {} late (p99 {})",
                length(late.p50),
                length(late.p99)
            )
        });
        let (running, waiting) = (
            generator.busiest_thread_percent,
            generator.busiest_thread_waited_percent,
        );
        format!(
            "{:.2} µs of CPU a ping, busiest thread {running:.0} % and {waiting:.0} % waiting for a core{late}",
            generator.cpu_us_per_ping
        )
    }

    /// What of the figures is the generator's own doing.
    fn excuse(&self) -> Option<&'static str> {
        let generator = &self.generator;
        if generator.is_bottleneck {
            return Some(
                "its threads had no time left: the server may take more, and latency includes waiting for them; try --threads, or another machine",
            );
        }
        let late = generator.late_us.as_ref()?;
        (late.p99 > LATE_US).then_some("pings left late: this machine has too little time for the load, and latency includes that; try another machine")
    }

    fn goodbye(&self) -> Option<String> {
        let goodbye = &self.goodbye;
        let refusal = goodbye.refusal.as_deref().map(output::harmless);
        match (goodbye.left, goodbye.unheard, refusal) {
            (0, 0, _) => None,
            (left, 0, _) => Some(format!("{left} sessions have left")),
            (left, unheard, None) => Some(format!(
                "{left} sessions have left, {unheard} goodbyes were not answered"
            )),
            (left, unheard, Some(why)) => Some(format!(
                "{left} sessions have left, {unheard} goodbyes were not heard: {why}"
            )),
        }
    }
}

fn who(server: &Server) -> String {
    let pids: Vec<_> = server.pids.iter().map(u32::to_string).collect();
    let word = if pids.len() == 1 {
        "process"
    } else {
        "processes"
    };
    format!(
        "{word} {} ({})",
        pids.join(", "),
        output::harmless(&server.name)
    )
}

fn percentiles(latency: &Latency) -> String {
    let columns = [
        ("p50", latency.p50),
        ("p90", latency.p90),
        ("p99", latency.p99),
        ("p99.9", latency.p99_9),
        ("max", latency.max),
        ("mean", latency.mean),
    ];
    columns
        .map(|(name, micros)| format!("{name} {}", length(micros)))
        .join("  ")
}

/// Microseconds with three digits that matter, in the unit that suits them.
fn length(micros: f64) -> String {
    let (value, unit) = match micros {
        ..1e3 => (micros, "µs"),
        1e3..1e6 => (micros / 1e3, "ms"),
        _ => (micros / 1e6, "s"),
    };
    format!("{} {unit}", three_digits(value))
}

fn size(bytes: f64) -> String {
    let (value, unit) = match bytes {
        ..1e3 => (bytes, "B"),
        1e3..1e6 => (bytes / 1e3, "KB"),
        1e6..1e9 => (bytes / 1e6, "MB"),
        _ => (bytes / 1e9, "GB"),
    };
    format!("{} {unit}", three_digits(value))
}

fn three_digits(value: f64) -> String {
    match value {
        ..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_and_a_unit() {
        let said = [0.0, 9.994, 99.94, 999.4, 1_500.0, 2_345_678.0].map(length);
        assert_eq!(
            said,
            [
                "0.00 µs", "9.99 µs", "99.9 µs", "999 µs", "1.50 ms", "2.35 s"
            ]
        );
        assert_eq!(size(2_741_000.0), "2.74 MB");
    }
}
