//! Memory that a server keeps per idle connection.

use std::time::Duration;

use super::contender::{Contender, Programs};
use super::load::{Load, Shape};
use super::table::Line;
use crate::clock;

/// Time for a server to give back what it needed only while connections came.
const SETTLING: Duration = Duration::from_secs(2);

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
    clock::settle(SETTLING);
    let before = server.resident()?;
    let shape = Shape {
        connections,
        in_flight: 1,
    };
    let load = Load::connect(server.address(), shape, contender.talk(sizes))?;
    clock::settle(SETTLING);
    let grown = server.resident()?.saturating_sub(before);
    drop(load);
    let each = grown as f64 / 1024.0 / connections as f64;
    eprintln!("{contender:?}: {each:.2} KB per connection");
    Ok(each)
}
