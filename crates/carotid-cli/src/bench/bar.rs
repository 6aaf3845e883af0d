//! How it goes, for somebody who watches: a bar on a terminal, nothing elsewhere.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::clock::Moment;
use super::pace::Window;
use super::plan::Plan;
use crate::output;

#[derive(Debug)]
pub(super) struct Bar {
    bar: ProgressBar,
    /// The answers at the last look, and when that was.
    last: Option<(Moment, u64)>,
}

impl Bar {
    /// A bar of connections, if somebody can see it.
    pub(super) fn new(plan: &Plan) -> Self {
        let stderr = io::stderr();
        // A terminal that cannot move its cursor shows every step on a line of its own.
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let target = if stderr.is_terminal() && !dumb {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(plan.connections as u64), target);
        bar.set_style(style("connecting {wide_bar} {pos}/{len}"));
        Self { bar, last: None }
    }

    pub(super) fn connected(&self, connections: u64) {
        self.bar.set_position(connections);
    }

    /// From connecting to pinging.
    pub(super) fn begin(&self, window: Window) {
        let whole = window.until.since(window.begin);
        self.bar.set_style(style("{wide_bar} {msg}"));
        self.bar.set_length(millis(whole));
        self.bar.set_position(0);
    }

    /// How far it is, and how fast.
    pub(super) fn measure(&mut self, window: Window, now: Moment, replies: u64, faults: u64) {
        self.bar.set_position(millis(now.since(window.begin)));
        let (before, counted) = self.last.replace((now, replies)).unwrap_or((now, replies));
        let passed = now.since(before).as_secs_f64();
        let rate = if passed > 0.0 {
            (replies.saturating_sub(counted)) as f64 / passed
        } else {
            0.0
        };
        let doing = if now < window.from {
            "warming up"
        } else {
            "measuring"
        };
        let left = window.until.since(now).as_secs_f64();
        let faults = match faults {
            0 => String::new(),
            faults => format!(", {faults} failed"),
        };
        let words = format!("{doing}, {left:.0}s left, {rate:.0} pings/s{faults}");
        self.bar.set_message(words);
    }

    pub(super) fn leave(&self) {
        self.bar.set_style(style("{msg}"));
        self.bar.set_message("saying goodbye");
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        // Nothing of it stays between the lines of the report.
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    let coloured = template.replace("{wide_bar}", "{wide_bar:.green}");
    let template = if output::is_colourful(&io::stderr()) {
        &coloured
    } else {
        template
    };
    ProgressStyle::with_template(template).expect("the templates here are well formed")
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
