//! Addresses and ranges of ports.

use std::net::SocketAddr;

use ninefold_core::address::{Address, InvalidAddress};

/// Reads `node.admin`: an address, or `off`.
///
/// # Errors
///
/// If it is neither.
pub(crate) fn admin(text: &str) -> Result<Option<SocketAddr>, String> {
    if text == "off" {
        return Ok(None);
    }
    socket_address(text).map(Some)
}

/// Reads `IP:PORT`.
///
/// # Errors
///
/// If it is none; the message says what is missing.
pub(crate) fn socket_address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    Err(if text.parse::<std::net::IpAddr>().is_ok() {
        format!("`{text}` has no port: write IP:PORT, as in \"0.0.0.0:8080\"")
    } else if text
        .strip_prefix(':')
        .is_some_and(|p| p.parse::<u16>().is_ok())
    {
        format!(
            "`{text}` has no IP: write \"0.0.0.0{text}\" for every interface, or \"127.0.0.1{text}\""
        )
    } else {
        format!(
            "`{text}` is no address: write IP:PORT, as in \"0.0.0.0:8080\", with a port up to 65535"
        )
    })
}

/// Reads `IP:PORT` or `unix:/path`.
///
/// # Errors
///
/// If it is neither; the message says what is missing.
pub(crate) fn listen(text: &str) -> Result<Address, String> {
    if Address::means_unix(text) {
        return text
            .parse()
            .map_err(|invalid: InvalidAddress| invalid.to_string());
    }
    socket_address(text).map(Address::Tcp)
}

/// Reads `HOST:PORT` or `unix:/path`.
///
/// # Errors
///
/// If it is neither.
pub(crate) fn endpoint(text: &str) -> Result<(), String> {
    if Address::means_unix(text) {
        return listen(text).map(drop);
    }
    host_port(text)
}

/// Reads `HOST:PORT` with a port from 1 on; the host is an IP or a DNS name.
///
/// # Errors
///
/// If it is none.
pub(crate) fn host_port(text: &str) -> Result<(), String> {
    let refused = |why: &str| {
        Err(format!(
            "`{text}` {why}: write HOST:PORT, as in \"10.0.1.5:8080\""
        ))
    };
    if text.contains("://") {
        return refused("is a URL");
    }
    if let Ok(address) = text.parse::<SocketAddr>() {
        return if address.port() == 0 {
            refused("has port 0, which no client can reach")
        } else if address.ip().is_unspecified() {
            refused("means every interface, which no client can reach")
        } else {
            Ok(())
        };
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        return refused("has no port");
    };
    match port.parse::<u16>() {
        Ok(0) | Err(_) => refused("has no port from 1 to 65535"),
        Ok(_) if super::http::is_host(host) => Ok(()),
        Ok(_) => refused("has no valid host"),
    }
}

/// Reads a range of ports, `FIRST-LAST`, both ends included.
///
/// # Errors
///
/// If it is none.
pub(crate) fn ports(text: &str) -> Result<(u16, u16), String> {
    let refused =
        || format!("`{text}` is no range of ports: write FIRST-LAST, as in \"21000-21999\"");
    let (first, last) = text.split_once('-').ok_or_else(refused)?;
    match (first.parse::<u16>(), last.parse::<u16>()) {
        (Ok(first), Ok(last)) if first > 0 && first <= last => Ok((first, last)),
        (Ok(first), Ok(last)) if first > last => Err(format!(
            "`{text}` ends before it begins: write \"{last}-{first}\""
        )),
        _ => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_cannot_be_reached() {
        for good in ["10.0.1.5:8080", "db:5432", "db.example.org:1", "[::1]:80"] {
            assert_eq!(host_port(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "db",
            "db:0",
            "db:x",
            "db:70000",
            ":80",
            "0.0.0.0:80",
            "http://db:80",
            "a b:80",
            "1.2.3.4:0",
            "::1:80",
        ] {
            assert!(host_port(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_unix_socket_may_be_listened_on_and_be_an_endpoint() {
        for good in ["unix:/run/a.sock", "10.0.1.5:8080"] {
            assert_eq!(endpoint(good), Ok(()), "{good}");
            assert_eq!(
                listen(good).map(|address| address.to_string()).unwrap(),
                good
            );
        }
        for bad in ["unix:", "unix:a.sock", "unix:8080", "unix:/a/"] {
            assert!(endpoint(bad).is_err() && listen(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn reads_ranges_of_ports() {
        assert_eq!(ports("1-65535"), Ok((1, 65_535)));
        assert_eq!(ports("7-7"), Ok((7, 7)));
        for bad in ["", "7", "9-7", "0-7", "-", "1-70000", "a-b", "1-2-3"] {
            assert!(ports(bad).is_err(), "{bad}");
        }
    }
}
