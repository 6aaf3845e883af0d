//! The latest events, newest first: from the log, and from the journal where the log does not reach.

use super::super::Desk;
use crate::sink::api::Event;

/// Events looked at under one lock of the log.
const AT_ONCE: u64 = 1000;

/// Events looked at for one page, whether or not they are wanted.
pub(super) const AT_MOST: u64 = 20_000;

/// Some of the latest events.
#[derive(Debug, Default)]
pub(super) struct Late {
    /// Newest first.
    pub(super) events: Vec<Event>,
    /// Below which number to look for older ones; none if there are none.
    pub(super) older: Option<u64>,
    /// There were older ones, but they are not kept.
    pub(super) is_cut: bool,
}

/// At most `limit` of the latest events below number `before` that are wanted, by their kind and the name
/// of their session.
pub(super) async fn latest(
    desk: &Desk,
    before: Option<u64>,
    limit: usize,
    wanted: impl Fn(&str, Option<&str>) -> bool,
) -> Late {
    let last = desk.driver.hub().last_seq();
    let mut late = Late::default();
    let mut end = before.map_or(last, |before| last.min(before.saturating_sub(1)));
    let floor = end.saturating_sub(AT_MOST);
    while floor < end {
        let begin = end.saturating_sub(AT_ONCE).max(floor);
        let (events, is_all) = between(desk, begin, end, &wanted).await;
        for event in events.into_iter().rev() {
            if late.events.len() == limit {
                late.older = late.events.last().map(|event| event.seq);
                return late;
            }
            late.events.push(event);
        }
        if !is_all {
            // What is older is not kept.
            late.is_cut = true;
            return late;
        }
        end = begin;
    }
    late.older = (floor > 0).then_some(floor + 1);
    late
}

/// The events after number `begin` up to number `end` that are wanted, in order, and whether none is
/// missing.
async fn between(
    desk: &Desk,
    begin: u64,
    end: u64,
    wanted: &impl Fn(&str, Option<&str>) -> bool,
) -> (Vec<Event>, bool) {
    // All of these were shown, so there is nothing to wait for.
    let wide = usize::try_from(end - begin).unwrap_or(usize::MAX);
    let batch = desk.driver.hub().subscribe(Some(begin)).next(wide).await;
    let records = batch.records.into_iter().filter(|record| {
        let name = record.what.event().map(|event| event.name.as_str());
        record.seq <= end && wanted(record.what.as_str(), name)
    });
    let logged = records.map(Event::from);
    if batch.missed == 0 {
        return (logged.collect(), true);
    }
    let missed = batch.missed.min(end - begin);
    let Some(older) = journaled(desk, begin, missed).await else {
        return (logged.collect(), false);
    };
    let is_all = older.len() as u64 == missed;
    let older = older.into_iter();
    let older = older.filter(|event| wanted(&event.kind, event.name.as_deref()));
    (older.chain(logged).collect(), is_all)
}

/// So many events after number `begin`, as far as the journal still has them.
pub(super) async fn journaled(desk: &Desk, begin: u64, number: u64) -> Option<Vec<Event>> {
    let archive = desk.archive.as_ref()?;
    let limit = usize::try_from(number).unwrap_or(usize::MAX);
    let asked = archive.ask(move |reader| reader.events_after(begin, limit));
    let mut events = super::past::told(asked.await)?;
    // With the oldest gone, so many would reach beyond.
    events.retain(|event| event.seq <= begin + number);
    Some(events)
}
