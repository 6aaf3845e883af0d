//! The daemon's metrics, read as Prometheus reads the text format.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use super::sessions::raw;

/// A metric as it was told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metric {
    /// `counter`, `gauge` or `histogram`.
    pub(crate) kind: String,
    /// Names, labels and values.
    pub(crate) samples: Vec<(String, BTreeMap<String, String>, f64)>,
}

impl Metric {
    /// All labels but that of a histogram's buckets.
    pub(crate) fn labels(&self) -> BTreeSet<String> {
        let samples = self.samples.iter();
        let labels = samples.flat_map(|(_, labels, _)| labels.keys());
        labels.filter(|label| *label != "le").cloned().collect()
    }
}

/// Everything that the daemon tells, by the names that are declared.
pub(crate) fn metrics(http: SocketAddr) -> BTreeMap<String, Metric> {
    let (status, text) = raw(http, "/metrics");
    assert_eq!(status, 200, "{text}");
    parse(&text)
}

/// The value of a sample with exactly these labels.
pub(crate) fn sample(
    told: &BTreeMap<String, Metric>,
    name: &str,
    labels: &[(&str, &str)],
) -> Option<f64> {
    let owned = |(label, value): &(&str, &str)| ((*label).to_owned(), (*value).to_owned());
    let labels: BTreeMap<_, _> = labels.iter().map(owned).collect();
    let mut samples = told.values().flat_map(|metric| &metric.samples);
    let found = samples.find(|(known, with, _)| known == name && *with == labels);
    found.map(|(.., value)| *value)
}

/// What a text in the format says; each metric is declared once, and each sample is of one, once.
pub(crate) fn parse(text: &str) -> BTreeMap<String, Metric> {
    let mut told = BTreeMap::<String, Metric>::new();
    let mut seen = BTreeSet::new();
    let mut current = String::new();
    let mut meant = String::new();
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, meaning) = help.split_once(' ').unwrap();
            assert!(meaning.ends_with('.'), "{line}");
            meant = name.to_owned();
        } else if let Some(declared) = line.strip_prefix("# TYPE ") {
            let (name, kind) = declared.split_once(' ').unwrap();
            assert_eq!(meant, name, "a metric has a meaning");
            current = name.to_owned();
            let metric = Metric {
                kind: kind.to_owned(),
                samples: Vec::new(),
            };
            assert!(told.insert(current.clone(), metric).is_none(), "{line}");
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            assert!(name.starts_with(&current), "{line} under {current}");
            assert!(seen.insert(series.to_owned()), "{line} comes twice");
            let labels = read_labels(labels.strip_suffix('}').unwrap());
            let sample = (name.to_owned(), labels, value.parse().unwrap());
            told.get_mut(&current).unwrap().samples.push(sample);
        }
    }
    told
}

/// `a="b",c="d"`, where a value may have any character in it.
fn read_labels(text: &str) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    let mut rest = text;
    while let Some((label, after)) = rest.split_once("=\"") {
        let mut value = String::new();
        let mut letters = after.char_indices();
        let end = loop {
            match letters.next().unwrap() {
                (at, '"') => break at,
                (_, '\\') => match letters.next().unwrap().1 {
                    'n' => value.push('\n'),
                    letter => value.push(letter),
                },
                (_, letter) => value.push(letter),
            }
        };
        labels.insert(label.trim_start_matches(',').to_owned(), value);
        rest = &after[end + 1..];
    }
    labels
}
