//! Alert rules: the tables `[alert.NAME]` of the configuration file. Only the file has them.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use carotid::alert::{Destination, Glob, GroupBy, Grouping, Rule, Secret, Thresholds, Trouble};
use reqwest::Url;
use serde::Deserialize;

use crate::exit::Exit;
use crate::span::Span;

/// All rules, by their names.
pub(crate) type Tables = BTreeMap<String, Table>;

/// One rule, as the file has it. What each key does is told in `docs/alerts.md`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    webhook: Option<String>,
    alertmanager: Option<String>,
    #[serde(alias = "secret-file")]
    secret_file: Option<PathBuf>,
    #[serde(alias = "secret-env")]
    secret_env: Option<String>,
    service: Option<OneOrMore>,
    on: Option<Vec<String>>,
    timeout: Option<Span>,
    #[serde(alias = "retry-for")]
    retry_for: Option<Span>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(alias = "failure-threshold")]
    failure_threshold: Option<NonZeroU32>,
    within: Option<Span>,
    r#for: Option<Span>,
    #[serde(alias = "recovery-threshold")]
    recovery_threshold: Option<NonZeroU32>,
    #[serde(alias = "keep-firing-for")]
    keep_firing_for: Option<Span>,
    #[serde(alias = "resolve-after")]
    resolve_after: Option<Span>,
    #[serde(alias = "group-by")]
    group_by: Option<Group>,
    #[serde(alias = "group-wait")]
    group_wait: Option<Span>,
    #[serde(alias = "group-interval")]
    group_interval: Option<Span>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Group {
    Service,
    Session,
}

/// A text, or a list of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// The rules that the tables describe, ready to work.
pub(crate) fn rules(tables: &Tables) -> Result<Vec<Rule>, Exit> {
    let rules = tables.iter().map(|(name, table)| {
        let rule = table.rule(name);
        rule.with_context(|| format!("[alert.{name}] cannot be used"))
    });
    let rules = rules.collect::<anyhow::Result<Vec<_>>>();
    let advise = |exit: Exit| exit.advise("Correct that table; docs/alerts.md explains each key.");
    let rules = rules.map_err(|error| advise(Exit::settings(error)))?;
    Rule::check(&rules).map_err(|error| advise(Exit::settings(error)))?;
    Ok(rules)
}

impl Table {
    fn rule(&self, name: &str) -> anyhow::Result<Rule> {
        let mut rule = Rule::new(name, self.destination()?);
        if let Some(words) = &self.on {
            let on = words.iter().map(|word| word.parse::<Trouble>());
            rule.on = on.collect::<Result<_, _>>()?;
        }
        rule.services = match &self.service {
            None => Vec::new(),
            Some(OneOrMore::One(one)) => vec![Glob::new(one)],
            Some(OneOrMore::More(more)) => more.iter().map(|one| Glob::new(one)).collect(),
        };
        let or = |span: Option<Span>, default| span.map_or(default, |span| span.0);
        rule.patience.attempt = or(self.timeout, rule.patience.attempt);
        rule.patience.give_up_after = or(self.retry_for, rule.patience.give_up_after);
        rule.labels = self.labels.clone();
        rule.thresholds = self.thresholds();
        rule.grouping = self.grouping();
        Ok(rule)
    }

    fn destination(&self) -> anyhow::Result<Destination> {
        match (&self.webhook, &self.alertmanager) {
            (Some(_), Some(_)) => {
                bail!("it has both webhook and alertmanager; make two rules of it")
            }
            (None, None) => bail!("it goes nowhere: give webhook or alertmanager"),
            (Some(url), None) => Ok(Destination::Webhook {
                url: address(url)?,
                secrets: self.secrets()?,
            }),
            (None, Some(_)) if self.secret_file.is_some() || self.secret_env.is_some() => {
                bail!("an Alertmanager verifies no signature: leave out its secret")
            }
            (None, Some(url)) => Ok(Destination::Alertmanager { url: address(url)? }),
        }
    }

    fn secrets(&self) -> anyhow::Result<Vec<Secret>> {
        match (&self.secret_file, &self.secret_env) {
            (Some(_), Some(_)) => bail!("it has both secret_file and secret_env; leave one out"),
            (None, None) => Ok(Vec::new()),
            (Some(path), None) => from_file(path),
            (None, Some(variable)) => from_environment(variable),
        }
    }

    fn thresholds(&self) -> Thresholds {
        let default = Thresholds::default();
        let or = |span: Option<Span>, default| span.map_or(default, |span| span.0);
        Thresholds {
            failures: self.failure_threshold.unwrap_or(default.failures),
            within: or(self.within, default.within),
            lasting: self.r#for.map(|span| span.0),
            recoveries: self.recovery_threshold,
            keep_firing_for: or(self.keep_firing_for, default.keep_firing_for),
            resolve_after: or(self.resolve_after, default.resolve_after),
        }
    }

    fn grouping(&self) -> Grouping {
        let default = Grouping::default();
        Grouping {
            by: match self.group_by {
                Some(Group::Session) => GroupBy::Session,
                Some(Group::Service) | None => default.by,
            },
            wait: self.group_wait.map_or(default.wait, |span| span.0),
            interval: self.group_interval.map_or(default.interval, |span| span.0),
        }
    }
}

fn from_environment(variable: &str) -> anyhow::Result<Vec<Secret>> {
    let is_name = |c: char| c == '_' || c.is_ascii_alphanumeric();
    if variable.starts_with("whsec_") || !variable.chars().all(is_name) {
        bail!(
            "its secret_env is no name of a variable (is it the secret itself?); \
             put the secret into the environment, and the variable's name here"
        );
    }
    let shown = if is_plain_variable(variable) {
        variable
    } else {
        "variable of that name"
    };
    let text = std::env::var(variable)
        .map_err(|_| anyhow!("its secret_env is not set: the environment has no {shown}"))?;
    Secret::parse_all(&text)
        .with_context(|| format!("the secret in its secret_env ({shown}) is none"))
}

/// Whether a text is surely the name of a variable and can be repeated: secrets have small letters, too.
pub(crate) fn is_plain_variable(text: &str) -> bool {
    let is_usual = |c: char| c == '_' || c.is_ascii_uppercase() || c.is_ascii_digit();
    !text.is_empty() && text.chars().all(is_usual)
}

fn from_file(path: &Path) -> anyhow::Result<Vec<Secret>> {
    let path_shown = path.display();
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read its secret_file {path_shown}"))?;
    Secret::parse_all(&text).with_context(|| format!("the secret in {path_shown} is none"))
}

/// An address; it may be a secret itself, so it is not repeated.
fn address(text: &str) -> anyhow::Result<Url> {
    Url::parse(text).context("its address is no URL, such as http://127.0.0.1:9093")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn decide(file: &str) -> Result<Vec<Rule>, String> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            alert: Tables,
        }
        let file: File = toml::from_str(file).map_err(|error| error.to_string())?;
        rules(&file.alert).map_err(|exit| format!("{exit:?}"))
    }

    #[test]
    fn a_rule_is_read_with_all_its_keys() {
        let mut secret = tempfile::NamedTempFile::new().unwrap();
        secret
            .write_all(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
            .unwrap();
        let file = format!(
            "[alert.pager]
            webhook = 'https://example.org/hook'
            secret-file = '{}'
            service = ['pay*', 'auth']
            on = ['dead', 'mass_silence']
            failure_threshold = 3
            within = '1m'
            for = '30s'
            recovery-threshold = 2
            keep_firing_for = '5s'
            resolve_after = '1h'
            group_by = 'session'
            group_wait = '2s'
            group_interval = '5m'
            timeout = '3s'
            retry_for = '1h'
            labels = {{ team = 'money' }}
            [alert.all]
            alertmanager = 'http://127.0.0.1:9093'
            service = 'pay*'",
            secret.path().display()
        );
        let rules = decide(&file).unwrap();
        let names: Vec<_> = rules.iter().map(|rule| &*rule.name).collect();
        assert_eq!(names, ["all", "pager"]);
        let pager = &rules[1];
        assert_eq!(pager.on, [Trouble::Dead, Trouble::MassSilence]);
        assert_eq!(pager.services.len(), 2);
        assert_eq!(pager.thresholds.failures.get(), 3);
        assert_eq!(
            pager.thresholds.lasting.map(|span| span.as_secs()),
            Some(30)
        );
        assert_eq!(pager.thresholds.recoveries, NonZeroU32::new(2));
        assert_eq!(pager.grouping.interval.as_secs(), 300);
        assert_eq!(pager.patience.attempt.as_secs(), 3);
        assert_eq!(pager.patience.give_up_after.as_secs(), 3600);
        assert_eq!(pager.labels["team"], "money");
        assert_eq!(rules[0].on, Trouble::DEFAULT);
    }

    #[test]
    fn a_secret_in_the_place_of_a_variable_is_not_repeated() {
        for secret in [
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa==",
        ] {
            let table = format!("[alert.pager]\nwebhook = 'http://a'\nsecret_env = '{secret}'");
            let why = decide(&table).unwrap_err();
            assert!(
                why.contains("its secret_env") && !why.contains("MfKQ"),
                "{why}"
            );
        }
    }

    #[test]
    fn contradictions_are_refused_and_say_why() {
        for (table, said) in [
            ("webhook = 'http://a'\nalertmanager = 'http://b'", "both"),
            ("", "goes nowhere"),
            ("webhook = 'nowhere'", "no URL"),
            ("webhook = 'ftp://a'", "http://"),
            (
                "webhook = 'http://a'\nsecret_file = '/nowhere/at/all'",
                "/nowhere/at/all",
            ),
            (
                "webhook = 'http://a'\nsecret_env = 'CAROTID_NOT_SET'",
                "CAROTID_NOT_SET",
            ),
            ("webhook = 'http://a'\nsecret_env = 'PATH'", "is none"),
            (
                "webhook = 'http://a'\nsecret_env = 'A'\nsecret_file = '/b'",
                "leave one out",
            ),
            (
                "alertmanager = 'http://a'\nsecret_env = 'A'",
                "no signature",
            ),
            ("webhook = 'http://a'\non = ['deaf']", "deaf"),
            ("webhook = 'http://a'\non = []", "on nothing"),
            ("webhook = 'http://a'\nwebhok = 'http://b'", "webhok"),
            ("webhook = 'http://a'\nfailure_threshold = 0", "nonzero"),
            ("webhook = 'http://a'\ngroup_by = 'host'", "host"),
            ("webhook = 'http://a'\nfor = 3", "for = 3"),
            ("webhook = 'http://a'\ntimeout = '0s'", "no time"),
            ("webhook = 'http://a'\nlabels = { 'a-b' = 'c' }", "a-b"),
        ] {
            let why = decide(&format!("[alert.pager]\n{table}")).unwrap_err();
            assert!(why.contains(said), "{table}\n{why}");
        }
    }
}
