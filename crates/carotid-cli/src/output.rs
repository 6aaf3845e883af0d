//! The one place that prints: data on stdout, talk on stderr.

use std::fmt::Arguments;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use carotid::api::Session;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::exit::Exit;

/// How data is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns for people
    Table,
    /// One JSON document
    Json,
    /// One JSON object a line
    Ndjson,
}

/// Prints data. An error means that nothing more can be printed; whoever stopped reading has seen
/// enough, which is no failure.
pub(crate) fn bytes(data: &[u8]) -> Result<(), Exit> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(data).and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Exit::unread()),
        Err(error) => Err(Exit::usage(error).context("cannot write to standard output")),
        Ok(()) => Ok(()),
    }
}

/// Prints one line of data.
pub(crate) fn line(text: &str) -> Result<(), Exit> {
    bytes(format!("{text}\n").as_bytes())
}

/// Prints one JSON document.
pub(crate) fn json(document: &impl Serialize) -> Result<(), Exit> {
    line(&serde_json::to_string_pretty(document).map_err(Exit::usage)?)
}

/// Prints one JSON object a line.
pub(crate) fn ndjson(objects: &[impl Serialize]) -> Result<(), Exit> {
    let mut lines = String::new();
    for object in objects {
        lines += &serde_json::to_string(object).map_err(Exit::usage)?;
        lines.push('\n');
    }
    bytes(lines.as_bytes())
}

/// Prints one line of talk; nobody listening is no error.
pub(crate) fn talk(text: Arguments<'_>) {
    let _closed = writeln!(io::stderr().lock(), "{}", harmless(&text.to_string()));
}

/// The same text without anything that moves a terminal's cursor: servers choose some of it.
pub(crate) fn harmless(text: &str) -> String {
    let shown = text.chars().map(|c| match c {
        '\n' => c.to_string(),
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    });
    shown.collect()
}

/// Whether a stream shows colours.
pub(crate) fn is_colourful(stream: &impl IsTerminal) -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !refused && !dumb && stream.is_terminal()
}

/// A word of health or an event's kind, in its colour.
pub(crate) fn coloured(word: &str, width: usize) -> String {
    let padded = format!("{word:width$}");
    let colour = match word {
        "alive" | "back" | "opened" | "unwedged" | "pass" => "32",
        "suspect" | "warn" | "stalled" | "wedged" | "mass_silence" | "mass_silence_over" => "33",
        "dead" | "fail" => "31",
        _ => "2",
    };
    if is_colourful(&io::stdout()) {
        format!("\x1b[{colour}m{padded}\x1b[0m")
    } else {
        padded
    }
}

/// A duration as a person would say it: two units at most.
pub(crate) fn roughly(ms: u64) -> String {
    let (seconds, minutes, hours) = (ms / 1000, ms / 60_000, ms / 3_600_000);
    match ms {
        ..1000 => format!("{ms}ms"),
        1000..60_000 => format!("{seconds}.{}s", ms % 1000 / 100),
        60_000..3_600_000 => format!("{minutes}m{:02}s", seconds % 60),
        3_600_000..86_400_000 => format!("{hours}h{:02}m", minutes % 60),
        _ if hours % 24 == 0 => format!("{}d", hours / 24),
        _ => format!("{}d{:02}h", hours / 24, hours % 24),
    }
}

/// Sessions in aligned columns.
pub(crate) fn table(sessions: &[Session]) -> Result<(), Exit> {
    let peer = |session: &Session| session.peer.clone().unwrap_or_else(|| "-".into());
    let peers: Vec<_> = sessions.iter().map(peer).collect();
    let names = sessions.iter().map(|session| session.name.as_str());
    let name_width = widest(names.chain(["NAME"]));
    let peer_width = widest(peers.iter().map(String::as_str).chain(["PEER"]));
    let mut text = format!(
        "{}  HEALTH   CAUSE        SILENT   BEATS     CONNS  {:peer_width$}  EPOCH  SINCE\n",
        padded("NAME", name_width),
        "PEER"
    );
    for (session, peer) in sessions.iter().zip(&peers) {
        text += &format!(
            "{}  {}  {:11}  {:7}  {:<8}  {:<5}  {peer:peer_width$}  {:<5}  {:.3}\n",
            padded(&session.name, name_width),
            coloured(&session.health, 7),
            cause(session),
            roughly(session.last_beat_ms),
            session.beats,
            session.connections,
            session.epoch,
            session.since,
        );
    }
    bytes(text.as_bytes())
}

/// Why a session's health is what it is; that it is wedged does not show in its health.
fn cause(session: &Session) -> &str {
    let wedged = session.wedged.then_some("wedged");
    session.cause.as_deref().or(wedged).unwrap_or("-")
}

/// In columns of a terminal: a Chinese character takes two.
pub(crate) fn widest<'a>(cells: impl Iterator<Item = &'a str>) -> usize {
    cells.map(UnicodeWidthStr::width).max().unwrap_or(0)
}

pub(crate) fn padded(cell: &str, width: usize) -> String {
    let missing = width.saturating_sub(cell.width());
    format!("{}{:missing$}", harmless(cell), "")
}

/// The code of a child process, as shells report it.
pub(crate) fn code_of(status: std::process::ExitStatus) -> ExitCode {
    use std::os::unix::process::ExitStatusExt;
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_look() {
        assert_eq!(padded("ab", 4), "ab  ");
        assert_eq!(padded("客户", 5), "客户 ");
        assert_eq!(widest(["客户端/42", "solo"].into_iter()), 9);
    }

    #[test]
    fn what_a_server_says_cannot_move_the_cursor() {
        assert_eq!(harmless("a\x1b[2Jb\r\nc"), "a\\u{1b}[2Jb\\r\nc");
    }

    #[test]
    fn durations_are_short_at_every_size() {
        let said = [999, 1000, 59_999, 61_000, 3_660_000, 90_000_000].map(roughly);
        assert_eq!(said, ["999ms", "1.0s", "59.9s", "1m01s", "1h01m", "1d01h"]);
    }
}
