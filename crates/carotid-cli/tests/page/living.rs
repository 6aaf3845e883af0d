//! What happens is seen on the page that is open.

use std::net::Shutdown;

use super::browser::Browser;
use crate::ground::daemon::Daemon;

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
