use super::*;
use crate::sink::alert::trouble::Trouble;

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("carotid.db");
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch(include_str!("../../journal/schema/2.sql"))
        .unwrap();
    (folder, Store::new(Some(path)))
}

fn notice(id: &str) -> Box<Notice> {
    let now = Timestamp::UNIX_EPOCH;
    let notice = serde_json::json!({
        "id": id, "rule": "pager", "status": "firing", "trouble": "dead", "subject": "a",
        "service": null, "session": null, "cause": null, "summary": "", "reason": null,
        "since": now, "at": now, "count": 0, "sessions": [], "labels": {}, "events": [],
    });
    Box::new(serde_json::from_value(notice).unwrap())
}

fn ids(recalled: &Recalled) -> Vec<(u64, &str, u32)> {
    let letters = recalled.letters.iter();
    letters
        .map(|(place, letter)| (*place, letter.notice.id.as_str(), letter.attempts))
        .collect()
}

#[test]
fn what_was_kept_is_recalled_and_what_is_over_is_not() {
    let (_folder, store) = store();
    let now = Timestamp::UNIX_EPOCH;
    assert_eq!(store.recall("pager", now).unwrap().cursor, None);
    for first in [3, 4] {
        store.begin(&["pager"], first).unwrap();
        assert_eq!(store.recall("pager", now).unwrap().cursor, Some(3));
    }
    let situation = Situation::new(now);
    let key = (Trouble::Dead, "a".to_owned());
    let state = serde_json::to_string(&situation).unwrap();
    let mut update = Update {
        cursor: 7,
        ..Update::default()
    };
    update.situations.insert(key.clone(), Some(state));
    for place in 1..=3 {
        let notice = notice(&format!("n{place}"));
        update.note(place, Row::Posted { notice });
    }
    // It failed before it was kept at all.
    update.note(2, tried(None));
    store.keep("pager", &update).unwrap();
    let recalled = store.recall("pager", now).unwrap();
    assert_eq!(recalled.cursor, Some(7));
    assert_eq!(ids(&recalled), [(1, "n1", 0), (2, "n2", 5), (3, "n3", 0)]);
    assert!(recalled.situations.contains_key(&key));

    let mut update = Update {
        cursor: 9,
        ..Update::default()
    };
    update.situations.insert(key, None);
    update.note(1, Row::Delivered);
    update.note(3, tried(None));
    let dead = Row::Dead {
        notice: notice("n2"),
        attempts: 6,
        at: now,
        error: "no".into(),
    };
    update.note(2, dead);
    store.keep("pager", &update).unwrap();
    let recalled = store.recall("pager", now).unwrap();
    assert_eq!((recalled.cursor, recalled.dead), (Some(9), 1));
    assert_eq!(ids(&recalled), [(3, "n3", 5)]);
    assert!(recalled.situations.is_empty());
}

fn tried(notice: Option<Box<Notice>>) -> Row {
    Row::Tried {
        notice,
        attempts: 5,
        tried_at: Timestamp::UNIX_EPOCH,
        error: "no".into(),
    }
}

#[test]
fn what_a_rule_that_is_no_more_had_to_deliver_is_dead() {
    let (_folder, store) = store();
    let now = Timestamp::UNIX_EPOCH;
    for rule in ["old", "new"] {
        let mut update = Update::default();
        update.note(
            1,
            Row::Posted {
                notice: notice("n"),
            },
        );
        store.keep(rule, &update).unwrap();
    }
    store.forget_others(&["new"], now).unwrap();
    assert_eq!(ids(&store.recall("new", now).unwrap()), [(1, "n", 0)]);
    let old = store.recall("old", now).unwrap();
    assert_eq!((old.cursor, old.dead, old.letters.len()), (None, 1, 0));
}

#[test]
fn dead_letters_are_bounded() {
    let (_folder, store) = store();
    let mut update = Update::default();
    for place in 0..u64::from(DEAD_KEPT) + 5 {
        let dead = Row::Dead {
            notice: notice("n"),
            attempts: 1,
            at: Timestamp::UNIX_EPOCH,
            error: "no".into(),
        };
        update.note(place, dead);
    }
    store.keep("pager", &update).unwrap();
    let recalled = store.recall("pager", Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(recalled.dead, u64::from(DEAD_KEPT));
}
