//! Where the journal is.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use carotid::{JournalConfig, Span};

use crate::args::Journal;
use crate::exit::Exit;

/// Where the journal is and what it keeps; none if nothing is to be kept.
pub(super) fn journal(
    data: Option<PathBuf>,
    asked: &Journal,
) -> Result<Option<JournalConfig>, Exit> {
    check(asked)?;
    Ok(folder(data).map(|folder| {
        let default = JournalConfig::new(folder);
        let max_bytes = asked.max_mib.map(|mib| u64::from(mib) << 20);
        JournalConfig {
            keep: asked.keep.map_or(default.keep, |span| span.0),
            max_bytes: max_bytes.unwrap_or(default.max_bytes),
            ..default
        }
    }))
}

/// Whether that much, or that little, can be kept.
pub(super) fn check(asked: &Journal) -> Result<(), Exit> {
    if let Some(Span(keep)) = asked.keep
        && keep < SHORTEST_KEEP
    {
        return Err(JournalError::Keep { keep }.into());
    }
    if let Some(mib) = asked.max_mib
        && mib < LEAST_MIB
    {
        return Err(JournalError::Size { mib }.into());
    }
    Ok(())
}

/// What is remembered of sessions that have ended is as old.
const SHORTEST_KEEP: Duration = Duration::from_secs(3600);

/// What some ten thousand sessions take, and their last events.
const LEAST_MIB: u32 = 16;

/// Settings of the journal that cannot be used.
#[derive(Debug, thiserror::Error)]
enum JournalError {
    #[error("journal.keep {keep:?} is shorter than {SHORTEST_KEEP:?}")]
    Keep { keep: Duration },
    #[error("journal.max_mib {mib} is less than {LEAST_MIB}")]
    Size { mib: u32 },
}

impl From<JournalError> for Exit {
    fn from(error: JournalError) -> Self {
        Self::settings(error).advise("Change --journal-keep or --journal-max-mib.")
    }
}

/// The folder asked for, or the usual one; none if nothing is to be kept.
fn folder(asked: Option<PathBuf>) -> Option<PathBuf> {
    match asked {
        Some(none) if none.as_os_str() == "none" => None,
        Some(folder) => Some(folder),
        None => Some(usual(|name| std::env::var_os(name))),
    }
}

/// What systemd made for the service, what the user keeps state in, or what services keep it in.
fn usual(variable: impl Fn(&str) -> Option<OsString>) -> PathBuf {
    let absolute = |name| {
        let path = variable(name).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    if let Some(made) = variable("STATE_DIRECTORY") {
        // Of several, with colons between them, the first is ours.
        let made = made.to_string_lossy();
        let first = made.split(':').next().unwrap_or_default();
        if first.starts_with('/') {
            return PathBuf::from(first);
        }
    }
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .unwrap_or_else(|| PathBuf::from("/var/lib"))
        .join("carotid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_little_to_go_on_with_is_refused() {
        let keeping = |keep: Option<&str>, max_mib| {
            let keep = keep.map(|keep| keep.parse().unwrap());
            check(&Journal { keep, max_mib }).is_ok()
        };
        assert!(keeping(None, None) && keeping(Some("1h"), Some(16)));
        assert!(!keeping(Some("59m"), None) && !keeping(None, Some(15)));
        let asked = Journal {
            keep: None,
            max_mib: Some(16),
        };
        let config = journal(Some("/a".into()), &asked).unwrap().unwrap();
        assert_eq!(config.max_bytes, 16 << 20);
    }

    #[test]
    fn the_service_s_folder_comes_first_and_none_is_none() {
        let told = |variables: &'static [(&str, &str)]| {
            let path = usual(|asked| {
                let known = variables.iter().find(|(name, _)| *name == asked);
                known.map(|(_, value)| OsString::from(*value))
            });
            path.to_str().unwrap().to_owned()
        };
        assert_eq!(
            told(&[("STATE_DIRECTORY", "/var/lib/c:/x"), ("HOME", "/home/a")]),
            "/var/lib/c"
        );
        assert_eq!(
            told(&[("XDG_STATE_HOME", "/s"), ("HOME", "/h")]),
            "/s/carotid"
        );
        assert_eq!(
            told(&[("XDG_STATE_HOME", "s"), ("HOME", "/h")]),
            "/h/.local/state/carotid"
        );
        assert_eq!(told(&[]), "/var/lib/carotid");
        assert_eq!(folder(Some("none".into())), None);
        assert_eq!(folder(Some("/a".into())), Some("/a".into()));
    }
}
