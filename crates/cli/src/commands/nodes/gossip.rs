//! The port that gossip has on every node of a machine.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

use ninefold_config::loopback_address;

/// Ports that are tried until one is free on every node.
const TRIED_MAX: usize = 64;

/// Members that a node asks to be taken in.
const SEEDS_MAX: usize = 3;

/// A port that nobody has on any of the nodes, neither of TCP nor of UDP, and that is not one of
/// those that instances are given. It is free when this is asked, and may be taken later.
pub(super) fn free_port(nodes: u32, instances: (u16, u16)) -> io::Result<u16> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..TRIED_MAX {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = first.local_addr()?.port();
        if (instances.0..=instances.1).contains(&port) {
            continue;
        }
        // Of the first node TCP is held already.
        match UdpSocket::bind(first.local_addr()?).and_then(|_udp| others_free(nodes, port)) {
            Ok(()) => return Ok(port),
            Err(error) => last = error,
        }
    }
    Err(io::Error::new(
        last.kind(),
        format!("no port for gossip is free on all of {nodes} loopback addresses: {last}"),
    ))
}

fn others_free(nodes: u32, port: u16) -> io::Result<()> {
    for node in 1..nodes {
        let address = (loopback_address(node).map_err(io::Error::other)?, port);
        drop((TcpListener::bind(address)?, UdpSocket::bind(address)?));
    }
    Ok(())
}

/// The addresses of the first other members, for node `number`, counted from 1.
pub(super) fn seeds(nodes: u32, number: u32, port: u16) -> Vec<SocketAddr> {
    let others = (1..=nodes).filter(|other| *other != number);
    let addresses = others.filter_map(|other| address(other, port));
    addresses.take(SEEDS_MAX).collect()
}

/// Where the gossip of node `number` is.
pub(super) fn address(number: u32, port: u16) -> Option<SocketAddr> {
    let host = loopback_address(number.checked_sub(1)?).ok()?;
    Some(SocketAddr::from((host, port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_free_on_every_node() {
        let port = free_port(3, (1, 2)).unwrap();
        for number in 1..=3 {
            let address = address(number, port).unwrap();
            assert_eq!(
                address.ip(),
                Ipv4Addr::new(127, 0, 0, u8::try_from(number).unwrap())
            );
            assert!(TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok());
        }
        // Nothing but ports of instances.
        assert!(free_port(1, (1, u16::MAX)).is_err());
    }

    #[test]
    fn seeds_are_others() {
        let of = |nodes, number| -> Vec<String> {
            let seeds = seeds(nodes, number, 7);
            seeds.iter().map(ToString::to_string).collect()
        };
        assert!(of(1, 1).is_empty());
        assert_eq!(of(3, 2), ["127.0.0.1:7", "127.0.0.3:7"]);
        assert_eq!(of(9, 9), ["127.0.0.1:7", "127.0.0.2:7", "127.0.0.3:7"]);
    }
}
