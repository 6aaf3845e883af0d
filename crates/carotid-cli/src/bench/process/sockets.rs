//! The kernel's table of TCP sockets, and who holds them.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// One line of `/proc/net/tcp` or `/proc/net/tcp6`; an IPv4 address in the latter is one here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Socket {
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    pub(super) state: State,
    inode: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Listening,
    Other,
}

/// The inodes of those sockets that are wanted and belong to somebody.
pub(super) fn inodes(wanted: impl Fn(&Socket) -> bool) -> BTreeSet<u64> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let files = tables.iter().filter_map(|path| fs::File::open(path).ok());
    let lines = files.flat_map(|file| BufReader::new(file).lines().map_while(Result::ok));
    let sockets = lines.filter_map(|line| parse(&line));
    let wanted = sockets.filter(|socket| socket.inode != 0 && wanted(socket));
    wanted.map(|socket| socket.inode).collect()
}

/// The processes that have one of these sockets open, as far as they may be looked at.
pub(super) fn holders(inodes: &BTreeSet<u64>) -> Vec<u32> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let names = processes.filter_map(|process| process.ok()?.file_name().into_string().ok());
    let ids = names.filter_map(|name| name.parse().ok());
    let mut holders: Vec<u32> = ids.filter(|pid| holds(*pid, inodes)).collect();
    holders.sort_unstable();
    holders
}

fn holds(pid: u32, inodes: &BTreeSet<u64>) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    let links = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    let inode_of = |link: std::path::PathBuf| {
        let socket = link.to_str()?.strip_prefix("socket:[")?;
        socket.strip_suffix(']')?.parse::<u64>().ok()
    };
    links
        .filter_map(inode_of)
        .any(|inode| inodes.contains(&inode))
}

fn parse(line: &str) -> Option<Socket> {
    let mut fields = line.split_whitespace();
    let _number = fields.next()?;
    let (local, remote) = (address(fields.next()?)?, address(fields.next()?)?);
    let state = match fields.next()? {
        "0A" => State::Listening,
        _ => State::Other,
    };
    // Queues, timer, retransmits, user and probes lie between.
    let inode = fields.nth(5)?.parse().ok()?;
    Some(Socket {
        local,
        remote,
        state,
        inode,
    })
}

/// `0100007F:1CE8` is 127.0.0.1:7400: addresses are words in the order of the machine.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let word = |at: usize| {
        let digits = ip.get(at..at + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    let ip: IpAddr = match ip.len() {
        8 => Ipv4Addr::from(word(0)?).into(),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            let bytes = <[u8; 16]>::try_from(words.concat()).ok()?;
            Ipv6Addr::from(bytes).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn a_line_of_the_table_is_a_socket() {
        let line = "   0: 0100007F:1CE8 0100007F:D204 01 00000000:00000000 00:00000000 00000000     0        0 12345 1 0 20 4 30 10 -1";
        let socket = parse(line).unwrap();
        assert_eq!(socket.local, "127.0.0.1:7400".parse().unwrap());
        assert_eq!(socket.remote, "127.0.0.1:53764".parse().unwrap());
        assert_eq!((socket.state, socket.inode), (State::Other, 12345));
        let mapped = "0000000000000000FFFF00000100007F:1CE8";
        assert_eq!(address(mapped), Some(socket.local));
        assert_eq!(parse("  sl  local_address rem_address   st"), None);
    }
}
