//! Where a daemon can be reached.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::ground::daemon::{Daemon, carotid};
use crate::ground::program::Program;
use crate::ground::sessions::get;

/// A folder of this test's own, as short as the system wants the paths of sockets to be.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("carotid-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

fn serve(path: &Path) -> (Program, Value) {
    let unix = format!("127.0.0.1:0, unix:{}", path.display());
    let mut command = carotid();
    command.args(["serve", "--http", "127.0.0.1:0", "--listen", &unix]);
    let program = Program::start(&mut command);
    let bound = serde_json::from_str(&program.line()).unwrap();
    (program, bound)
}

#[test]
fn a_daemon_listens_on_a_port_and_on_a_unix_socket() {
    let folder = Folder::new("listen");
    let path = folder.0.join("rpc.sock");
    let (mut program, bound) = serve(&path);
    let unix = format!("unix:{}", path.display());
    assert_eq!(bound["listen"][0], bound["rpc"]);
    assert_eq!(bound["listen"][1], *unix);
    for address in [bound["rpc"].as_str().unwrap(), &unix] {
        let output = carotid().args(["ping", address]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{address}: {output:?}");
    }

    // A peer is known by its process there.
    let beat = ["beat", "local", "--addr", &unix];
    let mut peer = Program::start(carotid().args(beat));
    let http = bound["http"].as_str().unwrap().parse().unwrap();
    let session = loop {
        let (status, session) = get(http, "/api/v1/sessions/local");
        if status == 200 {
            break session;
        }
        std::thread::yield_now();
    };
    assert_eq!(session["peer"], format!("unix:{}", peer.id()));
    peer.interrupt();
    assert_eq!(peer.code(), Some(0));

    program.interrupt();
    assert_eq!(program.code(), Some(0));
    assert!(!path.exists(), "the socket's file goes with the daemon");
}

#[test]
fn the_socket_of_a_daemon_that_was_killed_is_taken_over_and_that_of_a_living_one_is_not() {
    let folder = Folder::new("taken");
    let path = folder.0.join("rpc.sock");
    let (mut killed, _) = serve(&path);
    killed.kill();
    assert!(path.exists());
    let (_living, _) = serve(&path);
    let unix = format!("unix:{}", path.display());
    let mut command = carotid();
    command.args(["serve", "--http", "127.0.0.1:0", "--listen", &unix]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.contains(&unix), "{complaint}");
}

#[test]
fn the_debug_page_counts_calls() {
    let daemon = Daemon::start(&[]);
    let _one = daemon.ping("one");
    let _two = daemon.ping("two");
    let (status, page) = crate::ground::sessions::raw(daemon.http, "/debug/rpc");
    assert_eq!(status, 200);
    assert!(page.contains("Service Heartbeat"), "{page}");
    let row = "Ping(string) -&gt; string</td><td>2</td>";
    assert!(page.contains(row), "{page}");
}
