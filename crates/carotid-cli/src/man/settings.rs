//! The page about the configuration file, made of what the command line says of each setting.

use clap_mangen::roff::{Roff, bold, italic, roman};

use crate::config::origin;

/// carotid.toml(5).
pub(super) fn page(date: &str) -> String {
    let version = format!("carotid {}", env!("CARGO_PKG_VERSION"));
    let mut page = Roff::new();
    page.control(
        "TH",
        ["CAROTID.TOML", "5", date, version.as_str(), "carotid"],
    );
    page.control("SH", ["NAME"]);
    page.text([roman("carotid.toml - settings of the carotid daemon")]);
    page.control("SH", ["DESCRIPTION"]);
    paragraphs(
        &mut page,
        &[
            "carotid-serve(1) reads the file that --config or $CAROTID_CONFIG names, otherwise \
             $XDG_CONFIG_HOME/carotid/carotid.toml (~/.config if that is unset), otherwise \
             /etc/carotid/carotid.toml. It is TOML; durations are texts such as \"10s\" or \"1m30s\". What a \
             flag or a CAROTID_ variable says goes before what the file says. A key that is not known is \
             an error.",
            "carotid-config(1) tells everything that is wrong with a file, and where each setting in force \
             comes from. A hangup signal makes the daemon read the file again: log and the tables of \
             services change at once, and what else has changed is named in the log, as it needs a restart.",
        ],
    );
    let mut table = None;
    for (key, arg) in origin::keys(&origin::serve()) {
        let (of, name) = match key.split_once('.') {
            Some((of, name)) => (Some(of.to_owned()), name),
            None => (None, key.as_str()),
        };
        if table.as_ref() != Some(&of) {
            let heading = match &of {
                Some(of) => format!("[{of}]"),
                None if table.is_none() => "SETTINGS".to_owned(),
                None => "FURTHER SETTINGS OUTSIDE OF TABLES".to_owned(),
            };
            page.control("SH", [heading.as_str()]);
            table = Some(of);
        }
        page.control("TP", []);
        let value = arg.get_value_names().and_then(<[_]>::first);
        let value = value.map(ToString::to_string).unwrap_or_default();
        page.text([bold(name), roman(" = "), italic(value)]);
        let help = arg.get_long_help().or_else(|| arg.get_help());
        page.text([roman(help.map(ToString::to_string).unwrap_or_default())]);
    }
    page.control("SH", ["[service.NAME]"]);
    page.control("TP", []);
    page.text([bold("min_alive"), roman(" = "), italic("COUNT")]);
    page.text([roman(
        "With fewer sessions alive the service fails [default: 1]",
    )]);
    page.control("SH", ["SEE ALSO"]);
    page.text([
        bold("carotid-serve"),
        roman("(1), "),
        bold("carotid-config"),
        roman("(1)"),
    ]);
    page.render()
}

fn paragraphs(page: &mut Roff, texts: &[&str]) {
    for (number, text) in texts.iter().enumerate() {
        if number > 0 {
            page.control("PP", []);
        }
        page.text([roman(*text)]);
    }
}
