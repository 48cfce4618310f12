//! Writing a header.

use std::net::{IpAddr, SocketAddr};

use ninefold_config::model::ProxyVersion;

use super::SIGNATURE;

/// A header that says that `client` connected to `server`; that nobody knows, if one of them is of
/// IPv4 and the other of IPv6, or has no address.
pub(crate) fn write(
    version: ProxyVersion,
    client: Option<SocketAddr>,
    server: Option<SocketAddr>,
) -> Vec<u8> {
    let both = client.zip(server);
    match version {
        ProxyVersion::V1 => {
            let line = both.map(|(client, server)| line(client, server));
            line.unwrap_or_else(|| UNKNOWN.to_owned()).into_bytes()
        }
        ProxyVersion::V2 => {
            both.map_or_else(|| header(0, &[]), |(client, server)| binary(client, server))
        }
    }
}

const UNKNOWN: &str = "PROXY UNKNOWN\r\n";

fn line(client: SocketAddr, server: SocketAddr) -> String {
    let family = match (client.ip(), server.ip()) {
        (IpAddr::V4(_), IpAddr::V4(_)) => "TCP4",
        (IpAddr::V6(_), IpAddr::V6(_)) => "TCP6",
        _ => return UNKNOWN.to_owned(),
    };
    format!(
        "PROXY {family} {} {} {} {}\r\n",
        client.ip(),
        server.ip(),
        client.port(),
        server.port()
    )
}

fn binary(client: SocketAddr, server: SocketAddr) -> Vec<u8> {
    let mut block = Vec::new();
    let family = match (client.ip(), server.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            block.extend(from.octets());
            block.extend(to.octets());
            0x11
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            block.extend(from.octets());
            block.extend(to.octets());
            0x21
        }
        _ => 0,
    };
    if family != 0 {
        block.extend(client.port().to_be_bytes());
        block.extend(server.port().to_be_bytes());
    }
    header(family, &block)
}

fn header(family: u8, block: &[u8]) -> Vec<u8> {
    let mut header = SIGNATURE.to_vec();
    let length = u16::try_from(block.len()).unwrap_or(0);
    header.extend([0x21, family]);
    header.extend(length.to_be_bytes());
    header.extend(block);
    header
}
