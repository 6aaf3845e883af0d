//! Fills what the daemon fills once: the log of events and the table of ended sessions.
//!
//! Both are bounded, and take minutes to fill at an ordinary pace; until then memory rises, and that
//! would look like a leak.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{bail, ensure};

use super::replies::Replies;
use super::sessions;
use crate::bench::process::Server;
use crate::bench::wire;
use crate::clock::settle;

/// Sessions opened at a time, a little fewer than the settings allow.
const SESSIONS: u32 = 60_000;

/// Each session opens, is suspect and dies: three events, of which two carry their evidence, which
/// is more than the sessions of visitors leave in the log. It keeps 2¹⁸ events (`hub.rs`).
const WAVES: u32 = 2;

/// Calls in flight at most, few enough that no buffer on the way is full.
const AT_ONCE: u32 = 60;

/// Opens sessions over one connection as fast as they are answered, and waits until they are dead.
pub(crate) fn fill(server: &Server) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(server.address())?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut replies = Replies::default();
    for first in (0..WAVES * SESSIONS).step_by(AT_ONCE as usize) {
        open(&mut stream, &mut replies, first)?;
        if (first + AT_ONCE).is_multiple_of(SESSIONS) {
            wait_for_deaths(server)?;
        }
    }
    Ok(())
}

fn open(stream: &mut TcpStream, replies: &mut Replies, first: u32) -> anyhow::Result<()> {
    let calls = (first..first + AT_ONCE)
        .map(|number| wire::open_briefly(&format!("warm/{number:08}"), number == 0));
    stream.write_all(&calls.collect::<Vec<_>>().concat())?;
    let mut awaited = AT_ONCE;
    let mut input = [0; 4096];
    while awaited > 0 {
        let read = stream.read(&mut input)?;
        ensure!(read > 0, "the server closed the connection in its warm-up");
        replies.take(&input[..read], |reply| {
            ensure!(reply.error.is_empty(), "the server: {}", reply.error);
            awaited -= 1;
            Ok(())
        })?;
    }
    Ok(())
}

fn wait_for_deaths(server: &Server) -> anyhow::Result<()> {
    for _ in 0..300 {
        if sessions(server, "warm")? == (0, 0) {
            return Ok(());
        }
        settle(Duration::from_millis(100));
    }
    bail!("sessions of the warm-up do not die")
}
