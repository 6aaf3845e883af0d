//! What somebody wants to be told of, and where.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use reqwest::Url;

use super::glob::Glob;
use super::outbox::Patience;
use super::secret::Secret;
use super::trouble::Trouble;

/// One rule. It has a queue and a receiver of its own, so rules do not wait for each other.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name: letters, digits, `_` and `-`, at most 64 of them.
    pub name: String,
    /// Who is told.
    pub destination: Destination,
    /// What of.
    pub on: Vec<Trouble>,
    /// Of which services; of all if there is none.
    pub services: Vec<Glob>,
    /// When it is worth telling.
    pub thresholds: Thresholds,
    /// What is told together.
    pub grouping: Grouping,
    /// How hard delivery is tried.
    pub patience: Patience,
    /// Labels that each of its notices carries. Alertmanager routes by them.
    pub labels: BTreeMap<String, String>,
}

/// Who is told.
#[derive(Clone)]
pub enum Destination {
    /// A receiver of Standard Webhooks.
    Webhook {
        /// Where it takes them.
        url: Url,
        /// What signs them; each of several does. Without any they are not signed.
        secrets: Vec<Secret>,
    },
    /// An Alertmanager.
    Alertmanager {
        /// Where it is; `/api/v2/alerts` is added.
        url: Url,
    },
}

/// When a trouble is worth telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// So many failures within [`Self::within`] make it fire. Default: 1.
    pub failures: NonZeroU32,
    /// See there. Default: 5 min.
    pub within: Duration,
    /// It must last for so long, too. Default: `None`, not at all for sessions and 10 s for services:
    /// those fail as soon as nobody is above suspicion, and a suspicion is often taken back.
    pub lasting: Option<Duration>,
    /// It is resolved when so many of its sessions are back, or all if there are fewer. Default: `None`,
    /// all of them. With sessions whose names do not come back, give a number.
    pub recoveries: Option<NonZeroU32>,
    /// And nothing failed again for so long. Default: not at all.
    pub keep_firing_for: Duration,
    /// It is resolved as expired when nothing failed for so long, whoever is back. Default: 24 h.
    pub resolve_after: Duration,
}

/// What is told together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// By what. Default: by service.
    pub by: GroupBy,
    /// How long the first notice of a trouble waits for more of it. Default: 1 s.
    pub wait: Duration,
    /// How long after a notice the next one about the same trouble is sent, unless it is resolved.
    /// Default: 1 min.
    pub interval: Duration,
}

/// By what troubles of sessions are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// All sessions of a service are one alert.
    Service,
    /// Each session is an alert of its own.
    Session,
}

/// A rule that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// Its name does not fit into identifiers of messages.
    #[error("{name:?} is no name for a rule: use 1 to 64 letters, digits, _ and -")]
    Name {
        /// The name.
        name: String,
    },
    /// It tells of nothing.
    #[error("rule {rule} is on nothing; leave out on for the default, or name a trouble")]
    OnNothing {
        /// Its name.
        rule: String,
    },
    /// Where it goes is no web address.
    #[error("rule {rule} goes to a {scheme} address; it must begin with http:// or https://")]
    Scheme {
        /// Its name.
        rule: String,
        /// What the address begins with.
        scheme: String,
    },
    /// No answer comes in no time.
    #[error("rule {rule} gives its receiver no time to answer; give timeout more than 0s")]
    NoTimeout {
        /// Its name.
        rule: String,
    },
    /// More failures are asked for than could be within a moment.
    #[error("rule {rule} wants {failures} failures within no time; give within more than 0s")]
    NoTime {
        /// Its name.
        rule: String,
        /// How many.
        failures: u32,
    },
    /// More failures are asked for than are counted.
    #[error(
        "rule {rule} wants {failures} failures; at most {} are counted",
        Thresholds::MOST_FAILURES
    )]
    ManyFailures {
        /// Its name.
        rule: String,
        /// How many.
        failures: u32,
    },
    /// Alertmanager does not take such a label.
    #[error("{label:?} of rule {rule} is no label: use letters, digits and _, and no digit first")]
    Label {
        /// Its name.
        rule: String,
        /// The label.
        label: String,
    },
    /// Two rules have one name.
    #[error("two rules are named {rule}")]
    Twice {
        /// Their name.
        rule: String,
    },
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            failures: NonZeroU32::MIN,
            within: Duration::from_secs(300),
            lasting: None,
            recoveries: None,
            keep_firing_for: Duration::ZERO,
            resolve_after: Duration::from_secs(24 * 3600),
        }
    }
}

impl Thresholds {
    /// So many failures are counted at most: each has its time kept.
    pub const MOST_FAILURES: u32 = 10_000;

    /// For how long this trouble must last.
    pub(super) fn lasting(&self, trouble: Trouble) -> Duration {
        let default = if trouble.is_of_service() { 10 } else { 0 };
        self.lasting.unwrap_or(Duration::from_secs(default))
    }
}

impl Default for Grouping {
    fn default() -> Self {
        Self {
            by: GroupBy::Service,
            wait: Duration::from_secs(1),
            interval: Duration::from_secs(60),
        }
    }
}

impl Rule {
    /// A rule with the defaults: it is on [`Trouble::DEFAULT`] of all services.
    #[must_use]
    pub fn new(name: impl Into<String>, destination: Destination) -> Self {
        Self {
            name: name.into(),
            destination,
            on: Trouble::DEFAULT.to_vec(),
            services: Vec::new(),
            thresholds: Thresholds::default(),
            grouping: Grouping::default(),
            patience: Patience::default(),
            labels: BTreeMap::new(),
        }
    }

    /// Whether it is on this trouble of this service.
    pub(super) fn concerns(&self, trouble: Trouble, service: Option<&str>) -> bool {
        let fits = |service| self.services.iter().any(|glob| glob.matches(service));
        self.on.contains(&trouble) && (self.services.is_empty() || service.is_none_or(fits))
    }

    /// Whether rules can be used together.
    ///
    /// # Errors
    ///
    /// The first that cannot, and why.
    pub fn check(rules: &[Self]) -> Result<(), RuleError> {
        for (index, rule) in rules.iter().enumerate() {
            rule.check_one()?;
            if rules[..index].iter().any(|other| other.name == rule.name) {
                let rule = rule.name.clone();
                return Err(RuleError::Twice { rule });
            }
        }
        Ok(())
    }

    fn check_one(&self) -> Result<(), RuleError> {
        let is_word = |text: &str| {
            let mut chars = text.chars();
            chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        };
        let rule = self.name.clone();
        if !(1..=64).contains(&rule.len()) || !is_word(&rule) {
            return Err(RuleError::Name { name: rule });
        }
        if self.on.is_empty() {
            return Err(RuleError::OnNothing { rule });
        }
        let scheme = self.destination.url().scheme();
        if !matches!(scheme, "http" | "https") {
            let scheme = scheme.to_owned();
            return Err(RuleError::Scheme { rule, scheme });
        }
        if self.patience.attempt.is_zero() {
            return Err(RuleError::NoTimeout { rule });
        }
        let failures = self.thresholds.failures.get();
        if failures > 1 && self.thresholds.within.is_zero() {
            return Err(RuleError::NoTime { rule, failures });
        }
        if failures > Thresholds::MOST_FAILURES {
            return Err(RuleError::ManyFailures { rule, failures });
        }
        let is_label = |label: &&String| {
            is_word(label)
                && !label.contains('-')
                && label.starts_with(|first: char| !first.is_ascii_digit())
        };
        if let Some(label) = self.labels.keys().find(|label| !is_label(label)) {
            let label = label.clone();
            return Err(RuleError::Label { rule, label });
        }
        Ok(())
    }
}

impl Destination {
    /// Its address.
    pub(super) const fn url(&self) -> &Url {
        match self {
            Self::Webhook { url, .. } | Self::Alertmanager { url } => url,
        }
    }

    /// The word for it: `webhook` or `alertmanager`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::Alertmanager { .. } => "alertmanager",
        }
    }
}

/// Scheme, host and port: the rest of an address may be a secret.
impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url();
        write!(f, "{}://{}", url.scheme(), url.host_str().unwrap_or("?"))?;
        match url.port() {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {self}", self.kind())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> Rule {
        let url = Url::parse("https://me:pw@example.org:8443/hook/token").unwrap();
        let secrets = Vec::new();
        Rule::new("pager", Destination::Webhook { url, secrets })
    }

    #[test]
    fn what_may_be_secret_in_an_address_is_not_printed() {
        let printed = format!("{:?}", rule());
        assert!(printed.contains("webhook at https://example.org:8443"));
        assert!(!printed.contains("token") && !printed.contains("pw"));
    }

    #[test]
    fn rules_that_cannot_be_used_are_refused() {
        let change = |change: fn(&mut Rule)| {
            let mut rule = rule();
            change(&mut rule);
            Rule::check(&[rule]).unwrap_err().to_string()
        };
        assert!(change(|rule| rule.name = "a.b".into()).contains("a.b"));
        assert!(change(|rule| rule.on.clear()).contains("on nothing"));
        assert!(
            change(|rule| {
                let url = Url::parse("ftp://example.org").unwrap();
                rule.destination = Destination::Alertmanager { url };
            })
            .contains("ftp")
        );
        assert!(
            change(|rule| {
                rule.thresholds.failures = NonZeroU32::new(2).unwrap();
                rule.thresholds.within = Duration::ZERO;
            })
            .contains("within")
        );
        assert!(change(|rule| drop(rule.labels.insert("0a".into(), String::new()))).contains("0a"));
        assert_eq!(
            Rule::check(&[rule(), rule()]).unwrap_err().to_string(),
            "two rules are named pager"
        );
    }
}
