//! The daemon under a service manager, played by this test, and its unit.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use crate::ground::daemon::Daemon;
use crate::ground::program::PATIENCE;

/// Who listens at `$NOTIFY_SOCKET`.
struct Supervisor {
    socket: UnixDatagram,
    folder: tempfile::TempDir,
}

impl Supervisor {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, folder }
    }

    /// Starts a daemon that knows of it.
    fn start(&self, watchdog: Option<Duration>) -> Daemon {
        Daemon::start_with(&[], |command| {
            command.env("NOTIFY_SOCKET", self.folder.path().join("notify"));
            if let Some(watchdog) = watchdog {
                command.env("WATCHDOG_USEC", watchdog.as_micros().to_string());
            }
        })
    }

    /// The next message, line by line.
    fn next(&self) -> Vec<String> {
        let mut message = [0; 4096];
        let length = self.socket.recv(&mut message).unwrap();
        let text = String::from_utf8(message[..length].to_vec()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// Skips messages until one says this.
    fn wait_for(&self, line: &str) -> Vec<String> {
        loop {
            let message = self.next();
            if message.iter().any(|said| said == line) {
                return message;
            }
        }
    }

    /// Forgets what has been said so far.
    fn catch_up(&self) {
        self.socket.set_nonblocking(true).unwrap();
        let mut message = [0; 4096];
        while self.socket.recv(&mut message).is_ok() {}
        self.socket.set_nonblocking(false).unwrap();
    }
}

#[test]
fn a_supervisor_is_told_of_readiness_and_of_the_end() {
    let supervisor = Supervisor::new();
    let mut daemon = supervisor.start(None);
    // It is said after the listeners are bound, and so is the line that Daemon waits for.
    let ready = supervisor.next();
    assert_eq!(ready, ["READY=1", "STATUS=0 sessions"]);
    daemon.program.request_end();
    supervisor.wait_for("STOPPING=1");
    assert_eq!(daemon.program.code(), Some(0));
}

#[test]
fn the_watchdog_is_fed_in_time_and_not_by_a_daemon_that_stands_still() {
    let watchdog = Duration::from_millis(400);
    let supervisor = Supervisor::new();
    let daemon = supervisor.start(Some(watchdog));
    for _ in 0..5 {
        supervisor.wait_for("WATCHDOG=1");
    }
    daemon.program.freeze();
    supervisor.catch_up();
    // What was under way when it was frozen may still come, and then nothing does.
    supervisor.socket.set_read_timeout(Some(watchdog)).unwrap();
    let silence = loop {
        match supervisor.socket.recv(&mut [0; 4096]) {
            Ok(_) => {}
            Err(error) => break error.kind(),
        }
    };
    assert_eq!(silence, ErrorKind::WouldBlock);
    supervisor.socket.set_read_timeout(Some(PATIENCE)).unwrap();
    daemon.program.thaw();
    supervisor.wait_for("WATCHDOG=1");
}

#[cfg(debug_assertions)]
#[test]
fn the_watchdog_starves_while_a_shard_is_stuck() {
    let supervisor = Supervisor::new();
    let daemon = Daemon::start_with(&[], |command| {
        command
            .env("NOTIFY_SOCKET", supervisor.folder.path().join("notify"))
            .env("WATCHDOG_USEC", "400000")
            .env("CAROTID_FAULTS", "1");
    });
    let mut stream = TcpStream::connect(daemon.http).unwrap();
    let request = "POST /debug/faults/hold-shard/1/7000 HTTP/1.0\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    // Whoever shares its thread may be named with it.
    let is_told = |said: &str| said.starts_with("STATUS=sessions are not judged: shard 1 is stuck");
    let stuck = loop {
        let said = supervisor.next();
        if said.iter().any(|line| is_told(line)) {
            break said;
        }
    };
    assert_eq!(stuck.len(), 1, "{stuck:?}");
    // Others on its thread starve; nobody feeds the watchdog until all of them go on.
    let fed = loop {
        let said = supervisor.next();
        if said.len() > 1 || !said[0].starts_with("STATUS=sessions are not judged") {
            break said;
        }
    };
    assert_eq!(fed, ["WATCHDOG=1", "STATUS=0 sessions"]);
}

#[test]
fn the_watchdog_of_another_process_is_left_alone() {
    let supervisor = Supervisor::new();
    let daemon = Daemon::start_with(&[], |command| {
        command
            .env("NOTIFY_SOCKET", supervisor.folder.path().join("notify"))
            .env("WATCHDOG_USEC", "100000")
            .env("WATCHDOG_PID", "1");
    });
    supervisor.wait_for("READY=1");
    daemon.program.request_end();
    loop {
        let message = supervisor.next();
        assert!(
            !message.iter().any(|line| line == "WATCHDOG=1"),
            "{message:?}"
        );
        if message == ["STOPPING=1"] {
            break;
        }
    }
}

/// The unit, with the program of these tests in it.
fn unit(folder: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join("ops/systemd/carotid.service")).unwrap();
    let program = env!("CARGO_BIN_EXE_carotid");
    assert!(text.contains("=/usr/bin/carotid "), "{text}");
    let path = folder.join("carotid.service");
    std::fs::write(
        &path,
        text.replace("=/usr/bin/carotid ", &format!("={program} ")),
    )
    .unwrap();
    path
}

/// What systemd itself says of the unit; `None` where there is no systemd.
fn analyze(arguments: &[&str]) -> Option<(Output, tempfile::TempDir)> {
    let folder = tempfile::tempdir().unwrap();
    let unit = unit(folder.path());
    let output = Command::new("systemd-analyze")
        .args(arguments)
        .arg(unit)
        .output();
    match output {
        Ok(output) => Some((output, folder)),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            eprintln!("skipped: no systemd-analyze; on Debian, apt-get install systemd");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn systemd_finds_no_fault_in_the_unit() {
    let Some((output, _folder)) = analyze(&["verify", "--man=no"]) else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn the_unit_can_do_little_harm() {
    // Out of 10; 1.3 is what is left for a service that must reach the network.
    let Some((output, _folder)) = analyze(&["security", "--offline=true", "--threshold=15"]) else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
}
