//! A hundred thousand sessions, of which the browser sees fifty.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};

use super::browser::Browser;
use crate::ground::daemon::Daemon;
use crate::ground::program::PATIENCE;

const CONNECTIONS: usize = 100;
const NAMES: usize = 1000;

/// Beats once under each of a hundred thousand names, and keeps the connections.
fn crowd(rpc: SocketAddr) -> Vec<TcpStream> {
    let threads: Vec<_> = (0..CONNECTIONS)
        .map(|service| std::thread::spawn(move || one_service(rpc, service)))
        .collect();
    threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect()
}

fn one_service(rpc: SocketAddr, service: usize) -> TcpStream {
    let stream = TcpStream::connect(rpc).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answers = BufReader::new(stream.try_clone().unwrap());
    for names in (0..NAMES).collect::<Vec<_>>().chunks(100) {
        let calls = names.iter().map(|name| {
            format!("{{\"method\":\"Heartbeat.Ping\",\"params\":[\"svc-{service:02}/{name:03}\"],\"id\":0}}\n")
        });
        (&stream)
            .write_all(calls.collect::<String>().as_bytes())
            .unwrap();
        for _ in names {
            let mut answer = String::new();
            answers.read_line(&mut answer).unwrap();
            assert!(answer.contains("Pong"), "{answer}");
        }
    }
    stream
}

#[test]
fn filter_search_and_paging_work_with_a_hundred_thousand_sessions() {
    let daemon = Daemon::start(&["--interval", "300s", "--timeout", "900s"]);
    let crowd = crowd(daemon.rpc);
    let browser = Browser::start();
    let mut tab = browser.tab();
    tab.go(daemon.http, "/sessions?sort=name");
    tab.evaluate("window.stayed = true");
    let tally = "document.querySelector('main .tally').innerText";
    tab.until(&format!("{tally} === '1–50 of 100,000 sessions'"));
    assert_eq!(
        tab.evaluate("document.querySelectorAll('tbody tr').length"),
        50
    );
    assert_eq!(tab.text("tbody tr:first-child a"), "svc-00/000");

    // On, to the end, and back.
    let next =
        "[...document.querySelectorAll('nav.pages a')].find((a) => a.innerText === 'Next').click()";
    tab.evaluate(next);
    tab.until(&format!("{tally} === '51–100 of 100,000 sessions'"));
    assert_eq!(tab.text("tbody tr:first-child a"), "svc-00/050");
    tab.evaluate(&next.replace("Next", "Last"));
    tab.until(&format!("{tally} === '99,951–100,000 of 100,000 sessions'"));
    assert_eq!(tab.text("tbody tr:last-child a"), "svc-99/999");
    tab.evaluate(&next.replace("Next", "Previous"));
    tab.until(&format!("{tally} === '99,901–99,950 of 100,000 sessions'"));
    tab.evaluate("history.back()");
    tab.until(&format!("{tally} === '99,951–100,000 of 100,000 sessions'"));

    // The address is that of what is shown.
    tab.evaluate("document.getElementById('search').focus()");
    tab.type_text("42/00");
    tab.until(&format!("{tally}.startsWith('1–10 of 10 sessions')"));
    assert_eq!(tab.evaluate("location.search"), "?search=42%2F00&sort=name");
    assert_eq!(tab.evaluate("document.activeElement.id"), "search");

    // One of them dies: it comes first, and its service can be looked at.
    crowd[7].shutdown(std::net::Shutdown::Both).unwrap();
    tab.go(daemon.http, "/sessions?state=suspect");
    tab.until(&format!(
        "{tally}.startsWith('1–50 of 1,000 sessions, 1,000 in trouble')"
    ));
    tab.evaluate("const service = document.getElementById('service'); service.value = 'svc-08'; service.dispatchEvent(new InputEvent('input', { bubbles: true }))");
    tab.until(&format!("{tally}.startsWith('No session is like that.')"));
    tab.go(daemon.http, "/");
    tab.until("document.querySelector('h1').innerText.endsWith('failing')");
    assert_eq!(tab.text("tbody tr:first-child .name"), "svc-07");
    tab.expect_clean();
}

#[test]
fn going_back_takes_back_what_was_searched_for() {
    let daemon = Daemon::start(&[]);
    let _session = daemon.ping("orders/1");
    let browser = Browser::start();
    let mut tab = browser.tab();
    tab.go(daemon.http, "/sessions");
    tab.until("document.querySelector('tr[data-key=\"orders/1\"]')");
    tab.evaluate("document.getElementById('search').focus()");
    tab.type_text("nobody");
    tab.until("location.search.includes('nobody') && !document.querySelector('tr[data-key]')");
    tab.evaluate("history.back()");
    tab.until("document.querySelector('tr[data-key=\"orders/1\"]')");
    tab.until("document.getElementById('search').value === ''");
    tab.expect_clean();
}
