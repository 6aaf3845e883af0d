//! Sessions of a connection, without the connection.

use carotid_core::Config;
use carotid_netrpc::Host;

use super::*;
use crate::driver::{Driver, SessionKey};
use crate::server::ServerConfig;

fn heartbeat() -> Heartbeat {
    let driver = Driver::new(&Config::default(), BreakerConfig::default()).unwrap();
    let config = ServerConfig {
        allowance: Allowance {
            beats_per_second: 100,
            ..Allowance::default()
        },
        ..ServerConfig::default()
    };
    let reception = Reception::new(driver, &config, Arc::default(), Arc::default());
    Arc::new(reception).accept(PeerAddr::Unix { pid: None })
}

/// Where the session stands after a beat.
fn beat(heartbeat: &mut Heartbeat, name: &str) -> usize {
    heartbeat.beat(name, Vitals::default(), None).unwrap()
}

fn attach(heartbeat: &mut Heartbeat, name: &str, wish: Option<Terms>) -> SessionKey {
    let (at, _) = heartbeat.attach(name, wish).unwrap();
    heartbeat.roster[at].key
}

#[tokio::test]
async fn names_of_ended_sessions_are_not_kept_for_ever() {
    let mut heartbeat = heartbeat();
    let lasting = attach(&mut heartbeat, "lasting", None);
    for index in 0..10_000 {
        let at = beat(&mut heartbeat, &format!("brief/{index}"));
        let brief = heartbeat.roster[at].key;
        heartbeat.reception.driver.close(brief).unwrap();
        assert!(heartbeat.roster.len() <= FIRST_PURGE);
    }
    assert!(heartbeat.reception.driver.is_watched(lasting));
    let at = beat(&mut heartbeat, "lasting");
    assert_eq!(heartbeat.roster[at].key, lasting);
}

#[tokio::test]
async fn terms_follow_the_size_of_the_fleet() {
    let mut heartbeat = heartbeat();
    let seconds = Duration::from_secs;
    let wish = Terms::new(seconds(1), seconds(10)).unwrap();
    attach(&mut heartbeat, "fleet/0", Some(wish));
    let interval = |heartbeat: &Heartbeat| {
        let view = heartbeat.reception.driver.find("fleet/0").unwrap().view;
        view.terms.interval()
    };
    let at = beat(&mut heartbeat, "fleet/0");
    assert_eq!(heartbeat.revise(at), None);
    let others: Vec<_> = (1..1000)
        .map(|index| attach(&mut heartbeat, &format!("fleet/{index}"), Some(wish)))
        .collect();

    let longer = heartbeat.revise(at).unwrap();
    assert_eq!(
        (longer.interval(), longer.timeout()),
        (seconds(10), seconds(30))
    );
    assert_eq!(interval(&heartbeat), seconds(10), "at once");
    assert_eq!(heartbeat.idle_timeout(), Some(seconds(70)));

    for other in others {
        heartbeat.reception.driver.close(other).unwrap();
    }
    assert_eq!(heartbeat.revise(at), Some(wish));
    assert_eq!(interval(&heartbeat), seconds(10), "it may not know yet");
    assert_eq!(heartbeat.revise(at), None);
    assert_eq!(interval(&heartbeat), seconds(1));
}

#[tokio::test]
async fn a_peer_that_died_without_knowing_is_told_its_terms_anew() {
    let mut heartbeat = heartbeat();
    let seconds = Duration::from_secs;
    let wish = Terms::new(seconds(1), seconds(10)).unwrap();
    let mut all = vec![attach(&mut heartbeat, "fleet/0", Some(wish))];
    for index in 1..1000 {
        all.push(attach(
            &mut heartbeat,
            &format!("fleet/{index}"),
            Some(wish),
        ));
    }
    let at = beat(&mut heartbeat, "fleet/0");
    assert!(heartbeat.revise(at).is_some());
    for session in all {
        heartbeat.reception.driver.close(session).unwrap();
    }
    let at = beat(&mut heartbeat, "fleet/0");
    assert_eq!(heartbeat.roster[at].epoch, 2);
    assert_eq!(heartbeat.revise(at), Some(wish));
}

#[tokio::test]
async fn the_idle_timeout_is_the_longest_that_was_granted() {
    let mut heartbeat = heartbeat();
    let ms = Duration::from_millis;
    let terms = |interval, timeout| Terms::new(ms(interval), ms(timeout)).ok();
    attach(&mut heartbeat, "short", terms(10, 20));
    assert_eq!(heartbeat.idle_timeout(), Some(ms(70_000)));
    attach(&mut heartbeat, "long", terms(1000, 90_000));
    assert_eq!(heartbeat.idle_timeout(), Some(ms(91_000)));
}

#[tokio::test]
async fn any_number_of_names_is_found_again_and_left_again() {
    for count in [1, FEW_AND_MANY.start, FEW_AND_MANY.end, 1000] {
        let mut heartbeat = heartbeat();
        let name = |index| format!("relay/{index}");
        let keys: Vec<_> = (0..count)
            .map(|index| attach(&mut heartbeat, &name(index), None))
            .collect();
        // Every third leaves, in another order than they came.
        for index in (0..count).rev().step_by(3) {
            let removed = heartbeat.roster.remove(&name(index)).unwrap();
            assert_eq!(removed.key, keys[index]);
            assert!(heartbeat.roster.find(&name(index)).is_none());
        }
        for index in (0..count)
            .rev()
            .filter(|index| (count - 1 - index) % 3 != 0)
        {
            let at = heartbeat.roster.find(&name(index)).unwrap();
            assert_eq!(heartbeat.roster[at].key, keys[index]);
        }
    }
}

/// Sizes on both sides of the one from which on a roster has an index.
const FEW_AND_MANY: std::ops::Range<usize> = 8..9;

#[tokio::test]
async fn pings_of_one_read_are_one_beat_of_each_session() {
    use carotid_netrpc::codec::{CallWriter, Incoming, ServerCodec};

    let mut heartbeat = heartbeat();
    let mut writer = CallWriter::new();
    let mut codec = ServerCodec::new(1024);
    for _read in 0..3 {
        let mut bytes = Vec::new();
        for (seq, name) in ["a", "a", "b", "b", "b", "a"].into_iter().enumerate() {
            writer.call(&mut bytes, PING, seq as u64, name).unwrap();
        }
        heartbeat.begin_read();
        let mut input = &bytes[..];
        while let Some(Incoming::Call(mut call)) = codec.poll(&mut input).unwrap() {
            let answer = heartbeat.call(&call.method, &mut call.argument);
            assert!(answer.unwrap().is_ok());
        }
    }
    let beats = |name| heartbeat.reception.driver.find(name).unwrap().view.beats;
    assert_eq!((beats("a"), beats("b")), (6, 3));
}
