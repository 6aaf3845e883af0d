//! A daemon that is told to read its settings again.

use std::fs;
use std::os::unix::net::UnixDatagram;

use rustix::process::{Pid, Signal, kill_process};

use crate::ground::daemon::Daemon;
use crate::ground::program::PATIENCE;
use crate::ground::receiver::Receiver;
use crate::ground::sessions;

/// A daemon, its file, and what it tells its supervisor.
struct Ground {
    daemon: Daemon,
    folder: tempfile::TempDir,
    told: UnixDatagram,
}

impl Ground {
    fn start(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let told = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        told.set_read_timeout(Some(PATIENCE)).unwrap();
        let file = folder.path().join("carotid.toml");
        fs::write(&file, text).unwrap();
        let daemon = Daemon::start_with(&["--config", file.to_str().unwrap()], |command| {
            command.env("NOTIFY_SOCKET", folder.path().join("notify"));
        });
        let ground = Self {
            daemon,
            folder,
            told,
        };
        ground.wait_for("READY=1");
        ground
    }

    /// Skips messages to the supervisor until one begins with this; returns its status.
    fn wait_for(&self, line: &str) -> String {
        loop {
            let mut message = [0; 4096];
            let length = self.told.recv(&mut message).unwrap();
            let message = String::from_utf8(message[..length].to_vec()).unwrap();
            if message.lines().any(|said| said.starts_with(line)) {
                let status = message
                    .lines()
                    .find_map(|line| line.strip_prefix("STATUS="));
                return status.unwrap_or_default().to_owned();
            }
        }
    }

    /// Changes the file and hangs up; returns the status when that is done.
    fn reload(&self, text: &str) -> String {
        fs::write(self.folder.path().join("carotid.toml"), text).unwrap();
        let id = i32::try_from(self.daemon.program.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), Signal::HUP).unwrap();
        self.wait_for("RELOADING=1");
        self.wait_for("READY=1")
    }
}

#[test]
fn a_reload_changes_what_can_change_and_names_the_rest() {
    let ground = Ground::start("log = 'warn'\n");
    let status = ground.reload("log = 'info'\ninterval = '5s'\n");
    assert!(
        status.contains("a restart is needed for interval"),
        "{status}"
    );
    // That is so for as long as it does not run with what the file says.
    let status = ground.reload("log = 'info'\ninterval = '5s'\n");
    assert!(status.contains("needed for interval"), "{status}");
    // That is said at info, which was let through no earlier.
    let program = &ground.daemon.program;
    program.wait_for_complaint(|line| line.contains("reloaded") && line.contains("log"));
    program
        .wait_for_complaint(|line| line.contains("needs a restart") && line.contains("interval"));
    let _session = ground.daemon.ping("a/1");
    assert_eq!(
        sessions::one(ground.daemon.http, "a/1")["interval_ms"],
        10_000
    );
}

#[test]
fn services_are_held_to_what_the_file_says_now() {
    let ground = Ground::start("");
    let _session = ground.daemon.ping("payments/1");
    let health =
        || sessions::get(ground.daemon.http, "/api/v1/services/payments").1["health"].clone();
    assert_eq!(health(), "pass");
    ground.reload("[service.payments]\nmin_alive = 2\n");
    assert_eq!(health(), "fail");
    ground.reload("");
    assert_eq!(health(), "pass");
}

#[test]
fn services_are_told_of_that_were_named_by_a_reload() {
    let receiver = Receiver::start();
    let url = receiver.url();
    let alerts = format!(
        "interval = '500ms'\ntimeout = '2s'\n\
        [alert.pager]\nwebhook = '{url}'\non = ['service_fail']\nfor = '0s'\ngroup_wait = '0s'\n"
    );
    let ground = Ground::start(&alerts);
    ground.reload(&format!("{alerts}[service.nobody]\nmin_alive = 1\n"));
    assert_eq!(receiver.next().said(), "firing service_fail nobody");
    ground.reload(&alerts);
    assert_eq!(receiver.next().said(), "resolved service_fail nobody");
}

#[test]
fn a_broken_file_changes_nothing_and_is_told_until_it_is_mended() {
    let ground = Ground::start("log = 'info'\n");
    let status = ground.reload("log = 'debug'\ntimeout = '15s'\n");
    assert!(
        status.contains("not reloaded") && status.contains("2 × 10s"),
        "{status}"
    );
    let program = &ground.daemon.program;
    program.wait_for_complaint(|line| line.contains("ERROR") && line.contains("not reloaded"));
    let status = ground.reload("log = 'info'\n");
    assert!(!status.contains("reloaded"), "{status}");
}
