//! What happens is seen on the page that is open.

use std::net::{Shutdown, TcpListener};

use serde_json::Value;
use tempfile::TempDir;

use super::browser::Browser;
use crate::ground::daemon::{Daemon, TERMS};

/// A mark that a page which was loaded anew would not have.
const STAY: &str = "window.stayed = true";

/// Slow enough for each health to be seen, on a page that is fetched twice a second at most.
const LEISURELY: [&str; 6] = [
    "--interval",
    "2s",
    "--timeout",
    "8s",
    "--suspect-after",
    "2",
];

#[test]
fn a_session_appears_and_dies_and_its_reason_is_readable() {
    let daemon = Daemon::start(&LEISURELY);
    let browser = Browser::start();
    let mut tab = browser.tab();
    tab.go(daemon.http, "/sessions");
    tab.evaluate(STAY);
    assert_eq!(tab.text("main .tally"), "No session is being watched.");

    let stream = daemon.ping("payments/7");
    tab.until("document.querySelector('tr[data-key=\"payments/7\"]')");
    stream.shutdown(Shutdown::Both).unwrap();
    tab.until("document.querySelector('tr[data-key=\"payments/7\"] .state.dead')");
    assert_eq!(tab.evaluate("window.stayed"), true);
    assert_eq!(tab.text("tr .cause").trim(), "closed");

    tab.click("tr[data-key=\"payments/7\"] a");
    tab.loaded();
    let sentence = tab.text(".lead");
    assert!(sentence.starts_with("Dead since "), "{sentence}");
    assert!(sentence.contains("closed without a goodbye"), "{sentence}");
    assert!(
        sentence.contains("nothing wrong with this monitor"),
        "{sentence}"
    );
    let drawn = tab.evaluate("document.querySelectorAll('.timeline svg line.end.dead').length");
    assert_eq!(drawn, 1);
    tab.expect_clean();
}

#[test]
fn the_first_page_says_what_is_wrong_as_soon_as_it_is() {
    let daemon = Daemon::start(&LEISURELY);
    let browser = Browser::start();
    let mut tab = browser.tab();
    tab.go(daemon.http, "/");
    tab.evaluate(STAY);
    assert_eq!(tab.text("h1"), "Nobody is watched yet");

    let frozen = daemon.ping("payments/1");
    tab.until("document.querySelector('h1').innerText === 'The one service passes'");
    // It says nothing more: it is silent on an open connection.
    tab.until("document.querySelector('h1').innerText === '1 service is failing'");
    tab.until("document.querySelector('.events li.dead')");
    let late = tab.text(".events li.dead .text");
    assert!(
        late.starts_with("payments/1 silent for its whole timeout"),
        "{late}"
    );
    assert_eq!(tab.evaluate("window.stayed"), true);
    // Those who listen are told, too.
    tab.until("document.getElementById('said').innerText.includes('failing')");
    tab.expect_clean();
    drop(frozen);
}

#[test]
fn a_session_page_follows_its_session() {
    let daemon = Daemon::start(&LEISURELY);
    let browser = Browser::start();
    let mut tab = browser.tab();
    let stream = daemon.ping("cart/1");
    tab.go(daemon.http, "/sessions/cart/1");
    tab.evaluate(STAY);
    tab.until("document.querySelector('.lead').innerText.startsWith('Alive')");
    // A table that somebody has opened stays open.
    tab.click("summary");
    tab.until("document.querySelector('.lead').innerText.startsWith('Suspect since')");
    tab.until("document.querySelector('.lead').innerText.startsWith('Dead since')");
    assert_eq!(tab.evaluate("document.querySelector('details').open"), true);
    assert_eq!(tab.evaluate("window.stayed"), true);
    tab.expect_clean();
    drop(stream);
}

#[test]
fn a_bar_tells_why_its_time_was_bad_to_whoever_points_at_it() {
    let folder = TempDir::new().unwrap();
    let data = ["--data", folder.path().to_str().unwrap()];
    let daemon = Daemon::start(&[&TERMS[..], &data].concat());
    let browser = Browser::start();
    let mut tab = browser.tab();
    let _frozen = daemon.ping("payments/1");
    tab.go(daemon.http, "/");
    tab.until("document.querySelector('.bar li[tabindex]')");
    let size = "(({ width, height }) => width > 50 && height > 10)(document.querySelector('.bar li[tabindex] .tip').getBoundingClientRect())";
    assert_eq!(tab.evaluate(size), false);
    // It has the focus of the keyboard.
    tab.until("document.activeElement.matches('body')");
    for _ in 0..30 {
        tab.press("Tab");
        if tab.evaluate("document.activeElement.matches('.bar li')") == true {
            break;
        }
    }
    tab.until(size);
    let told = tab.text(".bar li[tabindex] .tip");
    assert!(told.contains("down ") && told.contains("1 death"), "{told}");
    tab.press("ArrowLeft");
    let told = tab.evaluate("document.activeElement.innerText");
    assert!(told.as_str().unwrap().ends_with(": not watched"), "{told}");
    tab.expect_clean();
}

#[test]
fn what_is_firing_and_whom_it_does_not_reach_stand_on_the_first_page() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("carotid.toml");
    // Nobody listens on the port of a listener that is gone.
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let rule = format!("[alert.pager]\nwebhook = \"http://{nobody}/\"\n");
    std::fs::write(&file, rule).unwrap();
    let config = ["--config", file.to_str().unwrap()];
    let daemon = Daemon::start(&[&TERMS[..], &config].concat());
    let browser = Browser::start();
    let mut tab = browser.tab();
    tab.go(daemon.http, "/");
    assert_eq!(
        tab.evaluate("document.getElementById('firing')"),
        Value::Null
    );
    let _frozen = daemon.ping("payments/1");
    tab.until("document.getElementById('firing')");
    tab.until("document.querySelector('[aria-labelledby=firing]').innerText.includes('perhaps not told yet by the rule pager')");
    tab.until("document.querySelector('[aria-labelledby=firing]').innerText.includes('pager does not reach')");
    tab.expect_clean();
}
