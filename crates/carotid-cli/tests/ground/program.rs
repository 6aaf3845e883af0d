//! A child process that is read line by line and ended by its id.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// Nothing here takes this long unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A running program; killed when dropped.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    output: Receiver<String>,
    errors: Receiver<String>,
}

impl Program {
    /// Starts it with all three streams in our hands.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let output = lines_of(child.stdout.take().unwrap());
        let errors = lines_of(child.stderr.take().unwrap());
        Self {
            child,
            output,
            errors,
        }
    }

    /// The next line of its standard output.
    pub(crate) fn line(&self) -> String {
        match self.output.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(_) => panic!(
                "no line from the program; on stderr: {:#?}",
                self.complaints()
            ),
        }
    }

    /// The rest of its standard output, until it closes that.
    pub(crate) fn rest(&self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Ok(line) = self.output.recv_timeout(PATIENCE) {
            lines.push(line);
        }
        lines
    }

    /// Waits for its end: its exit code, and all that it said on standard output and error.
    pub(crate) fn outcome(mut self) -> (Option<i32>, String, String) {
        let said = [&self.output, &self.errors].map(|lines| {
            let mut text = String::new();
            loop {
                match lines.recv_timeout(PATIENCE) {
                    Ok(line) => text += &(line + "\n"),
                    Err(RecvTimeoutError::Disconnected) => break text,
                    Err(RecvTimeoutError::Timeout) => panic!("it goes on; it said {text}"),
                }
            }
        });
        let [output, errors] = said;
        (self.code(), output, errors)
    }

    /// Waits for a line on standard error that `wanted` accepts.
    pub(crate) fn wait_for_complaint(&self, wanted: impl Fn(&str) -> bool) -> String {
        let mut seen = Vec::new();
        while let Ok(line) = self.errors.recv_timeout(PATIENCE) {
            if wanted(&line) {
                return line;
            }
            seen.push(line);
        }
        panic!("the program did not say so on stderr, only {seen:#?}")
    }

    /// What it has said on standard error since the last time somebody asked.
    pub(crate) fn complaints(&self) -> Vec<String> {
        self.errors.try_iter().collect()
    }

    /// Whether it has not ended yet.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Freezes it, as a debugger or an overcommitted host does.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.child.wait().unwrap();
    }

    /// Asks it to end, as a service's supervisor does.
    pub(crate) fn request_end(&self) {
        self.signal(Signal::TERM);
    }

    /// What a Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Waits for its end and returns its exit code.
    pub(crate) fn code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Tells a program that waits for its standard input to go on.
    pub(crate) fn close_input(&mut self) {
        self.child.stdin.take();
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may be gone already; a frozen one dies of this too.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("stderr of a program: {:#?}", self.complaints());
        }
    }
}

/// Reads on a thread of its own, so that waiting for a line can be given up.
fn lines_of(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            let Ok(line) = line else { return };
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
