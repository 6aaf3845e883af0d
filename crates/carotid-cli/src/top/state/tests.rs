//! What keys and answers do.

use serde_json::json;

use super::*;

pub(in super::super) fn key(code: KeyCode) -> Input {
    Input::Key(KeyEvent::from(code))
}

pub(in super::super) fn service(name: &str, health: &str) -> Service {
    let alive = u32::from(health != "fail");
    serde_json::from_value(json!({
        "service": name, "health": health, "reason": format!("{alive} alive"), "sessions": 2,
        "alive": alive, "suspect": 2 - alive, "wedged": 0, "at_risk": 0, "min_alive": 1,
    }))
    .unwrap()
}

pub(in super::super) fn session(name: &str, health: &str) -> Session {
    serde_json::from_value(json!({
        "name": name, "service": "payments", "health": health, "cause": "silence",
        "epoch": 1, "since": "2026-11-23T12:03:11Z", "last_beat_ms": 61_000, "beats": 9,
        "connections": 1, "peer": "10.0.0.7:4711", "interval_ms": 10_000,
        "timeout_ms": 60_000, "longest_stall_ms": 0, "wedged": false, "standing": "at-risk",
    }))
    .unwrap()
}

pub(in super::super) fn verdict(name: &str) -> Box<Verdict> {
    let verdict = json!({
        "session": session(name, "dead"),
        "last_beat": "2026-11-23T12:02:11Z", "silent_ms": 60_000,
        "gaps_ms": [], "suspect_after_ms": 18_000, "spread_ms": 500.0, "quantile": 16.0,
        "round_trip_ms": null, "own_health_score": 0, "stalled_ms": 0,
    });
    serde_json::from_value(verdict).unwrap()
}

/// Answers what is asked now.
pub(in super::super) fn answer(top: &mut Top) {
    let question = top.question();
    let rows = match question.subject {
        Subject::Services => Rows::Services {
            services: ["mail", "payments", "web"]
                .map(|name| service(name, if name == "mail" { "fail" } else { "pass" }))
                .into_iter()
                .filter(|service| service.service.contains(&question.search))
                .collect(),
            has_more: false,
        },
        Subject::Sessions(_) => Rows::Sessions {
            sessions: vec![
                session("payments/7", "dead"),
                session("payments/8", "suspect"),
            ],
            total: 2,
        },
    };
    let verdict = question.detail.as_deref().map(|name| Ok(verdict(name)));
    top.update(Input::Answer(Ok(Box::new(Answer {
        question,
        rows,
        verdict,
    }))));
}

pub(in super::super) fn answered() -> Top {
    let mut top = Top::new("127.0.0.1:7401".to_owned(), String::new());
    answer(&mut top);
    top
}

fn press(top: &mut Top, codes: &[KeyCode]) {
    for code in codes {
        assert_eq!(top.update(key(*code)), Step::GoOn);
    }
}

#[test]
fn a_filter_is_typed_asked_for_and_forgotten() {
    let mut top = answered();
    press(
        &mut top,
        &[KeyCode::Char('/'), KeyCode::Char('q'), KeyCode::Backspace],
    );
    press(&mut top, &[KeyCode::Char('w'), KeyCode::Enter]);
    assert_eq!(top.question().search, "w");
    answer(&mut top);
    assert_eq!(top.rows.names().collect::<Vec<_>>(), ["web"]);
    press(&mut top, &[KeyCode::Esc]);
    assert_eq!(top.question().search, "");
}

#[test]
fn the_chosen_row_stays_chosen_wherever_it_goes() {
    let mut top = answered();
    assert_eq!(top.position(), Some(0));
    press(&mut top, &[KeyCode::Down, KeyCode::Down, KeyCode::Down]);
    assert_eq!(top.chosen.as_deref(), Some("web"));
    top.rows = Rows::Services {
        services: vec![service("web", "fail"), service("mail", "pass")],
        has_more: false,
    };
    assert_eq!(top.position(), Some(0));
    press(&mut top, &[KeyCode::End]);
    assert_eq!(top.chosen.as_deref(), Some("mail"));
}

#[test]
fn where_the_chosen_row_has_gone_the_one_in_its_place_is_chosen() {
    let mut top = answered();
    press(&mut top, &[KeyCode::Down]);
    assert_eq!(top.chosen.as_deref(), Some("payments"));
    let rows = |names: &[&str]| Rows::Services {
        services: names.iter().map(|name| service(name, "pass")).collect(),
        has_more: false,
    };
    let mut tell = |names: &[&str]| {
        let question = top.question();
        top.update(Input::Answer(Ok(Box::new(Answer {
            question,
            rows: rows(names),
            verdict: None,
        }))));
        top.position()
    };
    assert_eq!(tell(&["auth", "mail", "payments", "web"]), Some(2));
    assert_eq!(tell(&["auth", "mail", "web"]), Some(2));
    assert_eq!(tell(&["auth", "mail"]), Some(1));
    assert_eq!(tell(&[]), None);
}

#[test]
fn enter_goes_in_and_escape_comes_back_to_where_one_was() {
    let mut top = answered();
    press(&mut top, &[KeyCode::Down, KeyCode::Enter]);
    assert_eq!(top.subject, Subject::Sessions(Some("payments".to_owned())));
    assert_eq!(top.rows.len(), 0, "services are no sessions");
    answer(&mut top);
    press(&mut top, &[KeyCode::Enter]);
    assert_eq!(top.question().detail.as_deref(), Some("payments/7"));
    answer(&mut top);
    assert!(matches!(
        &top.detail,
        Some(Detail {
            verdict: Some(Ok(_)),
            ..
        })
    ));
    press(&mut top, &[KeyCode::Down]);
    assert_eq!(top.question().detail.as_deref(), Some("payments/8"));
    press(&mut top, &[KeyCode::Esc, KeyCode::Esc]);
    assert_eq!(top.subject, Subject::Services);
    answer(&mut top);
    assert_eq!(top.position(), Some(1));
}

#[test]
fn an_answer_to_an_earlier_question_is_none() {
    let mut top = answered();
    let old = Answer {
        question: top.question(),
        rows: Rows::Services {
            services: vec![service("old", "pass")],
            has_more: false,
        },
        verdict: None,
    };
    press(&mut top, &[KeyCode::Tab]);
    top.update(Input::Answer(Ok(Box::new(old))));
    assert!(matches!(top.rows, Rows::Sessions { .. }));
}

#[test]
fn a_daemon_that_goes_away_leaves_its_rows_until_it_is_back() {
    let mut top = answered();
    top.update(Input::Answer(Err("cannot reach the daemon".to_owned())));
    assert!(matches!(top.link, Link::Down(_)));
    assert_eq!(top.rows.len(), 3);
    answer(&mut top);
    assert_eq!(top.link, Link::Up);
}

#[test]
fn the_same_sort_key_twice_is_the_other_way_round() {
    let mut top = answered();
    press(&mut top, &[KeyCode::Char('n')]);
    assert_eq!(
        (top.sorting.key, top.sorting.is_reversed),
        (SortKey::Name, false)
    );
    press(&mut top, &[KeyCode::Char('n')]);
    assert!(top.sorting.is_reversed);
    press(&mut top, &[KeyCode::Char('h')]);
    assert!(!top.sorting.is_reversed);
}

#[test]
fn q_quits_unless_it_is_typed_and_control_c_always_does() {
    let mut top = answered();
    assert_eq!(top.update(key(KeyCode::Char('q'))), Step::Quit);
    press(&mut top, &[KeyCode::Char('/'), KeyCode::Char('q')]);
    let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(top.update(Input::Key(control_c)), Step::Quit);
}
