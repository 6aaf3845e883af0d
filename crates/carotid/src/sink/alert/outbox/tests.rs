use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

fn letter(id: u64, subject: &str, now: Timestamp) -> Letter {
    let notice = serde_json::from_value(serde_json::json!({
        "id": id.to_string(), "rule": "pager", "status": "firing", "trouble": "dead",
        "subject": subject, "service": null, "session": null, "cause": null, "summary": "",
        "reason": null, "since": now, "at": now, "count": 0, "sessions": [], "labels": {},
        "events": [],
    }));
    Letter::new(notice.unwrap(), now)
}

fn at(seconds: u64) -> Timestamp {
    after(Timestamp::UNIX_EPOCH, Duration::from_secs(seconds))
}

fn due(outbox: &mut Outbox, now: Timestamp) -> Vec<u64> {
    std::iter::from_fn(|| outbox.poll_due(now, 9).map(|(place, _)| place)).collect()
}

fn fail(outbox: &mut Outbox, now: Timestamp, place: u64, retry_after: Option<u64>) -> Fate {
    let retry_after = retry_after.map(Duration::from_secs);
    let patience = Patience::default();
    outbox.on_failed(now, place, "no".into(), retry_after, &patience, |most| most)
}

#[test]
fn later_notices_of_a_subject_wait_for_the_earlier_and_others_do_not() {
    let mut outbox = Outbox::default();
    for (place, subject) in [(1, "a"), (2, "a"), (3, "b")] {
        outbox.push(place, letter(place, subject, at(0)));
    }
    assert_eq!(due(&mut outbox, at(0)), [1, 3]);
    assert_eq!(fail(&mut outbox, at(0), 1, None), Fate::Retried);
    assert_eq!(due(&mut outbox, at(0)), [0; 0]);
    assert_eq!(outbox.poll_timeout(), Some(at(1)));
    assert_eq!(due(&mut outbox, at(1)), [1]);
    outbox.remove(1).unwrap();
    assert_eq!(due(&mut outbox, at(1)), [2]);
}

#[test]
fn waits_double_up_to_their_longest_and_end_after_a_day() {
    let mut outbox = Outbox::default();
    outbox.push(1, letter(1, "a", at(0)));
    let (mut now, mut waits) = (at(0), Vec::new());
    loop {
        assert_eq!(due(&mut outbox, now), [1]);
        if fail(&mut outbox, now, 1, None) == Fate::GivenUp {
            break;
        }
        let next = outbox.poll_timeout().unwrap();
        waits.push(next.duration_since(now).as_secs());
        now = next;
    }
    assert_eq!(waits[..10], [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
    let day = at(24 * 3600);
    assert!(day <= now && now < after(day, Duration::from_secs(300)));
}

#[test]
fn a_receiver_that_asks_for_quiet_gets_it_but_not_for_ever() {
    let mut outbox = Outbox::default();
    outbox.push(1, letter(1, "a", at(0)));
    outbox.push(2, letter(2, "b", at(0)));
    assert_eq!(outbox.poll_due(at(0), 1).unwrap().0, 1);
    fail(&mut outbox, at(0), 1, Some(60));
    assert_eq!(due(&mut outbox, at(59)), [0; 0]);
    assert_eq!(outbox.poll_timeout(), Some(at(60)));
    assert_eq!(due(&mut outbox, at(60)), [1, 2]);
    fail(&mut outbox, at(60), 2, Some(u64::MAX));
    assert_eq!(outbox.poll_timeout(), Some(at(60 + 3600)));
}

proptest! {
    #[test]
    fn whatever_fails_each_subject_is_delivered_in_order(
        subjects in prop::collection::vec(0..4_u8, 1..40),
        luck in prop::collection::vec(any::<bool>(), 400),
    ) {
        let mut outbox = Outbox::default();
        for (place, subject) in subjects.iter().enumerate() {
            outbox.push(place as u64, letter(place as u64, &subject.to_string(), at(0)));
        }
        let mut luck = luck.into_iter().chain(std::iter::repeat(true));
        let mut delivered: HashMap<u8, Vec<usize>> = HashMap::new();
        let mut under_way = Vec::new();
        let mut now = at(0);
        while outbox.len() > 0 {
            while let Some((place, _)) = outbox.poll_due(now, 3) {
                under_way.push(place);
            }
            prop_assert!(under_way.len() <= 3);
            if under_way.is_empty() {
                let next = outbox.poll_timeout().unwrap();
                prop_assert!(now < next, "it would never come to rest");
                now = next;
                continue;
            }
            // Whichever of them ends first.
            let index = if luck.next().unwrap() { 0 } else { under_way.len() - 1 };
            let place = under_way.swap_remove(index);
            if luck.next().unwrap() {
                outbox.remove(place).unwrap();
                let place = usize::try_from(place).unwrap();
                delivered.entry(subjects[place]).or_default().push(place);
            } else {
                fail(&mut outbox, now, place, None);
            }
        }
        prop_assert_eq!(delivered.values().map(Vec::len).sum::<usize>(), subjects.len());
        for places in delivered.values() {
            prop_assert!(places.is_sorted(), "{places:?}");
        }
    }
}
