//! `carotid beat`: be a session.

mod counted;

use std::io;
use std::process::{ExitCode, ExitStatus};

use carotid::core::Terms;
use carotid::{Client, ClientConfig, ClientState, States};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::signal::unix::{self, SignalKind, signal};

use crate::args::BeatArgs;
use crate::exit::Exit;
use crate::output::{self, Format};

pub(crate) async fn run(args: BeatArgs) -> Result<ExitCode, Exit> {
    let terms = Terms::new(args.interval.0, args.timeout.0)
        .and_then(|terms| terms.with_longest_stall(args.longest_stall.0))
        .map_err(|error| {
            Exit::settings(error).advise("Change --interval, --timeout or --longest-stall.")
        })?;
    let child = args.command.split_first().map(|(program, arguments)| {
        Command::new(program)
            .args(arguments)
            .spawn()
            .map_err(|error| {
                Exit::not_run(error).context(format!("cannot run {}", program.display()))
            })
    });
    let child = child.transpose()?;
    let (first, others) = args
        .addr
        .split_first()
        .expect("there is a default for where there is none");
    let config = ClientConfig::new(first.clone(), args.name);
    let config = others.iter().cloned().fold(config, ClientConfig::or);
    let client = Client::start(ClientConfig {
        terms,
        call_timeout: args.call_timeout.0,
        // Whether this process gets on with its work says nothing of the command's.
        watch_runtime: child.is_none(),
        ..config
    });
    let client = client.map_err(|error| Exit::usage(error).context("cannot beat"))?;
    tokio::spawn(tell(client.state()));
    let Some(child) = child else {
        stopped().await.map_err(Exit::usage)?;
        return leave(client, args.output).await;
    };
    let status = finish(child).await.map_err(Exit::usage)?;
    if status.success() {
        return leave(client, args.output).await;
    }
    // A command that fails at once is a session nevertheless.
    let _opened = tokio::time::timeout(args.call_timeout.0, client.connected()).await;
    let counters = client.counters();
    client.disconnect().await;
    counted::print(&counters, args.output)?;
    Ok(output::code_of(status))
}

/// Says goodbye, unless one more signal says that there is no time for it.
async fn leave(client: Client, format: Format) -> Result<ExitCode, Exit> {
    let counters = client.counters();
    tokio::select! {
        () = client.close() => {}
        _ = stopped() => return Ok(ExitCode::from(130)),
    }
    counted::print(&counters, format).map(|()| ExitCode::SUCCESS)
}

/// What else than Ctrl-C asks a program to end.
const ENDINGS: [(SignalKind, Signal); 3] = [
    (SignalKind::terminate(), Signal::TERM),
    (SignalKind::hangup(), Signal::HUP),
    (SignalKind::quit(), Signal::QUIT),
];

/// Waits for a signal that asks to end.
async fn stopped() -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut endings = endings()?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = next_of(&mut endings) => {}
    }
    Ok(())
}

/// Waits for the child's end. A signal that asks us to end is meant for it; a terminal's SIGINT
/// reaches it without us.
async fn finish(mut child: Child) -> io::Result<ExitStatus> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut endings = endings()?;
    loop {
        tokio::select! {
            status = child.wait() => return status,
            _ = interrupt.recv() => {}
            signal = next_of(&mut endings) => {
                let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
                if let Some(pid) = pid {
                    kill_process(pid, signal)?;
                }
            }
        }
    }
}

fn endings() -> io::Result<[(unix::Signal, Signal); 3]> {
    let [first, second, third] =
        ENDINGS.map(|(kind, name)| signal(kind).map(|arriving| (arriving, name)));
    Ok([first?, second?, third?])
}

async fn next_of(
    [(first, a), (second, b), (third, c)]: &mut [(unix::Signal, Signal); 3],
) -> Signal {
    tokio::select! {
        _ = first.recv() => *a,
        _ = second.recv() => *b,
        _ = third.recv() => *c,
    }
}

/// Tells the person at the terminal how it stands.
async fn tell(mut states: States) {
    while let Some(state) = states.changed().await {
        match state {
            ClientState::Connected {
                address,
                server,
                epoch,
                ..
            } => {
                let server =
                    server.map_or_else(|| address.to_string(), |server| server.to_string());
                match epoch {
                    Some(epoch) => output::talk(format_args!("beating on {server}, epoch {epoch}")),
                    None => {
                        output::talk(format_args!("pinging {server}, which knows no sessions"));
                    }
                }
            }
            ClientState::Waiting { error, retry_in } => {
                output::talk(format_args!("{error}; trying again in {retry_in:.1?}"));
            }
            ClientState::Connecting | ClientState::Closed | _ => {}
        }
    }
}
