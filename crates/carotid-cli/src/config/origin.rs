//! Where each setting comes from.
//!
//! What there is to set is known to the command line: a flag of `carotid serve`, its variable, its
//! default as its help has it; a group of flags is a table of the file, and a test holds all of that
//! against the parser. What only a file can have (`[service.NAME]`) is told as it stands there.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory};

use crate::args::Arguments;
use crate::settings::alert::is_plain_variable;
use crate::settings::file::{Entry, File};

/// One setting in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// As in a file, with dots between the tables.
    pub(crate) key: String,
    pub(crate) value: Value,
    pub(crate) origin: Origin,
    /// Tells a hidden value from another one.
    mark: u64,
}

impl Setting {
    pub(crate) fn new(key: impl Into<String>, value: Value, origin: Origin) -> Self {
        let text = match &value {
            Value::Literal(text) => super::show::parsed(text).map(|parsed| parsed.to_string()),
            Value::Words(words) => Some(words.clone()),
        };
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let mut setting = Self {
            key: key.into(),
            value,
            origin,
            mark: hasher.finish(),
        };
        hide_secrets(&mut setting);
        setting
    }

    /// Whether both set the same, wherever they come from and however it is written.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        self.mark == other.mark
    }
}

/// What is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// As TOML writes it.
    Literal(String),
    /// A default that depends on others, in words.
    Words(String),
}

/// Who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag(String),
    Variable(String),
    File { path: String, line: usize },
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "--{flag}"),
            Self::Variable(name) => write!(f, "${name}"),
            Self::File { path, line } => write!(f, "{path}:{line}"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// All settings in force: those that can be flags in the order of the help, then what else is in the file.
pub(crate) fn settings(matches: &ArgMatches, file: Option<&File>) -> Vec<Setting> {
    let mut entries = file.map(File::entries).unwrap_or_default();
    let place = |entry: &Entry| {
        file.map_or(Origin::Default, |file| Origin::File {
            path: file.path.display().to_string(),
            line: file.place(entry.at).line,
        })
    };
    let mut settings = Vec::new();
    for (key, arg) in keys(&serve()) {
        let at = entries
            .iter()
            .position(|entry| entry.key.replace('-', "_") == key);
        let entry = at.map(|at| entries.remove(at));
        let (value, origin) = match (given(matches, &arg), entry) {
            (Some(given), _) => given,
            (None, Some(entry)) => (Value::Literal(entry.value.clone()), place(&entry)),
            (None, None) => (default(&arg), Origin::Default),
        };
        settings.push(Setting::new(key, value, origin));
    }
    settings.extend(entries.into_iter().map(|entry| {
        let origin = place(&entry);
        Setting::new(entry.key, Value::Literal(entry.value), origin)
    }));
    settings
}

/// `carotid serve`, complete with its groups and what it inherits.
pub(crate) fn serve() -> Command {
    let mut all = Arguments::command();
    // Groups and inherited settings are complete only then.
    all.build();
    let serve = all.find_subcommand("serve");
    serve.expect("the daemon is a subcommand").clone()
}

/// The flags that are settings, by their keys in a file.
pub(crate) fn keys(serve: &Command) -> Vec<(String, Arg)> {
    let table = |arg: &Arg| {
        let groups = serve.get_groups();
        let own = groups.filter(|group| group.get_args().any(|id| id == arg.get_id()));
        let names = own.map(|group| snake_case(group.get_id().as_str()));
        names
            .filter(|name| name != "settings" && name != "serve_args")
            .last()
    };
    let settings = serve.get_arguments().filter(|arg| {
        // The file itself is not a setting of the file.
        arg.get_env().is_some() && arg.get_id() != "config"
    });
    settings
        .filter_map(|arg| {
            let flag = arg.get_long()?.replace('-', "_");
            let key = match table(arg) {
                None => flag,
                Some(table) => {
                    let prefix = format!("{table}_");
                    let key = flag.strip_prefix(&prefix).unwrap_or(&flag);
                    format!("{table}.{key}")
                }
            };
            Some((key, arg.clone()))
        })
        .collect()
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for (at, c) in name.char_indices() {
        if c.is_ascii_uppercase() && at > 0 {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

/// What a flag or its variable says.
fn given(matches: &ArgMatches, arg: &Arg) -> Option<(Value, Origin)> {
    let id = arg.get_id().as_str();
    let origin = match matches.value_source(id)? {
        ValueSource::CommandLine => Origin::Flag(arg.get_long()?.to_owned()),
        ValueSource::EnvVariable => Origin::Variable(arg.get_env()?.to_string_lossy().into_owned()),
        ValueSource::DefaultValue | _ => return None,
    };
    let raw = matches.get_raw(id)?.next_back()?.to_string_lossy();
    Some((Value::Literal(literal(&raw)), origin))
}

/// The default, as the help has it.
fn default(arg: &Arg) -> Value {
    let help = arg.get_long_help().or_else(|| arg.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let words = help
        .rsplit_once("[default: ")
        .and_then(|(_, rest)| rest.split_once(']'))
        .map(|(default, _)| default.split_whitespace().collect::<Vec<_>>().join(" "));
    match words {
        Some(words) if words.contains(' ') => Value::Words(words),
        Some(word) => Value::Literal(literal(&word)),
        None => Value::Words("none".to_owned()),
    }
}

/// A number or a truth as it is, everything else as a text.
fn literal(text: &str) -> String {
    let is_plain = text.parse::<i64>().is_ok()
        || (text.parse::<f64>().is_ok_and(f64::is_finite) && text.contains('.'))
        || text.parse::<bool>().is_ok();
    if is_plain {
        text.to_owned()
    } else {
        toml::Value::from(text).to_string()
    }
}

const HIDDEN: &str = "\"…\"";

/// Keeps back what opens doors: secrets, and the paths of URLs, which often are one.
fn hide_secrets(setting: &mut Setting) {
    let Value::Literal(value) = &mut setting.value else {
        return;
    };
    let name = setting.key.rsplit('.').next().unwrap_or_default();
    let name = name.to_ascii_lowercase().replace('-', "_");
    // Somebody will put the secret itself where the name of its variable belongs.
    let is_variable = || is_plain_variable(value.trim_matches(['"', '\'']));
    let tells_where = ["_file", "_path"].iter().any(|end| name.ends_with(end))
        || (name.ends_with("_env") && is_variable());
    let is_secret = [
        "secret",
        "token",
        "password",
        "credential",
        "authorization",
        "headers",
    ]
    .iter()
    .any(|word| name.contains(word));
    if is_secret && !tells_where {
        HIDDEN.clone_into(value);
        return;
    }
    if let Some((scheme, rest)) = value.split_once("://") {
        let authority = rest
            .split(['/', '?', '#', '"', '\''])
            .next()
            .unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        let is_all = rest.trim_end_matches(['"', '\'', '/']) == host;
        if !is_all {
            *value = format!("{scheme}://{host}/…\"").replacen('\'', "\"", 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Settings;
    use crate::settings::{decide, faults};
    use clap::FromArgMatches;

    fn matches(arguments: &[&str]) -> ArgMatches {
        let all = [&["serve"][..], arguments].concat();
        serve().try_get_matches_from(all).unwrap()
    }

    fn file(text: &str) -> File {
        File {
            path: "f.toml".into(),
            text: text.to_owned(),
        }
    }

    /// The file that says what this setting says.
    fn written(setting: &Setting) -> Option<String> {
        let Value::Literal(literal) = &setting.value else {
            return None;
        };
        let text = match setting.key.split_once('.') {
            Some((table, key)) => format!("[{table}]\n{key} = {literal}\n"),
            None => format!("{} = {literal}\n", setting.key),
        };
        Some(text)
    }

    #[test]
    fn every_default_is_what_the_daemon_does_without_it() {
        let decided = |text: &str| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("carotid.toml");
            std::fs::write(&path, text).unwrap();
            let mut args = crate::args::ServeArgs::from_arg_matches(&matches(&[])).unwrap();
            args.config = Some(path);
            let mut decided = decide(args).unwrap();
            decided.file = None;
            format!("{decided:#?}")
        };
        let without = decided("");
        let mut literals = 0;
        for setting in settings(&matches(&[]), None) {
            assert_eq!(setting.origin, Origin::Default, "{setting:?}");
            if let Some(text) = written(&setting) {
                literals += 1;
                assert_eq!(decided(&text), without, "{text}");
            }
        }
        assert!(literals >= 12, "{literals}");
    }

    #[test]
    fn every_key_is_one_of_the_file() {
        for (key, _) in keys(&serve()) {
            // Of the wrong type for every setting, and thus never unknown.
            let (table, name) = key.split_once('.').unwrap_or(("", &key));
            let header = if table.is_empty() {
                String::new()
            } else {
                format!("[{table}]\n")
            };
            let said = toml::from_str::<Settings>(&format!("{header}{name} = [[]]"));
            let said = said.unwrap_err().to_string();
            assert!(!said.contains("unknown field"), "{key}: {said}");
        }
        assert!(faults(Settings::default()).is_empty());
    }

    #[test]
    fn flags_come_from_flags_and_lines_from_lines() {
        let text = "interval = '2s'\non-disconnect = 'dead'\n[mass_silence]\nshare = 0.5\n[service.a]\nx = 1";
        let all = settings(&matches(&["--interval", "1s"]), Some(&file(text)));
        let one = |key: &str| {
            let found = all.iter().find(|one| one.key == key).unwrap();
            let Value::Literal(value) = &found.value else {
                panic!("{found:?}")
            };
            format!("{value} {}", found.origin)
        };
        assert_eq!(one("interval"), "\"1s\" --interval");
        assert_eq!(one("on_disconnect"), "'dead' f.toml:2");
        assert_eq!(one("mass_silence.share"), "0.5 f.toml:4");
        assert_eq!(one("service.a.x"), "1 f.toml:6");
        assert_eq!(one("timeout"), "\"60s\" default");
    }

    #[test]
    fn secrets_are_not_shown() {
        let text = "[alert.a]\nurl = 'https://u:p@hooks.example/services/T0/B0?x=y'\nsecret = 'hunter2'\n\
                    secret_file = '/etc/a'\nplain = \"http://h:1\"\napi_token = 'x'\n\
                    secret_env = 'PAGER_1'\nsecret-env = 'whsec_MfKQ9r8GKYqr'";
        let all = settings(&matches(&[]), Some(&file(text)));
        let values = all.iter().filter(|one| one.key.starts_with("alert."));
        let values: Vec<_> = values
            .map(|one| match &one.value {
                Value::Literal(value) | Value::Words(value) => value.as_str(),
            })
            .collect();
        let shown = [
            "\"https://hooks.example/…\"",
            HIDDEN,
            "'/etc/a'",
            "\"http://h:1\"",
            HIDDEN,
            "'PAGER_1'",
            HIDDEN,
        ];
        assert_eq!(values, shown);
    }
}
