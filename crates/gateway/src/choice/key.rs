//! What requests to the same endpoint have in common.

use std::net::IpAddr;

use http::header::COOKIE;
use http::request::Parts;
use ninefold_config::model::{Balance, HashKey};
use ninefold_core::balance::hash_of;

use crate::http1::Added;

/// The key of a request, where its service places requests by one and the request has it. A plain
/// TCP connection has no head.
pub(crate) fn hash_key(
    balance: &Balance,
    client: IpAddr,
    head: Option<(&Parts, &Added)>,
) -> Option<u64> {
    let Balance::Hash(hash) = balance else {
        return None;
    };
    match &hash.key {
        HashKey::Client => Some(match client.to_canonical() {
            IpAddr::V4(four) => hash_of(&four.octets()),
            IpAddr::V6(six) => hash_of(&six.octets()),
        }),
        HashKey::Path => Some(hash_of(head?.0.uri.path().as_bytes())),
        HashKey::Header(name) => {
            let (head, added) = head?;
            let said = head.headers.get(&**name).or_else(|| added.get(name))?;
            Some(hash_of(said.as_bytes()))
        }
        HashKey::Cookie(name) => cookie(head?.0, name).map(hash_of),
    }
}

/// The value of a cookie. HTTP/2 may divide them over several headers.
fn cookie<'a>(head: &'a Parts, name: &str) -> Option<&'a [u8]> {
    let headers = head.headers.get_all(COOKIE).iter();
    let mut pairs = headers.flat_map(|header| header.as_bytes().split(|byte| *byte == b';'));
    pairs.find_map(|pair| {
        let rest = pair.trim_ascii().strip_prefix(name.as_bytes())?;
        rest.strip_prefix(b"=")
    })
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use http::Request;
    use ninefold_config::model::{HashBalance, Ratio};

    use super::*;

    const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7));

    fn by(key: HashKey) -> Balance {
        Balance::Hash(HashBalance {
            maglev: false,
            key,
            overload: Ratio::percent(25),
        })
    }

    fn head(cookies: &[&str]) -> Parts {
        let mut request = Request::get("http://a/shop/1?page=2").header("x-tenant", "blue");
        for cookie in cookies {
            request = request.header(COOKIE, *cookie);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn each_kind_of_key_is_found() {
        let head = head(&["theme=dark; session=abc", "last=x"]);
        let key = |key| hash_key(&by(key), CLIENT, Some((&head, &Added::none())));
        assert_eq!(key(HashKey::Client), Some(hash_of(&[10, 0, 0, 7])));
        assert_eq!(key(HashKey::Path), Some(hash_of(b"/shop/1")));
        assert_eq!(
            key(HashKey::Header("x-tenant".into())),
            Some(hash_of(b"blue"))
        );
        assert_eq!(key(HashKey::Header("x-other".into())), None);
        assert_eq!(
            key(HashKey::Cookie("session".into())),
            Some(hash_of(b"abc"))
        );
        assert_eq!(key(HashKey::Cookie("last".into())), Some(hash_of(b"x")));
        assert_eq!(key(HashKey::Cookie("sess".into())), None);
    }

    #[test]
    fn a_client_is_the_same_by_either_family_and_without_a_head() {
        let mapped = IpAddr::V6(Ipv4Addr::new(10, 0, 0, 7).to_ipv6_mapped());
        let client = by(HashKey::Client);
        assert_eq!(
            hash_key(&client, mapped, None),
            hash_key(&client, CLIENT, None)
        );
        let other = IpAddr::V6(Ipv6Addr::LOCALHOST);
        assert_ne!(
            hash_key(&client, other, None),
            hash_key(&client, CLIENT, None)
        );
        assert_eq!(hash_key(&by(HashKey::Path), CLIENT, None), None);
        assert_eq!(hash_key(&Balance::P2c, CLIENT, None), None);
    }
}
