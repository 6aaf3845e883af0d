//! Alerts: what happens, told to people who did not ask just now.
//!
//! Each [`Rule`] has a state machine that finds out what is worth telling (`alert/judge.rs`, one
//! `alert/situation.rs` for each trouble), an ordered queue that tries until somebody takes it
//! (`alert/outbox.rs`), and a task that joins them with sockets and the journal's file
//! (`alert/courier.rs`). The first two read no clock and draw no randomness.
//!
//! Only events that are durable are looked at. A rule's place among them, what is firing and what is on
//! its way are kept together, so after a crash each notice is delivered at least once, and one that was
//! delivered twice has the same `webhook-id`.

mod board;
mod body;
mod clock;
mod courier;
mod glob;
mod history;
mod judge;
mod outbox;
mod post;
mod rule;
mod secret;
mod situation;
mod store;
mod trouble;
mod wording;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::driver::Driver;
use clock::Clock;
use courier::{Courier, Office};
use post::{Outcome, Post};
use store::{Recalled, Store};

pub(crate) use board::Board;
pub use glob::Glob;
pub(crate) use history::History;
pub use outbox::Patience;
pub use post::PostError;
pub use rule::{Destination, GroupBy, Grouping, Rule, RuleError, Thresholds};
pub use secret::{Secret, SecretError};
pub use trouble::{Trouble, UnknownTrouble};

/// What alerts need to begin.
#[derive(Debug)]
pub(crate) struct Beginning {
    pub(crate) rules: Vec<Rule>,
    pub(crate) driver: Driver,
    /// The journal's file, in which alerts have tables of their own.
    pub(crate) path: Option<PathBuf>,
    pub(crate) history: History,
    /// Where people look for more; may be empty.
    pub(crate) page: String,
    /// For so long after the start a service that fails may just not have been heard.
    pub(crate) settle: Duration,
}

/// Rules at work.
#[derive(Debug)]
pub(crate) struct Alerting {
    pub(crate) board: Board,
    /// Cancelled when all have ended.
    pub(crate) ended: CancellationToken,
}

/// Starts to tell, on a thread of its own, until `stop`: methods of the application's that block its
/// runtime must not keep us from that.
///
/// # Errors
///
/// The system gives no thread.
pub(crate) fn start(beginning: Beginning, stop: CancellationToken) -> io::Result<Alerting> {
    let board = Board::new(&beginning.rules);
    let ended = CancellationToken::new();
    let alerting = Alerting {
        board: board.clone(),
        ended: ended.clone(),
    };
    if beginning.rules.is_empty() {
        ended.cancel();
        return Ok(alerting);
    }
    let first = beginning.driver.hub().last_seq();
    let store = Store::new(beginning.path.clone());
    // Before anything can happen, or what does might be before the beginning of a rule.
    let names: Vec<_> = beginning.rules.iter().map(|rule| &*rule.name).collect();
    if let Err(error) = store.begin(&names, first) {
        tracing::warn!(%error, "cannot note where alert rules begin; after a crash they may begin later");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let tell = ended.drop_guard();
    let thread = std::thread::Builder::new().name("carotid-alerts".to_owned());
    thread.spawn(move || {
        let _tell = tell;
        runtime.block_on(work(beginning, first, board, stop));
    })?;
    Ok(alerting)
}

async fn work(beginning: Beginning, first: u64, board: Board, stop: CancellationToken) {
    let office = Office {
        driver: beginning.driver,
        first,
        store: Store::new(beginning.path),
        history: beginning.history,
        board,
        settle: beginning.settle,
        clock: Clock::start(),
    };
    let now = office.clock.now();
    let names: Vec<_> = beginning.rules.iter().map(|rule| &*rule.name).collect();
    if let Err(error) = office.store.forget_others(&names, now) {
        tracing::warn!(%error, "cannot forget alert rules that are no more");
    }
    let tasks = TaskTracker::new();
    for rule in beginning.rules {
        let recalled = office.store.recall(&rule.name, now).unwrap_or_else(|error| {
            let rule = &rule.name;
            tracing::error!(rule, %error, "cannot read where an alert rule stood; it begins anew");
            Recalled::default()
        });
        let rule = Arc::new(rule);
        let source = source(office.driver.hub().run());
        match Post::new(rule.clone(), source, beginning.page.clone()) {
            Ok(post) => {
                let courier = Courier::new(office.clone(), rule, post, recalled);
                tasks.spawn(courier.run(stop.clone()));
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(
                    rule = rule.name,
                    error,
                    "an alert rule cannot send anything"
                );
            }
        }
    }
    tasks.close();
    tasks.wait().await;
}

/// Which journal a CloudEvent comes out of.
fn source(run: u64) -> String {
    format!("/carotid/{run:016x}")
}

/// What became of a test.
#[derive(Clone, Debug)]
pub struct Tested {
    /// The `webhook-id` of its message.
    pub id: String,
    /// The status of the answer; `None` if there was none.
    pub status: Option<u16>,
    /// Why it was not delivered; `None` if it was.
    pub error: Option<String>,
    /// Whether nobody answers there at all.
    pub is_unreachable: bool,
    /// How long it took.
    pub took: Duration,
}

/// Sends one message for a rule that says that it is a test, and does not try again.
///
/// # Errors
///
/// No message can be sent from here at all.
pub async fn test(rule: &Rule, page: &str) -> Result<Tested, PostError> {
    let run: u64 = rand::random();
    let id = format!("{run:016x}-0-{}-test-test", rule.name);
    let now = Timestamp::now();
    let notice = wording::test(rule, id.clone(), now);
    let post = Post::new(Arc::new(rule.clone()), source(run), page.to_owned())?;
    let begun = Instant::now();
    let outcome = post.send(&[&notice], now).await;
    Ok(Tested {
        id,
        status: outcome.status(),
        error: outcome.error(),
        is_unreachable: matches!(
            outcome,
            Outcome::Unreached {
                is_connect: true,
                ..
            }
        ),
        took: begun.elapsed(),
    })
}
