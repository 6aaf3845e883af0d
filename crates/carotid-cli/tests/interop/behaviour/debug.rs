//! The page that lists services, methods and calls.

use super::ground::{Theirs, play};
use crate::ground::daemon::Daemon;
use crate::ground::sessions;
use crate::interop::go;

/// What stands in the cell behind a method.
fn calls(page: &str, method: &str) -> u64 {
    let row = page.split(&format!("{method}(")).nth(1);
    let row = row.unwrap_or_else(|| panic!("no {method} in {page}"));
    let cell = row.split("<td").nth(1).unwrap();
    let (_, number) = cell.split_once('>').unwrap();
    number.split('<').next().unwrap().parse().unwrap()
}

#[test]
fn the_debug_page_lists_services_methods_and_their_calls() {
    let theirs = Theirs::start();
    play(&theirs.tcp.to_string(), "tcp", "done").rest();
    let (status, page) = sessions::raw(theirs.http, "/debug/rpc");
    assert_eq!(status, 200);
    assert!(page.contains("Service Arith"));
    assert_eq!((calls(&page, "Multiply"), calls(&page, "Divide")), (1, 0));

    let daemon = Daemon::start(&[]);
    go::peer(daemon.rpc, &["-count", "3", "-every", "1ms"]).rest();
    let (status, page) = sessions::raw(daemon.http, "/debug/rpc");
    assert_eq!(status, 200);
    assert!(page.contains("Service Heartbeat"));
    assert_eq!((calls(&page, "Ping"), calls(&page, "Close")), (3, 0));
}
