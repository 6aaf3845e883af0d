//! A network of our own: a namespace, and a pair of virtual interfaces between it and us.

use std::ffi::OsStr;
use std::io;
use std::net::Ipv4Addr;
use std::process::{Output, Stdio};

use tokio::process::Command;

use super::scratch::owned;

/// Removed when dropped.
#[derive(Debug)]
pub(super) struct Network {
    namespace: String,
    /// Our end.
    link: String,
    /// The end within.
    remote_link: String,
    subnet: Subnet,
}

impl Network {
    /// Makes one, or says why it cannot.
    pub(super) async fn create() -> Result<Self, String> {
        if !rustix::process::geteuid().is_root() {
            return Err(NEEDS.to_owned());
        }
        let id: u32 = rand::random();
        let network = Self {
            namespace: format!("carotid-{}-{id:08x}", std::process::id()),
            // At most 15 characters.
            link: format!("crt{id:08x}a"),
            remote_link: format!("crt{id:08x}b"),
            subnet: Subnet::unused(&routes().await?)?,
        };
        network.set_up().await?;
        Ok(network)
    }

    /// Our address in it.
    pub(super) const fn host(&self) -> Ipv4Addr {
        self.subnet.host(1)
    }

    /// A command that runs a program within it.
    pub(super) fn within(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = owned("ip");
        command
            .args(["netns", "exec", &self.namespace])
            .arg(program);
        command
    }

    /// Cuts it in silence: nothing that happens within gets out any more.
    pub(super) async fn cut(&self) -> io::Result<()> {
        let arguments = [
            "-n",
            &self.namespace,
            "link",
            "set",
            &self.remote_link,
            "down",
        ];
        ip(&arguments).await.map_err(io::Error::other)
    }

    async fn set_up(&self) -> Result<(), String> {
        let Self {
            namespace,
            link,
            remote_link,
            subnet,
        } = self;
        let (host, remote) = (subnet.address(1), subnet.address(2));
        ip(&["netns", "add", namespace]).await?;
        let pair = [
            "type",
            "veth",
            "peer",
            "name",
            remote_link,
            "netns",
            namespace,
        ];
        ip(&[&["link", "add", link][..], &pair].concat()).await?;
        ip(&["address", "add", &host, "dev", link]).await?;
        ip(&["link", "set", link, "up"]).await?;
        ip(&[
            "-n",
            namespace,
            "address",
            "add",
            &remote,
            "dev",
            remote_link,
        ])
        .await?;
        ip(&["-n", namespace, "link", "set", remote_link, "up"]).await
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // What was not made cannot be removed, and says so to nobody. The link goes first: a process
        // that is still dying keeps the namespace for a moment.
        for arguments in [
            ["link", "del", &self.link],
            ["netns", "del", &self.namespace],
        ] {
            let mut ip = std::process::Command::new("ip");
            let _gone = ip.args(arguments).stdin(Stdio::null()).output();
        }
    }
}

const NEEDS: &str = "needs root and the ip command";

/// Four addresses, of which the second and the third are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Subnet(u32);

impl Subnet {
    const LENGTH: u32 = 30;

    /// Private and link-local ranges: their first address and their length.
    const RANGES: [(Ipv4Addr, u32); 3] = [
        (Ipv4Addr::new(10, 0, 0, 0), 8),
        (Ipv4Addr::new(192, 168, 0, 0), 16),
        (Ipv4Addr::new(169, 254, 0, 0), 16),
    ];

    /// One that no route leads to.
    fn unused(routes: &[(Ipv4Addr, u32)]) -> Result<Self, String> {
        let tries = Self::RANGES.iter().flat_map(|range| [range; 16]);
        let mut candidates =
            tries.map(|(first, length)| Self::within(*first, *length, rand::random()));
        let free = candidates.find(|candidate| !routes.iter().any(|route| candidate.meets(*route)));
        free.ok_or_else(|| "all private networks are in use here".to_owned())
    }

    fn within(first: Ipv4Addr, length: u32, chance: u32) -> Self {
        Self(first.to_bits() | (chance & mask(Self::LENGTH) & !mask(length)))
    }

    fn meets(self, (destination, length): (Ipv4Addr, u32)) -> bool {
        let mask = mask(length.min(Self::LENGTH));
        self.0 & mask == destination.to_bits() & mask
    }

    const fn host(self, number: u32) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.0 + number)
    }

    fn address(self, number: u32) -> String {
        format!("{}/{}", self.host(number), Self::LENGTH)
    }
}

const fn mask(length: u32) -> u32 {
    match length {
        0 => 0,
        length => u32::MAX << (32 - length),
    }
}

/// Where this host's routes lead, the default route left out.
async fn routes() -> Result<Vec<(Ipv4Addr, u32)>, String> {
    let text = ip_output(&["-4", "-o", "route", "show", "table", "all"]).await?;
    Ok(text.lines().filter_map(destination).collect())
}

/// `10.0.0.0/8 via …`, `local 127.0.0.1 dev …`, `default via …`.
fn destination(route: &str) -> Option<(Ipv4Addr, u32)> {
    route.split_whitespace().take(2).find_map(|word| {
        let (address, length) = word.split_once('/').unwrap_or((word, "32"));
        Some((
            address.parse().ok()?,
            length.parse().ok().filter(|length| *length <= 32)?,
        ))
    })
}

async fn ip(arguments: &[&str]) -> Result<(), String> {
    ip_output(arguments).await.map(drop)
}

async fn ip_output(arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new("ip");
    command
        .args(arguments)
        .stdin(Stdio::null())
        .process_group(0);
    let output = command.output().await;
    let Output {
        status,
        stdout,
        stderr,
    } = output.map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            NEEDS.to_owned()
        } else {
            format!("cannot run ip: {error}")
        }
    })?;
    if status.success() {
        return Ok(String::from_utf8_lossy(&stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&stderr);
    Err(format!(
        "ip {} failed: {}",
        arguments.join(" "),
        said.trim()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ten(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 0, 0, last)
    }

    #[test]
    fn a_subnet_lies_within_its_range_and_has_two_hosts() {
        for chance in [0, 1, 0x1234_5678, u32::MAX] {
            for (first, length) in Subnet::RANGES {
                let subnet = Subnet::within(first, length, chance);
                assert!(subnet.meets((first, length)), "{subnet:?}");
                assert_eq!(subnet.0 % 4, 0);
            }
        }
        let subnet = Subnet(ten(4).to_bits());
        assert_eq!(subnet.host(1), ten(5));
        assert_eq!(subnet.address(2), "10.0.0.6/30");
    }

    #[test]
    fn a_subnet_that_a_route_touches_is_in_use() {
        let subnet = Subnet(ten(4).to_bits());
        for route in [
            "10.0.0.0/8 via 10.1.1.1",
            "local 10.0.0.6 dev a",
            "10.0.0.4/30 dev b",
        ] {
            assert!(subnet.meets(destination(route).unwrap()), "{route}");
        }
        for route in ["10.0.0.8/30 dev a", "local 127.0.0.1 dev lo"] {
            assert!(!subnet.meets(destination(route).unwrap()), "{route}");
        }
        assert_eq!(destination("default via 10.1.1.1 dev a"), None);
        let everything = [(Ipv4Addr::UNSPECIFIED, 0)];
        assert!(Subnet::unused(&everything).is_err());
    }
}
