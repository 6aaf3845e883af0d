//! The raw echo: the cheapest server that moves the same bytes.
//!
//! One thread, one epoll set, no protocol: for each so many bytes in, so many
//! bytes out. What a server costs above this is its own doing.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;

use rustix::event::epoll;

const LISTENER: u64 = u64::MAX;
const READ_AT_MOST: usize = 64 * 1024;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Bytes of a request.
    #[arg(long)]
    request: usize,
    /// Bytes of a reply.
    #[arg(long)]
    reply: usize,
}

struct Echo {
    epoll: rustix::fd::OwnedFd,
    listener: TcpListener,
    peers: Vec<Option<Peer>>,
    request: usize,
    reply: usize,
    input: Vec<u8>,
    output: Vec<u8>,
}

struct Peer {
    stream: TcpStream,
    pending: usize,
}

/// Serves until it is killed.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    println!(
        "{}",
        serde_json::json!({ "rpc": listener.local_addr()?.to_string() })
    );

    let request = options.request.max(1);
    let mut echo = Echo {
        epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
        listener,
        peers: Vec::new(),
        request,
        reply: options.reply,
        input: vec![0; READ_AT_MOST],
        output: vec![b'.'; (READ_AT_MOST / request + 1) * options.reply],
    };
    epoll::add(
        &echo.epoll,
        &echo.listener,
        epoll::EventData::new_u64(LISTENER),
        epoll::EventFlags::IN,
    )?;
    let mut events = Vec::with_capacity(1024);
    loop {
        events.clear();
        epoll::wait(
            &echo.epoll,
            rustix::buffer::spare_capacity(&mut events),
            None,
        )?;
        for event in &events {
            match event.data.u64() {
                LISTENER => echo.accept()?,
                slot => echo.answer(usize::try_from(slot)?),
            }
        }
    }
}

impl Echo {
    fn accept(&mut self) -> anyhow::Result<()> {
        while let Ok((stream, _)) = self.listener.accept() {
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let slot = u64::try_from(self.peers.len())?;
            epoll::add(
                &self.epoll,
                &stream,
                epoll::EventData::new_u64(slot),
                epoll::EventFlags::IN,
            )?;
            self.peers.push(Some(Peer { stream, pending: 0 }));
        }
        Ok(())
    }

    fn answer(&mut self, slot: usize) {
        let Some(peer) = &mut self.peers[slot] else {
            return;
        };
        // A reply that does not fit the socket's buffer ends the connection: the
        // load generator reads every reply before it asks again.
        let alive = match peer.stream.read(&mut self.input) {
            Ok(0) | Err(_) => false,
            Ok(read) => {
                peer.pending += read;
                let requests = peer.pending / self.request;
                peer.pending %= self.request;
                peer.stream
                    .write_all(&self.output[..requests * self.reply])
                    .is_ok()
            }
        };
        if !alive {
            self.peers[slot] = None;
        }
    }
}
