//! Memory that a server keeps per idle connection.

use std::time::Duration;

use super::contender::{Contender, Programs};
use super::load::{Load, Shape};
use super::process::Server;
use super::table::Line;
use crate::clock;

/// Time for a server to give back what it needed only while connections came, and again for as long
/// as it still does.
const SETTLING: Duration = Duration::from_secs(2);

/// A server whose memory still moves after so many of these is taken as it is.
const MOST_SETTLINGS: u32 = 15;

/// Memory that moves by less than this share has settled.
const SETTLED: f64 = 0.002;

/// Connects, has each connection ping once in its own name, and asks how much
/// more the server holds resident than before.
pub(crate) fn measure(programs: &Programs, connections: usize) -> anyhow::Result<Line> {
    let mut line = Line {
        what: format!("server memory per idle connection, {connections} connections"),
        unit: "KB",
        ..Line::default()
    };
    line.go = Some(kilobytes(programs, Contender::Go, connections)?);
    line.carotid = Some(kilobytes(programs, Contender::Carotid, connections)?);
    Ok(line)
}

fn kilobytes(programs: &Programs, contender: Contender, connections: usize) -> anyhow::Result<f64> {
    let sizes = programs.sizes()?;
    let server = contender.start(programs, sizes)?;
    // Code and buffers that the first connection brings in are no cost of each.
    let first = Shape {
        connections: 1,
        in_flight: 1,
    };
    drop(Load::connect(
        server.address(),
        first,
        contender.talk(sizes),
    )?);
    let before = settled(&server)?;
    let anonymous_before = server.anonymous()?;
    let shape = Shape {
        connections,
        in_flight: 1,
    };
    let load = Load::connect(server.address(), shape, contender.talk(sizes))?;
    let after = settled(&server)?;
    let anonymous = server.anonymous()?.saturating_sub(anonymous_before);
    drop(load);
    let kilobytes = |bytes: u64| bytes as f64 / 1024.0 / connections as f64;
    let each = kilobytes(after.saturating_sub(before));
    eprintln!(
        "{contender:?}: {each:.2} KB per connection, {:.2} of it anonymous; {:.1} MB resident \
         before, {:.1} with them",
        kilobytes(anonymous),
        before as f64 / 1e6,
        after as f64 / 1e6,
    );
    Ok(each)
}

/// Resident memory, once it stays what it is.
fn settled(server: &Server) -> anyhow::Result<u64> {
    let mut resident = server.resident()?;
    for _ in 0..MOST_SETTLINGS {
        clock::settle(SETTLING);
        let before = std::mem::replace(&mut resident, server.resident()?);
        if (resident.abs_diff(before) as f64) < SETTLED * before as f64 {
            break;
        }
    }
    Ok(resident)
}
