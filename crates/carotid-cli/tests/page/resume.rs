//! The page of events goes on after the daemon was away.

use tempfile::TempDir;

use super::browser::Browser;
use crate::ground::daemon::Daemon;

#[test]
fn events_go_on_after_the_daemon_restarts() {
    let mut daemon = Daemon::start(&[]);
    let browser = Browser::start();
    let mut tab = browser.tab();
    let _first = daemon.ping("orders/1");
    tab.go(daemon.http, "/events");
    tab.evaluate("window.stayed = true");
    tab.until("document.querySelector('#events li.opened .name').innerText === 'orders/1'");
    let _second = daemon.ping("orders/2");
    tab.until("document.querySelector('#events li.opened .name').innerText === 'orders/2'");
    tab.expect_clean();

    daemon.program.kill();
    tab.until("document.getElementById('live').dataset.state === 'lost'");
    let daemon = daemon.restart();
    let _third = daemon.ping("orders/3");
    tab.until("document.querySelector('#events li.opened .name').innerText === 'orders/3'");
    tab.until("document.getElementById('live').dataset.state === 'live'");
    let names = tab
        .evaluate("[...document.querySelectorAll('#events .name')].map((a) => a.innerText).join()");
    assert_eq!(names, "orders/3,orders/2,orders/1");
    assert_eq!(tab.evaluate("window.stayed"), true);
}

#[test]
fn with_a_journal_nothing_is_missing_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let data = ["--data", folder.path().to_str().unwrap()];
    let mut daemon = Daemon::start(&data);
    let browser = Browser::start();
    let mut tab = browser.tab();
    let _first = daemon.ping("orders/1");
    tab.go(daemon.http, "/events");
    tab.until("document.querySelector('#events li.opened .name').innerText === 'orders/1'");
    daemon.program.kill();
    tab.until("document.getElementById('live').dataset.state === 'lost'");
    let daemon = daemon.restart_with(&data);
    let _second = daemon.ping("orders/2");
    tab.until("document.querySelector('#events li.opened .name').innerText === 'orders/2'");
    let kinds = "[...document.querySelectorAll('#events .what')].map((it) => it.innerText).join()";
    assert_eq!(tab.evaluate(kinds), "opened,restarted,opened");
    // A page that is opened now has what was before the restart, too.
    tab.go(daemon.http, "/events");
    assert_eq!(tab.evaluate(kinds), "opened,restarted,opened");
    tab.go(daemon.http, "/sessions/orders/1");
    tab.until("document.querySelector('.lead').innerText.includes('monitor was restarted')");
    tab.go(daemon.http, "/");
    let bars = "document.querySelectorAll('tr[data-key=orders] .bar li').length";
    assert_eq!(tab.evaluate(bars), 24 + 30);
}

#[test]
fn a_server_that_hangs_is_not_called_live() {
    let daemon = Daemon::start(&[]);
    let browser = Browser::start();
    let mut tab = browser.tab();
    for page in ["/", "/sessions", "/events"] {
        tab.go(daemon.http, page);
        tab.until("document.getElementById('live').dataset.state === 'live'");
        daemon.program.freeze();
        tab.until("document.getElementById('live').dataset.state === 'lost'");
        let told = tab.text("#live-word");
        assert!(told.starts_with("not connected; as of "), "{told}");
        daemon.program.thaw();
        tab.until("document.getElementById('live').dataset.state === 'live'");
    }
    // Nothing was lost of what comes with a stream.
    let _session = daemon.ping("orders/1");
    tab.until("document.querySelector('#events li.opened .name').innerText === 'orders/1'");
}

#[test]
fn a_paused_page_of_events_loses_none() {
    let daemon = Daemon::start(&[]);
    let browser = Browser::start();
    let mut tab = browser.tab();
    tab.go(daemon.http, "/events?kind=opened");
    let _first = daemon.ping("orders/1");
    tab.until("document.querySelector('#events .name').innerText === 'orders/1'");
    tab.click("#pause");
    assert_eq!(
        tab.evaluate("document.getElementById('pause').ariaPressed"),
        "true"
    );
    let _second = daemon.ping("orders/2");
    // The daemon has it; the page has not.
    let mut events = daemon.events();
    events.expect("opened", "orders/1", None);
    events.expect("opened", "orders/2", None);
    assert_eq!(
        tab.evaluate("document.querySelectorAll('#events .name').length"),
        1
    );
    tab.click("#pause");
    tab.until("document.querySelector('#events .name').innerText === 'orders/2'");
    assert_eq!(
        tab.evaluate("document.querySelectorAll('#events .name').length"),
        2
    );
    tab.expect_clean();
}
