//! What readers see, and when.

use std::time::Duration;

use super::log::MOST_PENDING;
use super::*;
use carotid_core::{Config, Engine, Event, Open, Terms, Tick};

fn events(count: usize) -> Vec<Event> {
    let mut engine = Engine::new(&Config::default()).unwrap();
    for index in 0..count {
        let name = format!("a/{index}").parse().unwrap();
        let open = Open { name, terms: None };
        engine.open(Tick::from_nanos(0), open).unwrap();
    }
    std::iter::from_fn(|| engine.poll_event()).collect()
}

fn publish(hub: &Hub, count: usize) {
    for event in events(count) {
        let what = |session| {
            Happening::Session(Conclusion {
                event,
                session,
                terms: Terms::default(),
                peer: None,
                round_trip: None,
                stalled: Duration::ZERO,
            })
        };
        hub.publish(Timestamp::UNIX_EPOCH, what);
    }
}

fn seqs(batch: &Batch) -> Vec<u64> {
    batch.records.iter().map(|record| record.seq).collect()
}

#[tokio::test]
async fn a_subscription_starts_where_it_asks_to() {
    let hub = Hub::keeping(10);
    publish(&hub, 3);
    assert_eq!(seqs(&hub.subscribe(Some(0)).next(9).await), [1, 2, 3]);
    assert_eq!(seqs(&hub.subscribe(Some(2)).next(9).await), [3]);
    assert_eq!(seqs(&hub.subscribe(Some(0)).next(2).await), [1, 2]);
    let mut live = hub.subscribe(None);
    publish(&hub, 1);
    assert_eq!(seqs(&live.next(9).await), [4]);
}

#[tokio::test]
async fn a_slow_reader_is_told_what_it_missed() {
    let hub = Hub::keeping(4);
    let mut slow = hub.subscribe(Some(0));
    publish(&hub, 10);
    let batch = slow.next(2).await;
    assert_eq!((batch.missed, seqs(&batch)), (6, vec![7, 8]));
    let batch = slow.next(9).await;
    assert_eq!((batch.missed, seqs(&batch)), (0, vec![9, 10]));
}

#[tokio::test]
async fn with_a_journal_nothing_is_shown_before_it_is_durable() {
    let hub = Hub::journaled(7, 40);
    let mut reader = hub.subscribe(Some(40));
    publish(&hub, 3);
    assert_eq!((hub.last_seq(), hub.count_pending()), (40, 3));
    let pending = hub.pending(2, Duration::MAX);
    let pending: Vec<_> = pending.iter().map(|record| record.seq).collect();
    assert_eq!(pending, [41, 42]);
    hub.show(42);
    assert_eq!(seqs(&reader.next(9).await), [41, 42]);
    assert_eq!(hub.pending(9, Duration::MAX).len(), 1);
    hub.show(43);
    assert_eq!(seqs(&reader.next(9).await), [43]);
    assert!(hub.pending(9, Duration::ZERO).is_empty());
}

#[tokio::test]
async fn what_finds_no_place_is_counted_and_no_end_is_among_it() {
    let hub = Hub::journaled(7, 0);
    let mut engine = Engine::new(&Config::default()).unwrap();
    let open = Open {
        name: "a".parse().unwrap(),
        terms: None,
    };
    let opened = engine.open(Tick::from_nanos(0), open).unwrap();
    let opening = engine.poll_event().unwrap();
    engine
        .detach(
            Tick::from_nanos(1),
            opened.id,
            carotid_core::Disconnect::Reset,
        )
        .unwrap();
    let suspicion = engine.poll_event().unwrap();
    let conclude = |event: &Event| {
        let what = |session| {
            Happening::Session(Conclusion {
                event: event.clone(),
                session,
                terms: Terms::default(),
                peer: None,
                round_trip: None,
                stalled: Duration::ZERO,
            })
        };
        hub.publish(Timestamp::UNIX_EPOCH, what)
    };
    for _ in 0..MOST_PENDING {
        assert!(conclude(&suspicion).is_some());
    }
    assert_eq!(conclude(&suspicion), None);
    assert_eq!(conclude(&suspicion), None);
    assert_eq!(conclude(&opening), Some(MOST_PENDING + 1));
    hub.show(MOST_PENDING + 1);
    let said = hub.pending(9, Duration::MAX);
    assert_eq!(said.len(), 1);
    assert!(matches!(said[0].what, Happening::Skipped(2)));
}

#[tokio::test]
async fn a_number_from_an_earlier_run_starts_at_the_beginning() {
    let hub = Hub::keeping(4);
    publish(&hub, 2);
    assert_eq!(seqs(&hub.subscribe(Some(500)).next(9).await), [1, 2]);
}
