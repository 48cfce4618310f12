//! `init`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use ninefold_trust::{begin, local, now};

use super::node::failed;
use super::token::{Target, give};
use crate::args::InitArgs;
use crate::exit::Exit;
use crate::print;

/// An address that nobody has (RFC 5737). Nothing is sent there: it is only asked which way would be taken.
const ELSEWHERE: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 9);

/// Begins a cluster, and says how the next host joins it.
pub(crate) fn run(args: &InitArgs) -> Exit {
    let target = match Target::of(&args.cluster) {
        Ok(target) => target,
        Err(exit) => return exit,
    };
    let address = args
        .address
        .unwrap_or_else(|| SocketAddr::new(own_address(), local::PORT));
    let cluster = target.cluster.clone();
    match begin(&target.secrets, cluster, args.node.clone(), address, now()) {
        Ok((authority, identity)) => {
            if args.address.is_none() && address.ip().is_loopback() {
                print::note(format!(
                    "note: this host has no way to others, so that its address is {address}, which no other host reaches; for several hosts remove {} and give --address",
                    target.secrets.path().display()
                ));
            }
            give(&target, &authority, &identity, args.token, true)
        }
        Err(error) => failed(error),
    }
}

/// The address that this host has towards others; loopback where it has none.
fn own_address() -> IpAddr {
    let towards = || {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.connect(ELSEWHERE)?;
        socket.local_addr()
    };
    let found = towards().map(|address| address.ip());
    found.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}
