//! A peer that beats until it is made to die in its way.

use std::io;
use std::net::SocketAddr;
use std::process::Stdio;

use carotid::core::Terms;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::network::Network;
use super::scratch::carotid;
use super::wedging::Wedging;
use crate::explain::forecast::Way;

/// A peer; ended when dropped.
#[derive(Debug)]
pub(super) struct Peer {
    way: Way,
    body: Body,
}

#[derive(Debug)]
enum Body {
    /// `carotid beat` around a command that ends when its standard input does.
    Process(Child),
    /// One whose main loop we play ourselves.
    Wedging(Wedging),
}

impl Peer {
    /// Starts to beat on `rpc`, from within the network if there is one.
    pub(super) async fn start(
        way: Way,
        name: &str,
        rpc: SocketAddr,
        terms: Terms,
        network: Option<&Network>,
    ) -> io::Result<Self> {
        let body = if way == Way::Wedged {
            Body::Wedging(Wedging::start(name, rpc, terms).await?)
        } else {
            let mut command = match network {
                Some(network) => network.within(std::env::current_exe()?),
                None => carotid()?,
            };
            Body::Process(beat(&mut command, way, name, rpc, terms).spawn()?)
        };
        Ok(Self { way, body })
    }

    /// Does it.
    pub(super) async fn die(&mut self, network: Option<&Network>) -> io::Result<()> {
        let child = match &mut self.body {
            Body::Wedging(wedging) => {
                wedging.wedge();
                return Ok(());
            }
            Body::Process(child) => child,
        };
        if let Some(network) = network {
            network.cut().await?;
        }
        match self.way {
            // The command ends, and what beats around it says goodbye or does not.
            Way::Goodbye | Way::Exit => drop(child.stdin.take()),
            Way::Kill | Way::HostGone => signal(child, Signal::KILL)?,
            Way::Frozen => signal(child, Signal::STOP)?,
            Way::NetworkCut | Way::Wedged => {}
        }
        Ok(())
    }

    /// Ends what may be left of it.
    pub(super) async fn end(mut self) {
        if let Body::Process(child) = &mut self.body {
            // One that has died already is just what is wanted.
            let _gone = child.kill().await;
        }
    }
}

fn beat<'a>(
    command: &'a mut Command,
    way: Way,
    name: &str,
    rpc: SocketAddr,
    terms: Terms,
) -> &'a mut Command {
    let ms = |duration: std::time::Duration| format!("{}ms", duration.as_millis());
    let code = if way == Way::Goodbye { "0" } else { "1" };
    command
        .args(["beat", name, "--addr", &rpc.to_string()])
        .args(["--interval", &ms(terms.interval())])
        .args(["--timeout", &ms(terms.timeout())])
        .args(["--", "sh", "-c", &format!("read -r _; exit {code}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
}

fn signal(child: &Child, signal: Signal) -> io::Result<()> {
    let pid = child.id().and_then(|id| i32::try_from(id).ok());
    let pid = pid.and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| io::Error::other("it has ended already"))?;
    Ok(kill_process(pid, signal)?)
}
