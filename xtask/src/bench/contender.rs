//! The servers that are measured side by side.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::load::{Load, Shape, Sizes, Talk};
use super::process::Server;

/// Where the programs lie that a measurement starts.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    /// The folder of the Go programs.
    pub(crate) go: PathBuf,
    /// The release build of this program, whose folder also holds `carotid`.
    pub(crate) xtask: PathBuf,
}

/// A server that answers pings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contender {
    Go,
    Raw,
    Carotid,
}

impl Contender {
    pub(crate) const ALL: [Self; 3] = [Self::Go, Self::Raw, Self::Carotid];

    /// Starts it. The raw echo has to be told the sizes that it moves.
    pub(crate) fn start(self, programs: &Programs, sizes: Sizes) -> anyhow::Result<Server> {
        let mut command = match self {
            Self::Go => Command::new(programs.go.join("recipe")),
            Self::Raw => {
                let mut command = Command::new(&programs.xtask);
                let Sizes { request, reply } = sizes;
                command.args([
                    "echo",
                    "--request",
                    &request.to_string(),
                    "--reply",
                    &reply.to_string(),
                ]);
                command
            }
            Self::Carotid => carotid(&programs.xtask.with_file_name("carotid")),
        };
        Server::start(&mut command)
    }

    /// What its connections say.
    pub(crate) fn talk(self, sizes: Sizes) -> Talk {
        match self {
            Self::Go | Self::Carotid => Talk::Gob,
            Self::Raw => Talk::Raw { reply: sizes.reply },
        }
    }
}

impl Programs {
    /// What a ping and its pong take on the wire, asked of the Go server.
    pub(crate) fn sizes(&self) -> anyhow::Result<Sizes> {
        let unknown = Sizes {
            request: 1,
            reply: 1,
        };
        let server = Contender::Go.start(self, unknown)?;
        let one = Shape {
            connections: 1,
            in_flight: 1,
        };
        Load::connect(server.address(), one, Talk::Gob)?.sizes()
    }
}

fn carotid(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.args([
        "serve",
        "--data",
        "none",
        "--listen",
        "127.0.0.1:0",
        "--http",
        "127.0.0.1:0",
    ]);
    command
}
