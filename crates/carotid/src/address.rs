//! Where a server is, as people write it.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use carotid_netrpc::RPC_PATH;

/// Where a server is: `host:port`, `unix:/path`, or `http://host:port/path` for one behind Go's
/// `rpc.HandleHTTP`, whose default path may be left out.
///
/// ```
/// use carotid::Address;
///
/// let address: Address = "[::1]:7400".parse()?;
/// assert_eq!(address.to_string(), "[::1]:7400");
/// let behind_http: Address = "http://localhost:1234".parse()?;
/// assert_eq!(behind_http.to_string(), "http://localhost:1234/_goRPC_");
/// # Ok::<(), carotid::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// A TCP port, as Go's `rpc.Dial("tcp", ..)` has it.
    Tcp(HostPort),
    /// A TCP port that has to be asked for the RPC stream first, as Go's `rpc.DialHTTPPath` does.
    Http {
        /// The HTTP server.
        server: HostPort,
        /// What to ask it for, with its slash.
        path: String,
    },
    /// A Unix socket, as Go's `rpc.Dial("unix", ..)` has it.
    Unix(PathBuf),
}

/// A host, by name or number, and a TCP port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// IPv6 without brackets.
    host: String,
    port: u16,
}

/// Why a text is no [`Address`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not HOST:PORT, http://HOST:PORT or unix:/PATH: {fault}")]
pub struct AddressError {
    /// What was given.
    text: String,
    /// What is wrong with it.
    fault: Fault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("it has no host")]
    NoHost,
    #[error("it has no port, as in localhost:7400")]
    NoPort,
    #[error("its port is not a number from 1 to 65535")]
    BadPort,
    #[error("an IPv6 address with a port needs brackets, as in [::1]:7400")]
    Brackets,
    #[error("hosts and HTTP paths have no spaces and no control characters")]
    Character,
    #[error("a Unix socket needs a path")]
    NoPath,
    #[error("of the schemes only http:// is known here")]
    Scheme,
}

impl HostPort {
    /// A name, or a number without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Never 0.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']').ok_or(Fault::Brackets)?;
                (host, rest.strip_prefix(':').ok_or(Fault::NoPort)?)
            }
            None => text.rsplit_once(':').ok_or(Fault::NoPort)?,
        };
        if host.contains(':') && !text.starts_with('[') {
            return Err(Fault::Brackets);
        }
        if host.is_empty() {
            return Err(Fault::NoHost);
        }
        if host.contains(|c: char| c == '/' || c.is_whitespace() || c.is_control()) {
            return Err(Fault::Character);
        }
        // Nothing listens on port 0.
        match port.parse() {
            Ok(port) if 0 < port => Ok(Self {
                host: host.to_owned(),
                port,
            }),
            Ok(_) | Err(_) => Err(Fault::BadPort),
        }
    }
}

impl Address {
    fn parse(text: &str) -> Result<Self, Fault> {
        if let Some(path) = text.strip_prefix("unix:") {
            return match path {
                "" => Err(Fault::NoPath),
                path => Ok(Self::Unix(path.into())),
            };
        }
        let Some(rest) = text.strip_prefix("http://") else {
            return match text.contains("://") {
                true => Err(Fault::Scheme),
                false => HostPort::parse(text).map(Self::Tcp),
            };
        };
        let (server, path) = match rest.find('/') {
            Some(at) if at + 1 < rest.len() => rest.split_at(at),
            Some(at) => (&rest[..at], RPC_PATH),
            None => (rest, RPC_PATH),
        };
        // It is sent as it is, between spaces.
        if !path.chars().all(|c| c.is_ascii_graphic()) {
            return Err(Fault::Character);
        }
        Ok(Self::Http {
            server: HostPort::parse(server)?,
            path: path.to_owned(),
        })
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::parse(text).map_err(|fault| AddressError {
            text: text.to_owned(),
            fault,
        })
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(HostPort {
            host: address.ip().to_string(),
            port: address.port(),
        })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(server) => server.fmt(f),
            Self::Http { server, path } => write!(f, "http://{server}{path}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_written() {
        for text in [
            "localhost:7400",
            "127.0.0.1:1",
            "[::1]:65535",
            "[fe80::1%eth0]:7400",
            "unix:/run/carotid.sock",
            "unix:relative.sock",
            "http://localhost:1234/_goRPC_",
            "http://[::1]:1234/debug/rpc",
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
        }
        let default: Address = "http://localhost:1234/".parse().unwrap();
        assert_eq!(default.to_string(), "http://localhost:1234/_goRPC_");
    }

    #[test]
    fn a_socket_address_is_one() {
        for text in ["127.0.0.1:7400", "[::1]:7400"] {
            let socket: SocketAddr = text.parse().unwrap();
            assert_eq!(Address::from(socket), text.parse().unwrap());
        }
    }

    #[test]
    fn what_is_none_says_what_is_missing() {
        for (text, fault) in [
            ("", Fault::NoPort),
            ("nonsense", Fault::NoPort),
            ("[::1]", Fault::NoPort),
            (":7400", Fault::NoHost),
            ("[]:7400", Fault::NoHost),
            ("localhost:", Fault::BadPort),
            ("localhost:0", Fault::BadPort),
            ("localhost:65536", Fault::BadPort),
            ("::1:7400", Fault::Brackets),
            ("[::1:7400", Fault::Brackets),
            ("local host:7400", Fault::Character),
            ("localhost/x:7400", Fault::Character),
            ("http://localhost:1/a b", Fault::Character),
            ("http://localhost:1/a\r\nX", Fault::Character),
            ("http://localhost", Fault::NoPort),
            ("unix:", Fault::NoPath),
            ("tcp://localhost:7400", Fault::Scheme),
            ("https://localhost:7400", Fault::Scheme),
        ] {
            let error = text.parse::<Address>().unwrap_err();
            assert_eq!(error.fault, fault, "{text:?}");
            assert!(error.to_string().starts_with(&format!("{text:?} is not ")));
        }
    }
}
