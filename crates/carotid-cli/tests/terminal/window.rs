//! A terminal of 80 columns and 24 lines, with a server of its own.

use std::ffi::OsString;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::ground::program::PATIENCE;

/// One window; closed when dropped, with all that runs in it.
#[derive(Debug)]
pub(super) struct Window {
    socket: String,
}

impl Window {
    /// Opens one in which a shell runs this; the window stays when it has ended.
    pub(super) fn open(script: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let window = Self {
            socket: format!("carotid-{}-{count}", std::process::id()),
        };
        let script = format!("{script}; echo \"code $?\"; stty -a | grep -o -- '-\\?icanon'; cat");
        let new = [
            "new-session",
            "-d",
            "-x",
            "80",
            "-y",
            "24",
            "sh",
            "-c",
            &script,
        ];
        window.tmux(&[&["-f", "/dev/null"][..], &new].concat());
        window
    }

    /// Presses keys, by the names that tmux has for them.
    pub(super) fn press(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"][..], keys].concat());
    }

    /// What is on the screen.
    pub(super) fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// The same with its colours, as escape sequences.
    pub(super) fn coloured(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-e"])
    }

    /// The process that the window's shell waits for.
    pub(super) fn child(&self) -> u32 {
        let shell = self.tmux(&["display-message", "-p", "#{pane_pid}"]);
        let children = format!("/proc/{0}/task/{0}/children", shell.trim());
        let children = std::fs::read_to_string(children).unwrap();
        children.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Waits until the screen is as wanted, and returns it.
    #[track_caller]
    pub(super) fn until(&self, wanted: impl Fn(&str) -> bool) -> String {
        #[expect(
            clippy::disallowed_methods,
            reason = "a bound, so that it fails and does not hang"
        )]
        let begun = Instant::now();
        loop {
            let screen = self.screen();
            if wanted(&screen) {
                return screen;
            }
            assert!(begun.elapsed() < PATIENCE, "the screen is\n{screen}");
            #[expect(clippy::disallowed_methods, reason = "between two looks at the screen")]
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The same for a text on it.
    #[track_caller]
    pub(super) fn until_it_says(&self, text: &str) -> String {
        self.until(|screen| screen.contains(text))
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(program());
        command.args(["-L", &self.socket]).args(arguments);
        // Characters of any language are drawn as they are.
        command.env("LC_ALL", "C.UTF-8").env_remove("TMUX");
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().unwrap();
        assert!(
            status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&stderr)
        );
        String::from_utf8(stdout).unwrap()
    }
}

fn program() -> OsString {
    std::env::var_os("TMUX_PROGRAM").unwrap_or_else(|| "tmux".into())
}

impl Drop for Window {
    fn drop(&mut self) {
        let mut command = Command::new(program());
        // It may be gone already.
        let _ended = command.args(["-L", &self.socket, "kill-server"]).output();
    }
}
