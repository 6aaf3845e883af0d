//! The text format that was there before OpenMetrics, which promtool and scripts read.

/// The same metrics in version 0.0.4 of Prometheus's text format: a counter is declared by its whole
/// name, what OpenMetrics alone knows is left out.
pub(crate) fn plain(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut help = None;
    for line in open_metrics.lines() {
        if let Some(meaning) = line.strip_prefix("# HELP ") {
            help = meaning.split_once(' ');
        } else if let Some(declared) = line.strip_prefix("# TYPE ") {
            let (name, kind) = declared.split_once(' ').unwrap_or((declared, "untyped"));
            let (suffix, kind) = match kind {
                "counter" => ("_total", kind),
                "info" => ("_info", "gauge"),
                _ => ("", kind),
            };
            if let Some((_, meaning)) = help.take() {
                text += &format!("# HELP {name}{suffix} {meaning}\n");
            }
            text += &format!("# TYPE {name}{suffix} {kind}\n");
        } else if !line.starts_with('#') {
            text += line;
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_declared_by_its_whole_name() {
        let before = "# HELP a_seconds Time.\n# TYPE a_seconds counter\n# UNIT a_seconds seconds\n\
            a_seconds_total{b=\"# c\"} 1\n# HELP b What.\n# TYPE b info\nb_info{c=\"d\"} 1\n\
            # HELP c Now.\n# TYPE c gauge\nc 2\n# EOF\n";
        let after = "# HELP a_seconds_total Time.\n# TYPE a_seconds_total counter\n\
            a_seconds_total{b=\"# c\"} 1\n# HELP b_info What.\n# TYPE b_info gauge\nb_info{c=\"d\"} 1\n\
            # HELP c Now.\n# TYPE c gauge\nc 2\n";
        assert_eq!(plain(before), after);
    }
}
