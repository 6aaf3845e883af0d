//! Asks the daemon what the screen needs, again and again, and follows its events.

use std::sync::Arc;
use std::time::Duration;

use carotid::api::{Event, Services, Sessions, Verdict};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::state::{Answer, Question, Rows, SortKey, Subject};
use crate::exit::Exit;
use crate::operations::Operations;
use crate::watch::sse::Frames;

/// How long a list may be: more than anybody scrolls through.
const LIMIT: usize = 200;

/// The time between two answers, at least.
const PAUSE: Duration = Duration::from_secs(1);

/// After an answer that took long the pause is so many times as long, so that a screen takes a tenth of
/// the daemon's time at most.
const SHARE: u32 = 9;

/// How long to wait before following events again.
const RETRY: Duration = Duration::from_secs(1);

/// Answers the latest question about once a second, and at once when it changes.
pub(super) async fn ask(
    operations: Arc<Operations>,
    mut asked: watch::Receiver<Question>,
    answers: mpsc::Sender<Result<Answer, String>>,
) {
    loop {
        let question = asked.borrow_and_update().clone();
        let begun = Instant::now();
        let answer = tokio::select! {
            answer = answer(&operations, question) => answer,
            changed = asked.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
        };
        let pause = PAUSE.max(begun.elapsed() * SHARE);
        let answer = answer.map_err(|exit| exit.reason());
        if answers.send(answer).await.is_err() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            changed = asked.changed() => if changed.is_err() { return },
        }
    }
}

async fn answer(operations: &Operations, question: Question) -> Result<Answer, Exit> {
    let rows = match &question.subject {
        Subject::Services => services(operations, &question).await?,
        Subject::Sessions(service) => sessions(operations, &question, service.as_deref()).await?,
    };
    let verdict = match &question.detail {
        Some(name) => {
            let path = ["api", "v1", "sessions", name, "verdict"];
            let told: Result<Verdict, Exit> = operations.ask(operations.get_segments(path)).await;
            Some(told.map(Box::new).map_err(|exit| exit.reason()))
        }
        None => None,
    };
    Ok(Answer {
        question,
        rows,
        verdict,
    })
}

async fn services(operations: &Operations, question: &Question) -> Result<Rows, Exit> {
    // The daemon lists by name; the worst first is one list after the other.
    let lists: &[&str] = match (question.sorting.key, question.sorting.is_reversed) {
        (SortKey::Name, _) => &["fail,warn,pass"],
        (SortKey::Health | SortKey::Since, false) => &["fail", "warn", "pass"],
        (SortKey::Health | SortKey::Since, true) => &["pass", "warn", "fail"],
    };
    let mut services = Vec::new();
    for health in lists {
        let limit = LIMIT - services.len();
        if limit == 0 {
            return Ok(Rows::Services {
                services,
                has_more: true,
            });
        }
        let query = [
            ("health", *health),
            ("limit", &limit.to_string()),
            ("search", &question.search),
        ];
        let request = operations.get("/api/v1/services").query(&query);
        let page: Services = operations.ask(request).await?;
        services.extend(page.services);
        if page.next.is_some() {
            return Ok(Rows::Services {
                services,
                has_more: true,
            });
        }
    }
    Ok(Rows::Services {
        services,
        has_more: false,
    })
}

async fn sessions(
    operations: &Operations,
    question: &Question,
    service: Option<&str>,
) -> Result<Rows, Exit> {
    // What changed last is of interest, and it is the last of the daemon's order.
    let (key, is_last_first) = match question.sorting.key {
        SortKey::Health => ("health", false),
        SortKey::Name => ("name", false),
        SortKey::Since => ("since", true),
    };
    let sign = match question.sorting.is_reversed != is_last_first {
        true => "-",
        false => "",
    };
    let sort = format!("{sign}{key}");
    let limit = LIMIT.to_string();
    let mut query = vec![
        ("sort", sort.as_str()),
        ("limit", &limit),
        ("search", &question.search),
        ("count", "true"),
    ];
    query.extend(service.map(|service| ("service", service)));
    let request = operations.get("/api/v1/sessions").query(&query);
    let page: Sessions = operations.ask(request).await?;
    let total = page.total.unwrap_or(page.sessions.len() as u64);
    Ok(Rows::Sessions {
        sessions: page.sessions,
        total,
    })
}

/// Tells of the latest event, for as long as anybody listens.
pub(super) async fn follow(operations: Arc<Operations>, told: watch::Sender<Option<Event>>) {
    while !told.is_closed() {
        let request = operations.get("/api/v1/events");
        if let Ok(mut response) = operations.send(request).await {
            let mut frames = Frames::default();
            while let Ok(Some(chunk)) = response.chunk().await {
                // Of many at once the last is the one that can be read.
                let last = frames.push(&chunk).pop();
                let event = last.and_then(|frame| serde_json::from_str(&frame.data).ok());
                if event.is_some() {
                    told.send_replace(event);
                }
            }
        }
        tokio::time::sleep(RETRY).await;
    }
}
