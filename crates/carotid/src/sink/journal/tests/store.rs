//! Events as they come out of a driver, and back out of the file.

use std::time::Duration;

use carotid_core::{BreakerConfig, Config, Disconnect, Health, Vitals};
use carotid_netrpc::PeerAddr;

use super::*;
use crate::driver::Driver;
use crate::sink::api;
use crate::sink::journal::{JournalConfig, Opened, open};

fn opened(folder: &std::path::Path) -> (Driver, super::super::Unstarted) {
    let Opened { past, journal } = open(&JournalConfig::new(folder.to_owned())).unwrap();
    let driver = Driver::restored(&Config::default(), BreakerConfig::default(), past).unwrap();
    (driver, journal)
}

/// Opens, loses, hears and ends sessions: every kind of event that needs no time.
fn happen(driver: &Driver) {
    let peer = PeerAddr::Unix { pid: Some(7) };
    let open = |name: &str| driver.open(name.parse().unwrap(), None, peer).unwrap().0;
    let (one, two, _waiting) = (open("客户端/1"), open("solo"), open("a/2"));
    driver.detach(one, Disconnect::Reset).unwrap();
    let round_trip = Some(Duration::from_micros(371));
    driver.beat(one, Vitals::default(), round_trip).unwrap();
    driver.close(two).unwrap();
}

#[test]
fn every_event_comes_back_as_it_was_shown() {
    let folder = tempfile::tempdir().unwrap();
    let (driver, journal) = opened(folder.path());
    let journal = journal.start(driver.clone()).unwrap();
    happen(&driver);
    let archive = journal.archive().clone();
    let pending = driver.hub().pending(100, Duration::ZERO);
    let shown: Vec<_> = pending.into_iter().map(api::Event::from).collect();
    journal.end();
    let kept = archive.read(|reader| reader.events_after(0, 100)).unwrap();
    let all = ["opened", "opened", "opened", "suspect", "back", "left"];
    assert_eq!(shown.len(), all.len());
    let json = |events: &[api::Event]| serde_json::to_string_pretty(events).unwrap();
    let kept_last = &kept[kept.len() - shown.len()..];
    assert_eq!(json(kept_last), json(&shown));
    let kinds: Vec<_> = kept.iter().map(|event| event.kind.to_string()).collect();
    assert_eq!(kinds, all);
}

#[test]
fn a_restart_goes_on_where_the_journal_ends() {
    let folder = tempfile::tempdir().unwrap();
    let (driver, journal) = opened(folder.path());
    let run = driver.hub().run();
    let journal = journal.start(driver.clone()).unwrap();
    happen(&driver);
    journal.end();

    let (driver, journal) = opened(folder.path());
    assert_eq!(driver.hub().run(), run);
    assert_eq!(driver.sessions(), 2);
    let waiting = driver.find("客户端/1").unwrap();
    assert_eq!(waiting.view.health, Health::Suspect);
    assert_eq!(waiting.peer, Some(PeerAddr::Unix { pid: Some(7) }));
    assert_eq!(driver.find("solo").unwrap().view.health, Health::Left);
    let journal = journal.start(driver.clone()).unwrap();
    let archive = journal.archive().clone();
    journal.end();
    let kept = archive.read(|reader| reader.events_after(6, 100)).unwrap();
    let kinds: Vec<_> = kept.iter().map(|event| (event.seq, &*event.kind)).collect();
    assert_eq!(kinds, [(7, "restarted")]);
    assert_eq!(kept[0].sessions, Some(2));
}

#[test]
fn what_only_few_events_have_comes_back_too() {
    let mut books = Books::begin(0);
    let seq = books.number();
    let peer = Peer {
        name: "a/1".to_owned(),
        session: seq,
        is_suspect: false,
    };
    let stuck = Duration::from_secs(60);
    let (opened, wedged) = (
        peer.turn(seq, 0, OPENED, 0),
        peer.turn(seq + 1, 9, EventKind::Wedged { stuck }, 3),
    );
    books.write(&[opened, wedged], 9);
    let kept = books
        .archive()
        .read(|reader| reader.events_after(1, 9))
        .unwrap();
    assert_eq!(
        (kept[0].stuck_ms, kept[0].silent_ms),
        (Some(60_000), Some(3))
    );
}
