//! Who is alive, who is not.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Json, Response};
use carotid_core::{Health, SessionView};
use serde::Deserialize;

use super::{Desk, refuse, refuse_query};
use crate::driver::{Cursor, Place, SortKey, Sorting, contains};
use crate::sink::api::{Session, Sessions, Verdict};

pub(super) const DEFAULT_LIMIT: usize = 100;
pub(super) const MAX_LIMIT: usize = 1000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    health: Option<String>,
    service: Option<String>,
    search: Option<String>,
    sort: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
    count: Option<bool>,
}

pub(super) async fn list(
    State(desk): State<Desk>,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Response {
    let filter = match filter {
        Ok(Query(filter)) => filter,
        Err(rejection) => return refuse_query(&rejection),
    };
    match page(&desk, &filter).await {
        Ok(page) => Json(page).into_response(),
        Err(why) => refuse(StatusCode::BAD_REQUEST, why),
    }
}

pub(super) async fn one(
    State(desk): State<Desk>,
    uri: Uri,
    name: Result<Path<String>, PathRejection>,
) -> Response {
    let Ok(Path(name)) = name else {
        return refuse(StatusCode::BAD_REQUEST, "a name is percent-encoded UTF-8");
    };
    // Names may have slashes, so this is one path with what may follow it. A session that is called
    // so is asked for with its slash encoded.
    let asked = name.strip_suffix("/verdict");
    let asked = asked.filter(|_| uri.path().ends_with("/verdict"));
    if let Some(verdict) = asked.and_then(|name| desk.driver.verdict(name)) {
        return Json(Verdict::from(verdict)).into_response();
    }
    let name = match desk.driver.find(&name) {
        Some(watched) => return Json(Session::from(watched)).into_response(),
        None => asked.unwrap_or(&name),
    };
    refuse(
        StatusCode::NOT_FOUND,
        format_args!("no session is named {name:?}; it never was, or ended long ago"),
    )
}

/// What is wrong with a list's query.
#[derive(Debug, thiserror::Error)]
enum FilterError {
    #[error("health is alive, suspect, dead, left or wedged, not {0:?}")]
    Health(String),
    #[error("limit is from 1 to {MAX_LIMIT}, not {0}")]
    Limit(usize),
    #[error("after is what an earlier page of the same order gave as next, not {0:?}")]
    After(String),
    #[error("sort is name, since or health, with a - before it for the other way round, not {0:?}")]
    Sort(String),
}

async fn page(desk: &Desk, filter: &Filter) -> Result<Sessions, FilterError> {
    let (healths, wedged) = match &filter.health {
        Some(words) => healths(words)?,
        None => (Vec::new(), false),
    };
    let limit = filter.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(FilterError::Limit(limit));
    }
    let search = filter.search.as_deref().unwrap_or("");
    let wanted = |view: &SessionView| {
        let any = healths.is_empty() && !wedged;
        (any || healths.contains(&view.health) || (wedged && view.wedged))
            && (filter.service.as_deref()).is_none_or(|service| view.name.service() == service)
            && contains(view.name.as_str(), search)
    };
    let is_counted = filter.count == Some(true);
    let after = filter.after.as_deref();
    if let Some(sorting) = filter.sort.as_deref().map(sorting).transpose()? {
        let after = read_after(after, place)?;
        let page = desk
            .driver
            .sorted(sorting, after.as_ref(), limit, wanted)
            .await;
        return Ok(Sessions {
            sessions: page.sessions.into_iter().map(Session::from).collect(),
            next: page.next.map(|place| place.to_string()),
            total: is_counted.then_some(page.total),
        });
    }
    let after = read_after(after, cursor)?.unwrap_or_default();
    let (watched, next) = desk.driver.list(after, limit, wanted).await;
    Ok(Sessions {
        sessions: watched.into_iter().map(Session::from).collect(),
        next: next.map(|cursor| cursor.to_string()),
        total: match is_counted {
            true => Some(desk.driver.count(wanted).await),
            false => None,
        },
    })
}

fn read_after<T>(
    after: Option<&str>,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, FilterError> {
    let read = |text| read(text).ok_or_else(|| FilterError::After(text.to_owned()));
    after.map(read).transpose()
}

fn sorting(text: &str) -> Result<Sorting, FilterError> {
    let reverse = text.strip_prefix('-');
    let key = match reverse.unwrap_or(text) {
        "name" => SortKey::Name,
        "since" => SortKey::Since,
        "health" => SortKey::Health,
        _ => return Err(FilterError::Sort(text.to_owned())),
    };
    Ok(Sorting {
        key,
        is_reversed: reverse.is_some(),
    })
}

/// One health, or several with commas between them; and whether `wedged` is among them.
fn healths(words: &str) -> Result<(Vec<Health>, bool), FilterError> {
    const ALL: [Health; 4] = [Health::Alive, Health::Suspect, Health::Dead, Health::Left];
    let (mut healths, mut wedged) = (Vec::new(), false);
    for word in words.split(',') {
        match ALL.into_iter().find(|health| health.as_str() == word) {
            // Each is looked at for every session.
            Some(health) if !healths.contains(&health) => healths.push(health),
            Some(_) => {}
            None if word == "wedged" => wedged = true,
            None => return Err(FilterError::Health(word.to_owned())),
        }
    }
    Ok((healths, wedged))
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.shard, self.slot)
    }
}

/// What [`Cursor`]'s display form gave, read back.
fn cursor(text: &str) -> Option<Cursor> {
    let (shard, slot) = text.split_once('.')?;
    Some(Cursor {
        shard: shard.parse().ok()?,
        slot: slot.parse().ok()?,
    })
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.rank, self.name)
    }
}

/// What [`Place`]'s display form gave, read back.
fn place(text: &str) -> Option<Place> {
    let (rank, name) = text.split_once('.')?;
    Some(Place {
        rank: rank.parse().ok()?,
        name: name.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_said_often_is_kept_once() {
        let (healths, wedged) =
            healths("dead,wedged,alive,".repeat(5000).trim_end_matches(',')).unwrap();
        assert_eq!((healths, wedged), (vec![Health::Dead, Health::Alive], true));
    }
}
