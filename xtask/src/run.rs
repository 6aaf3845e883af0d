//! Running other programs: always at the root, always shown while they run.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, bail};

use crate::place;
use crate::tally::Tally;

/// A command that runs at the root of the repository.
pub(crate) fn command(program: impl Into<OsString>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program.into());
    command.args(arguments).current_dir(place::root());
    command
}

/// The cargo that runs this program, so that one toolchain does everything.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = command(cargo, arguments);
    if io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    command
}

/// Whether the command could be started and succeeded.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    announce(command);
    match command.status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("cannot start {}: {error}", command.get_program().display());
            false
        }
    }
}

/// Runs the command and fails unless it succeeds.
pub(crate) fn demand(command: &mut Command) -> anyhow::Result<()> {
    if succeeds(command) {
        return Ok(());
    }
    bail!("{} failed", line_of(command))
}

/// Whether the program can be asked for its version; its answer is not shown.
pub(crate) fn answers(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs a test command and counts what its `test result:` lines say.
///
/// A command that fails without a failed test (it did not build, or a test
/// binary died) counts as one failure, and so does one that ran no test.
pub(crate) fn count(command: &mut Command) -> Tally {
    announce(command);
    count_into(command, &mut io::stdout().lock())
}

fn count_into(command: &mut Command, shown: &mut impl Write) -> Tally {
    match stream(command, shown) {
        Ok(tally) => tally,
        Err(error) => {
            eprintln!("{error:#}");
            Tally::check(false)
        }
    }
}

fn stream(command: &mut Command, shown: &mut impl Write) -> anyhow::Result<Tally> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let output = child.stdout.take().expect("stdout was asked to be a pipe");
    let mut tally = Tally::default();
    let mut reader = BufReader::new(output);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? != 0 {
        shown.write_all(&line)?;
        shown.flush()?;
        tally.read_line(&String::from_utf8_lossy(&line));
        line.clear();
    }
    let status = child.wait()?;
    if !status.success() && tally.failed == 0 {
        tally += Tally::check(false);
    }
    if tally.is_empty() {
        eprintln!("no test ran");
        tally += Tally::check(false);
    }
    Ok(tally)
}

fn announce(command: &Command) {
    eprintln!("$ {}", line_of(command));
}

fn line_of(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let mut line = program
        .file_name()
        .unwrap_or(command.get_program())
        .display()
        .to_string();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

/// Builds this program in release and hands over to that build, for what must be optimised.
pub(crate) fn in_release(arguments: &[String]) -> anyhow::Result<ExitCode> {
    demand(&mut cargo(&[
        "build",
        "--release",
        "--locked",
        "-p",
        "xtask",
    ]))?;
    let status = Command::new(place::target()?.join("release/xtask"))
        .args(arguments)
        .status()
        .context("cannot start the release build")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use std::io::sink;

    use super::{command, count_into};
    use crate::tally::Tally;

    /// Shows nothing: whoever counts this very run must not count these too.
    fn counted(script: &str) -> Tally {
        count_into(&mut command("sh", &["-c", script]), &mut sink())
    }

    #[test]
    fn results_are_counted_while_they_stream() {
        let tally = counted("echo 'test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured'");
        assert_eq!(
            tally,
            Tally {
                passed: 2,
                failed: 0,
                skipped: 1
            }
        );
    }

    #[test]
    fn a_command_that_dies_without_a_failed_test_is_one_failure() {
        let tally = counted("echo 'test result: ok. 2 passed; 0 failed'; exit 101");
        assert_eq!(
            tally,
            Tally {
                passed: 2,
                failed: 1,
                skipped: 0
            }
        );
        assert_eq!(counted("exit 101"), Tally::check(false));
    }

    #[test]
    fn a_failed_test_is_not_counted_twice() {
        let tally = counted("echo 'test result: FAILED. 2 passed; 1 failed'; exit 101");
        assert_eq!(
            tally,
            Tally {
                passed: 2,
                failed: 1,
                skipped: 0
            }
        );
    }

    #[test]
    fn running_no_test_is_a_failure() {
        assert_eq!(counted("true"), Tally::check(false));
        let missing = count_into(&mut command("/nonexistent", &[]), &mut sink());
        assert_eq!(missing, Tally::check(false));
    }
}
