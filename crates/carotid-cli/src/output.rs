//! The one place that prints: data on stdout, talk on stderr.

use std::fmt::Arguments;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use carotid::api::Session;

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

/// Prints data. Whoever stops reading has seen enough: that ends the program in peace.
pub(crate) fn bytes(data: &[u8]) -> Result<(), Exit> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(data).and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(Exit::usage(error).context("cannot write to standard output")),
        Ok(()) => Ok(()),
    }
}

/// Prints one line of data.
pub(crate) fn line(text: &str) -> Result<(), Exit> {
    bytes(format!("{text}\n").as_bytes())
}

/// Prints one line of talk; nobody listening is no error.
pub(crate) fn talk(text: Arguments<'_>) {
    let _closed = writeln!(io::stderr().lock(), "{text}");
}

/// Whether stdout shows colours.
pub(crate) fn is_colourful() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && io::stdout().is_terminal()
}

/// A word of health or an event's kind, in its colour.
pub(crate) fn coloured(word: &str, width: usize) -> String {
    let padded = format!("{word:width$}");
    let colour = match word {
        "alive" | "back" | "opened" => "32",
        "suspect" => "33",
        "dead" => "31",
        _ => "2",
    };
    if is_colourful() {
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
        _ => format!("{}d{:02}h", hours / 24, hours % 24),
    }
}

/// Sessions in aligned columns.
pub(crate) fn table(sessions: &[Session]) -> Result<(), Exit> {
    let peer = |session: &Session| session.peer.map_or("-".into(), |peer| peer.to_string());
    let name_width = width("NAME", sessions.iter().map(|session| session.name.as_str()));
    let peers: Vec<_> = sessions.iter().map(peer).collect();
    let peer_width = width("PEER", peers.iter().map(String::as_str));
    let mut text = format!(
        "{:name_width$}  HEALTH   CAUSE        SILENT   BEATS     CONNS  {:peer_width$}  EPOCH  SINCE\n",
        "NAME", "PEER"
    );
    for (session, peer) in sessions.iter().zip(&peers) {
        text += &format!(
            "{:name_width$}  {}  {:11}  {:7}  {:<8}  {:<5}  {peer:peer_width$}  {:<5}  {:.3}\n",
            session.name,
            coloured(&session.health, 7),
            session.cause.as_deref().unwrap_or("-"),
            roughly(session.last_beat_ms),
            session.beats,
            session.connections,
            session.epoch,
            session.since,
        );
    }
    bytes(text.as_bytes())
}

fn width<'a>(title: &str, cells: impl Iterator<Item = &'a str>) -> usize {
    let widest = cells.map(|cell| cell.chars().count()).max();
    widest.unwrap_or(0).max(title.len())
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
    fn durations_are_short_at_every_size() {
        let said = [999, 1000, 59_999, 61_000, 3_660_000, 90_000_000].map(roughly);
        assert_eq!(said, ["999ms", "1.0s", "59.9s", "1m01s", "1h01m", "1d01h"]);
    }
}
