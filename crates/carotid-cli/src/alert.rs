//! `carotid alert`: rules that tell people, tried and looked at.

use std::process::ExitCode;

use anyhow::anyhow;
use carotid::alert::{self, Rule};
use carotid::api::{Alerts, RuleState};
use clap::{Args, Subcommand};

use crate::args::{Daemon, ServeArgs, Settings};
use crate::exit::Exit;
use crate::operations::Operations;
use crate::output::{self, Format};
use crate::settings::decide;

#[derive(Debug, Args)]
pub(crate) struct AlertArgs {
    #[command(subcommand)]
    command: AlertCommand,
}

#[derive(Debug, Subcommand)]
enum AlertCommand {
    /// Send one message for a rule of the configuration file that says that it is a test
    ///
    /// Reads the file as carotid serve does; no daemon is needed. Exit codes: 0 it was taken, 1 there is
    /// no such rule or the settings cannot be used, 2 nobody answers there, 3 it was refused.
    Test(TestArgs),
    /// List the daemon's rules: what is firing, what was delivered, what was not
    List(ListArgs),
}

#[derive(Debug, Args)]
struct TestArgs {
    /// The rule: NAME of a table [alert.NAME]
    rule: String,

    /// Configuration file [default: that of carotid serve]
    #[arg(long, env = "CAROTID_CONFIG", value_name = "FILE")]
    config: Option<std::path::PathBuf>,

    /// How to print what became of it
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    output: Format,
}

#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    daemon: Daemon,

    /// How to print them
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    output: Format,
}

pub(crate) async fn run(args: AlertArgs) -> Result<ExitCode, Exit> {
    match args.command {
        AlertCommand::Test(args) => test(args).await,
        AlertCommand::List(args) => list(args).await,
    }
}

async fn test(args: TestArgs) -> Result<ExitCode, Exit> {
    let decided = decide(ServeArgs {
        config: args.config,
        settings: Settings::default(),
    })?;
    let rules = decided.server.alerts;
    let Some(rule) = rules.iter().find(|rule| rule.name == args.rule) else {
        return Err(unknown(&args.rule, &rules, decided.file.is_some()));
    };
    let page = format!("http://{}/", decided.http);
    let tested = alert::test(rule, &page).await;
    let tested = tested.map_err(Exit::usage)?;
    let ms = tested.took.as_secs_f64() * 1e3;
    let printed = match args.output {
        Format::Table => {
            let answer = match tested.status {
                Some(status) => format!("answered {status}"),
                None => "no answer".to_owned(),
            };
            output::line(&format!(
                "{} at {}: {answer} in {ms:.1} ms, webhook-id {}",
                rule.destination.kind(),
                rule.destination,
                tested.id
            ))
        }
        Format::Json | Format::Ndjson => output::line(
            &serde_json::json!({
                "rule": rule.name,
                "kind": rule.destination.kind(),
                "destination": rule.destination.to_string(),
                "id": tested.id,
                "status": tested.status,
                "delivered": tested.error.is_none(),
                "error": tested.error,
                "took_ms": (ms * 10.0).round() / 10.0,
            })
            .to_string(),
        ),
    };
    let Some(error) = tested.error else {
        return printed.map(|()| ExitCode::SUCCESS);
    };
    let doing = format!(
        "rule {} was not delivered to {}",
        rule.name, rule.destination
    );
    if tested.is_unreachable {
        Err(Exit::connect(anyhow!(error)).context(doing).advise(
            "Is the receiver running, and can this machine reach it? carotid serve would try again for a day.",
        ))
    } else {
        Err(Exit::rpc(anyhow!(error)).context(doing).advise(
            "It answers, but does not take the message: look at its log, its path and its secret.",
        ))
    }
}

fn unknown(name: &str, rules: &[Rule], is_configured: bool) -> Exit {
    let known: Vec<_> = rules.iter().map(|rule| rule.name.as_str()).collect();
    let advice = match (known.is_empty(), is_configured) {
        (false, _) => format!("There are: {}.", known.join(", ")),
        (true, true) => "The configuration file has no table [alert.NAME].".to_owned(),
        (true, false) => "There is no configuration file; name one with --config.".to_owned(),
    };
    Exit::usage(anyhow!("no rule is called {name:?}")).advise(advice)
}

async fn list(args: ListArgs) -> Result<ExitCode, Exit> {
    let operations = Operations::new(&args.daemon)?;
    let alerts: Alerts = operations.ask(operations.get("/api/v1/alerts")).await?;
    match args.output {
        Format::Table => print(&alerts)?,
        Format::Json => output::json(&alerts)?,
        Format::Ndjson => output::ndjson(&alerts.rules)?,
    }
    if alerts.rules.is_empty() {
        output::talk(format_args!("no rules: the daemon tells nobody"));
    }
    Ok(ExitCode::SUCCESS)
}

fn print(alerts: &Alerts) -> Result<(), Exit> {
    if alerts.rules.is_empty() {
        return Ok(());
    }
    let widest = |cell: fn(&RuleState) -> &str, title: &str| {
        let cells = alerts.rules.iter().map(|rule| cell(rule).chars().count());
        cells.chain([title.len()]).max().unwrap_or(0)
    };
    let rule_width = widest(|rule| &rule.rule, "RULE");
    let to_width = widest(|rule| &rule.destination, "TO");
    let mut text = format!(
        "{:rule_width$}  {:to_width$}  FIRING  PENDING  DELIVERED  DEAD  LAST ERROR\n",
        "RULE", "TO"
    );
    for rule in &alerts.rules {
        let error = match &rule.last_error {
            Some(error) => output::harmless(error).replace('\n', " "),
            None => "-".to_owned(),
        };
        text += &format!(
            "{:rule_width$}  {:to_width$}  {:<6}  {:<7}  {:<9}  {:<4}  {error}\n",
            rule.rule,
            rule.destination,
            rule.firing_count,
            rule.pending,
            rule.delivered,
            rule.dead_letters,
        );
        for firing in &rule.firing {
            let (trouble, subject) = (&firing.trouble, output::harmless(&firing.subject));
            text += &format!("  {trouble} {subject} since {:.3}\n", firing.since);
        }
    }
    output::bytes(text.as_bytes())
}
