//! Where the journal is.

use std::ffi::OsString;
use std::path::PathBuf;

/// The folder asked for, or the usual one; none if nothing is to be kept.
pub(super) fn folder(asked: Option<PathBuf>) -> Option<PathBuf> {
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
