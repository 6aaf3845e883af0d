//! A server whose loops are stuck says so, and one that is only idle or stopped does not.

use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use carotid::Driver;

use super::ground::Ground;
use super::http::get;

/// Holds a shard's lock until what is returned is dropped.
fn hold(driver: &Driver, shard: usize) -> Sender<()> {
    let (release, released) = channel();
    let (tell, held) = channel();
    let driver = driver.clone();
    std::thread::spawn(move || {
        let _shard = driver.hold_shard(shard);
        tell.send(()).unwrap();
        let _dropped = released.recv();
    });
    held.recv().unwrap();
    release
}

/// Asks until the status is this, and tells how long that took.
async fn until(ground: &Ground, path: &str, status: u16) -> (Duration, String) {
    #[expect(clippy::disallowed_methods, reason = "this is what is measured")]
    let begun = Instant::now();
    loop {
        let answer = get(ground, path, &[]).await;
        let took = begun.elapsed();
        if answer.status == status {
            return (took, answer.body);
        }
        assert!(took < Duration::from_secs(30), "{answer:?} after {took:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_is_stuck_shows_in_less_than_five_seconds_and_so_does_its_recovery() {
    let ground = Ground::start().await;
    let well = get(&ground, "/livez?verbose", &[]).await;
    assert_eq!(well.status, 200);
    assert!(well.head.contains("cache-control: no-store"), "{well:?}");
    for part in ["process", "pulse", "shard 0", "poll loop 0"] {
        assert!(well.body.contains(&format!("[+] {part}: ok")), "{well:?}");
    }
    let held = hold(&ground.driver, 0);
    let (took, said) = until(&ground, "/livez", 503).await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(said, "shard 0: stuck in the middle of a turn\n");
    let ready = get(&ground, "/readyz", &[]).await;
    assert_eq!(ready.status, 503);
    assert!(
        ready.body.starts_with("detection: shard 0 is stuck"),
        "{ready:?}"
    );
    drop(held);
    until(&ground, "/livez", 200).await;
    until(&ground, "/readyz", 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_tell_of_a_shard_that_is_stuck_instead_of_waiting_for_it() {
    let ground = Ground::start().await;
    let held = hold(&ground.driver, 0);
    until(&ground, "/livez", 503).await;
    let told = get(&ground, "/metrics", &[]).await;
    let stuck = "\ncarotid_loops{progress=\"stuck\"} 1\n";
    assert!(told.status == 200 && told.body.contains(stuck), "{told:?}");
    assert!(told.body.contains("\ncarotid_build_info{"));
    assert!(!told.body.contains("carotid_beats_total"));
    drop(held);
    until(&ground, "/livez", 200).await;
    let told = get(&ground, "/metrics", &[]).await;
    assert!(told.body.contains("\ncarotid_beats_total 0\n"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_loop_that_waits_for_a_shard_is_named() {
    let ground = Ground::start().await;
    let held = hold(&ground.driver, 0);
    // Somebody among so many names is of that shard, and every loop serves some of them.
    let sessions =
        (0..200).map(|index| carotid::Client::start(ground.client(&format!("a/{index}"))));
    let sessions = sessions.collect::<Result<Vec<_>, _>>().unwrap();
    until(&ground, "/livez", 503).await;
    loop {
        let (_, said) = until(&ground, "/livez?verbose", 503).await;
        if said.contains("[-] poll loop 0: stuck") {
            break;
        }
    }
    drop(held);
    until(&ground, "/livez", 200).await;
    drop(sessions);
}
