//! One file for several nodes on one machine.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ninefold_core::address::Address;

use crate::model::{AdminAddress, File};

/// Nodes that one machine has at most.
pub const NODES_MAX: u32 = 200;

/// Why a file cannot be run by several nodes on one machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoopbackError {
    /// There is no address for the node.
    #[error("node {0} has no address: one machine has {NODES_MAX} nodes at most")]
    NoAddress(u32),
    /// A listener that all of them would open.
    #[error(
        "listener {0}: of several nodes on one machine only one can listen there; write a loopback address of IPv4, as \"127.0.0.1:8080\", and each node has it on a loopback address of its own"
    )]
    NotLoopback(Address),
    /// Two of them differ in nothing but their loopback address.
    #[error(
        "{one} and {other} would be the same on a node that has one loopback address; write another port"
    )]
    Clash {
        /// The first.
        one: SocketAddr,
        /// The one behind it.
        other: SocketAddr,
    },
}

/// The loopback address of a node, counted from 0: 127.0.0.1 for the first.
///
/// # Errors
///
/// [`LoopbackError::NoAddress`] for a node beyond [`NODES_MAX`].
pub fn loopback_address(node: u32) -> Result<Ipv4Addr, LoopbackError> {
    match u8::try_from(node) {
        Ok(last) if node < NODES_MAX => Ok(Ipv4Addr::new(127, 0, 0, last + 1)),
        _ => Err(LoopbackError::NoAddress(node)),
    }
}

/// The file as node `node`, counted from 0, has it when several nodes share a machine: what it
/// listens on, `node.admin` too, is at its own loopback address on the same port, and `node.zone`
/// is the one that it takes its turn in. What it calls stays as it is.
///
/// # Errors
///
/// All that is in the way, see [`LoopbackError`].
pub fn at_loopback(file: &File, node: u32) -> Result<File, Vec<LoopbackError>> {
    let own = loopback_address(node).map_err(|error| vec![error])?;
    let moved = |address: SocketAddr| SocketAddr::new(IpAddr::V4(own), address.port());
    let mut file = file.clone();
    let mut errors = Vec::new();
    let mut taken: Vec<SocketAddr> = Vec::new();
    let mut clash = |address: SocketAddr| {
        let same = |other: &&SocketAddr| other.port() == address.port() && address.port() != 0;
        let found = taken.iter().find(same).copied();
        taken.push(address);
        found.map(|one| LoopbackError::Clash {
            one,
            other: address,
        })
    };
    for listener in &mut file.listeners {
        match listener.address.tcp() {
            Some(address) if address.is_ipv4() && address.ip().is_loopback() => {
                errors.extend(clash(address));
                listener.address = moved(address).into();
            }
            _ => errors.push(LoopbackError::NotLoopback(listener.address.clone())),
        }
    }
    if let Some(AdminAddress { address, declared }) = &mut file.node.admin {
        if *declared {
            errors.extend(clash(*address));
        }
        *address = moved(*address);
    }
    let zones = &file.cluster.zones;
    let turn = usize::try_from(node).ok();
    let zone = turn.and_then(|turn| zones.get(turn.checked_rem(zones.len())?));
    file.node.zone = zone.cloned();
    file.node.source = Some(own);
    if errors.is_empty() {
        Ok(file)
    } else {
        Err(errors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    fn file(text: &str) -> File {
        let outcome = parse(text, "ninefold.toml".as_ref());
        outcome
            .file
            .clone()
            .unwrap_or_else(|| panic!("{}", crate::render(&outcome)))
    }

    /// A file whose listeners are at `addresses`.
    fn listening(addresses: &[&str], more: &str) -> File {
        let mut text = format!(
            "[cluster]\nzones = [\"a\", \"b\"]\n{more}\n\
             [service.web]\nendpoints = [\"127.0.0.1:9\"]\n"
        );
        for (index, address) in addresses.iter().enumerate() {
            text.push_str(&format!(
                "[[listener]]\naddress = \"{address}\"\n\
                 [[listener.route]]\nname = \"r{index}\"\nservice = \"web\"\n"
            ));
        }
        file(&text)
    }

    fn addresses(file: &File) -> Vec<String> {
        file.listeners
            .iter()
            .map(|one| one.address.to_string())
            .collect()
    }

    #[test]
    fn a_node_has_the_same_ports_at_an_address_of_its_own() {
        let file = listening(&["127.0.0.1:8080", "127.0.0.9:0", "127.0.0.1:0"], "");
        let first = at_loopback(&file, 0).unwrap();
        assert_eq!(
            addresses(&first),
            ["127.0.0.1:8080", "127.0.0.1:0", "127.0.0.1:0"]
        );
        let fourth = at_loopback(&file, 3).unwrap();
        assert_eq!(
            addresses(&fourth),
            ["127.0.0.4:8080", "127.0.0.4:0", "127.0.0.4:0"]
        );
        let admin = fourth.node.admin.unwrap();
        assert_eq!(admin.address.to_string(), "127.0.0.4:9900");
        assert!(!admin.declared);
        assert_eq!(fourth.node.zone, Some("b".parse().unwrap()));
        assert_eq!(fourth.services, file.services);
    }

    #[test]
    fn the_first_node_of_a_file_on_loopback_is_the_file_but_for_its_zone() {
        let mut file = listening(&["127.0.0.1:8080"], "[node]\nzone = \"a\"");
        file.node.source = Some(Ipv4Addr::LOCALHOST);
        assert_eq!(at_loopback(&file, 0).unwrap(), file);
    }

    #[test]
    fn without_zones_or_an_admin_api_a_node_has_none() {
        let file = file("[node]\nadmin = \"off\"\n[service.web]\nrun = [\"x\", \"{port}\"]\n");
        let second = at_loopback(&file, 1).unwrap();
        assert_eq!((second.node.zone, second.node.admin), (None, None));
    }

    #[test]
    fn what_all_nodes_would_open_is_refused_each_by_name() {
        let file = listening(
            &[
                "0.0.0.0:80",
                "[::1]:81",
                "unix:/run/x.sock",
                "10.0.0.1:82",
                "127.0.0.1:83",
            ],
            "",
        );
        let errors = at_loopback(&file, 0).unwrap_err();
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(texts.len(), 4, "{texts:?}");
        for (text, address) in texts.iter().zip(addresses(&file)) {
            assert!(
                text.contains(&address) && text.contains("127.0.0.1:8080"),
                "{text}"
            );
        }
    }

    #[test]
    fn what_would_be_the_same_on_one_address_is_refused() {
        let clash = |listeners: &[&str], more| at_loopback(&listening(listeners, more), 0);
        let errors = clash(&["127.0.0.1:80", "127.0.0.2:80"], "").unwrap_err();
        assert!(
            errors[0]
                .to_string()
                .starts_with("127.0.0.1:80 and 127.0.0.2:80")
        );
        let admin = "[node]\nadmin = \"127.0.0.2:80\"";
        assert!(clash(&["127.0.0.1:80"], admin).is_err());
        // One that is not declared goes elsewhere by itself.
        assert!(clash(&["127.0.0.2:9900"], "").is_ok());
    }

    #[test]
    fn a_machine_has_only_so_many_nodes() {
        let file = listening(&["127.0.0.1:8080"], "");
        assert!(at_loopback(&file, NODES_MAX - 1).is_ok());
        for beyond in [NODES_MAX, 256, u32::MAX] {
            assert_eq!(
                at_loopback(&file, beyond).unwrap_err(),
                [LoopbackError::NoAddress(beyond)]
            );
        }
    }
}
