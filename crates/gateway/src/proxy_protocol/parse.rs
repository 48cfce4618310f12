//! Reading a header.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{BLOCK_MAX, LINE_MAX, SIGNATURE};

/// A header at the beginning of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// How many bytes it takes.
    pub size: usize,
    /// Whom the connection is for; none where the sender does not know, or speaks for itself.
    pub client: Option<SocketAddr>,
}

/// No header of the PROXY protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no header of the PROXY protocol: {0}")]
pub struct Malformed(&'static str);

/// Reads the header that `bytes` begin with; `None` if there may be one once more has come, and then
/// all of `bytes` belong to it.
///
/// # Errors
///
/// [`Malformed`] if no header begins like that.
pub fn parse(bytes: &[u8]) -> Result<Option<Header>, Malformed> {
    let begins = |with: &[u8]| {
        let shorter = bytes.len().min(with.len());
        bytes.get(..shorter) == with.get(..shorter)
    };
    if begins(&SIGNATURE) {
        binary(bytes)
    } else if begins(b"PROXY ") {
        line(bytes)
    } else {
        Err(Malformed("it begins with something else"))
    }
}

/// Version 2: signature, version and command, family and protocol, length, addresses.
fn binary(bytes: &[u8]) -> Result<Option<Header>, Malformed> {
    let Some(&[command, family, high, low]) = bytes.get(SIGNATURE.len()..SIGNATURE.len() + 4)
    else {
        return Ok(None);
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > BLOCK_MAX {
        return Err(Malformed("it is too long"));
    }
    let local = match command {
        0x20 => true,
        0x21 => false,
        _ => return Err(Malformed("neither LOCAL nor PROXY of version 2")),
    };
    let begin = SIGNATURE.len() + 4;
    let Some(block) = bytes.get(begin..begin + length) else {
        return Ok(None);
    };
    let client = match family {
        _ if local => None,
        0x11 => Some(four(block)?),
        0x21 => Some(six(block)?),
        // Unspecified, datagrams, and Unix sockets: nothing that is an address here.
        _ => None,
    };
    Ok(Some(Header {
        size: begin + length,
        client,
    }))
}

const SHORT: Malformed = Malformed("its addresses are cut short");

fn port(block: &[u8], at: usize) -> Result<u16, Malformed> {
    let bytes = block.get(at..at + 2).and_then(|two| two.try_into().ok());
    bytes.map(u16::from_be_bytes).ok_or(SHORT)
}

/// Two addresses of 4 bytes and two ports; the first of each is the client's.
fn four(block: &[u8]) -> Result<SocketAddr, Malformed> {
    let address: Option<[u8; 4]> = block.get(..4).and_then(|four| four.try_into().ok());
    let address = Ipv4Addr::from(address.ok_or(SHORT)?);
    Ok((address, port(block, 8)?).into())
}

/// Two addresses of 16 bytes and two ports.
fn six(block: &[u8]) -> Result<SocketAddr, Malformed> {
    let address: Option<[u8; 16]> = block.get(..16).and_then(|all| all.try_into().ok());
    let address = Ipv6Addr::from(address.ok_or(SHORT)?);
    Ok((address, port(block, 32)?).into())
}

/// Version 1: `PROXY TCP4 CLIENT SERVER PORT PORT`, or `PROXY UNKNOWN` with anything behind it.
fn line(bytes: &[u8]) -> Result<Option<Header>, Malformed> {
    let within = bytes.get(..LINE_MAX).unwrap_or(bytes);
    let Some(end) = memchr::memmem::find(within, b"\r\n") else {
        return if bytes.len() >= LINE_MAX {
            Err(Malformed("its line has no end"))
        } else {
            Ok(None)
        };
    };
    let text = std::str::from_utf8(within.get(..end).unwrap_or_default())
        .map_err(|_utf8| Malformed("its line is no text"))?;
    let mut words = text.split(' ').skip(1);
    let client = match words.next() {
        Some("UNKNOWN") => None,
        Some(family @ ("TCP4" | "TCP6")) => {
            let words: Vec<&str> = words.collect();
            let [client, server, from, to] = words[..] else {
                return Err(Malformed("its line has not two addresses and two ports"));
            };
            let address = |text: &str| -> Option<IpAddr> {
                let address: IpAddr = text.parse().ok()?;
                (address.is_ipv4() == (family == "TCP4")).then_some(address)
            };
            let number = |text: &str| -> Option<u16> {
                let plain = text == "0" || !text.starts_with(['0', '+']);
                text.parse().ok().filter(|_| plain)
            };
            let read = || {
                address(server)?;
                number(to)?;
                Some(SocketAddr::new(address(client)?, number(from)?))
            };
            Some(read().ok_or(Malformed("an address or a port is none"))?)
        }
        _ => return Err(Malformed("its family is none")),
    };
    Ok(Some(Header {
        size: end + 2,
        client,
    }))
}

#[cfg(test)]
mod tests {
    use ninefold_config::model::ProxyVersion;
    use proptest::prelude::*;

    use super::super::write;
    use super::*;

    fn client(bytes: &[u8]) -> Option<SocketAddr> {
        let header = parse(bytes).unwrap().unwrap();
        assert_eq!(header.size, bytes.len());
        header.client
    }

    #[test]
    fn reads_lines() {
        let four = client(b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n");
        assert_eq!(four, Some("192.0.2.1:56324".parse().unwrap()));
        let six = client(b"PROXY TCP6 2001:db8::1 ::1 1 65535\r\n");
        assert_eq!(six, Some("[2001:db8::1]:1".parse().unwrap()));
        assert_eq!(client(b"PROXY UNKNOWN\r\n"), None);
        assert_eq!(client(b"PROXY UNKNOWN anything at all\r\n"), None);
    }

    #[test]
    fn refuses_what_only_looks_like_one() {
        for bad in [
            b"GET / HTTP/1.1\r\n\r\n".as_slice(),
            b"PROXY TCP4 192.0.2.1 198.51.100.2 56324\r\n",
            b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443 5\r\n",
            b"PROXY TCP4 2001:db8::1 ::1 1 2\r\n",
            b"PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n",
            b"PROXY TCP4 192.0.2.1 198.51.100.2 65536 443\r\n",
            b"PROXY TCP4 192.0.2.1 198.51.100.2 +1 443\r\n",
            b"PROXY TCP4 192.0.2.1 198.51.100.2 01 443\r\n",
            b"PROXY  TCP4 192.0.2.1 198.51.100.2 1 2\r\n",
            b"PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n",
            b"PROXY \r\n",
            &[b'P'; LINE_MAX],
            b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c0123456789ab",
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x040123",
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff",
        ] {
            assert!(parse(bad).is_err(), "{:?}", String::from_utf8_lossy(bad));
        }
        let endless = [b"PROXY UNKNOWN ".as_slice(), &[b'x'; LINE_MAX]].concat();
        assert!(parse(&endless).is_err());
    }

    #[test]
    fn a_health_check_of_the_balancer_has_no_client() {
        assert_eq!(client(b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"), None);
        assert_eq!(client(b"\r\n\r\n\0\r\nQUIT\n\x21\0\0\x03TLV"), None);
    }

    fn address() -> impl Strategy<Value = SocketAddr> {
        prop_oneof![
            any::<([u8; 4], u16)>().prop_map(|(ip, port)| SocketAddr::from((ip, port))),
            any::<([u8; 16], u16)>().prop_map(|(ip, port)| SocketAddr::from((ip, port))),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_whatever_follows(
            from in address(), to in address(), rest in any::<Vec<u8>>(), second in any::<bool>(),
        ) {
            let version = if second { ProxyVersion::V2 } else { ProxyVersion::V1 };
            let header = write(version, Some(from), Some(to));
            let all = [header.as_slice(), &rest].concat();
            let read = parse(&all).unwrap().unwrap();
            prop_assert_eq!(read.size, header.len());
            let known = (from.is_ipv4() == to.is_ipv4()).then_some(from);
            prop_assert_eq!(read.client, known);
            for cut in 0..header.len() {
                prop_assert_eq!(parse(&all[..cut]), Ok(None));
            }
        }

        #[test]
        fn never_panics_and_takes_no_more_than_there_is(bytes in any::<Vec<u8>>(), v2 in any::<bool>()) {
            let bytes = if v2 { [SIGNATURE.as_slice(), &bytes].concat() } else { bytes };
            if let Ok(Some(header)) = parse(&bytes) {
                prop_assert!(header.size <= bytes.len());
            }
        }
    }
}
