//! Hosts, paths, methods and headers (RFC 9110, RFC 3986).

/// Whether this is a DNS name or an IPv4 address: labels of at most 63 letters, digits, `-` and
/// `_`, in all at most 253 characters.
pub(crate) fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    text.len() <= 253 && text.split('.').all(label)
}

/// Reads a DNS name.
pub(crate) fn domain(text: &str) -> Result<(), String> {
    if is_host(text) {
        Ok(())
    } else {
        Err(format!(
            "`{text}` is no DNS name: write it as in \"_http._tcp.example.org\""
        ))
    }
}

/// Reads the name of a service of gRPC.
pub(crate) fn grpc_service(text: &str) -> Result<(), String> {
    let odd = |byte: u8| !byte.is_ascii_alphanumeric() && !matches!(byte, b'.' | b'_' | b'-');
    if text.is_empty() || text.len() > 127 || text.bytes().any(odd) {
        Err(format!(
            "`{text}` is no name of a service: write it as in \"shop.Cart\", or `true` for the whole \
             server"
        ))
    } else {
        Ok(())
    }
}

/// Reads the `host` of a route.
pub(crate) fn host(text: &str) -> Result<(), String> {
    let name = text.strip_prefix("*.").unwrap_or(text);
    if text.contains(':') {
        Err(format!(
            "`{text}` has a port or a scheme: write the host alone"
        ))
    } else if text.bytes().any(|b| b.is_ascii_uppercase()) {
        Err(format!(
            "`{text}` has capitals: hosts are compared in lower case, write \"{}\"",
            text.to_ascii_lowercase()
        ))
    } else if name.contains('*') {
        Err(format!(
            "`{text}` has a `*` elsewhere than as its first label: write \"*.example.org\""
        ))
    } else if is_host(name) {
        Ok(())
    } else {
        Err(format!(
            "`{text}` is no host name: write it as in \"shop.example.org\""
        ))
    }
}

/// Reads a path that a client can send, with or without a query. Braces are for placeholders.
pub(crate) fn target(text: &str) -> Result<(), String> {
    if !text.starts_with('/') {
        return Err(format!("`{text}` does not begin with `/`"));
    }
    if let Some(odd) = text.chars().find(|c| {
        !c.is_ascii_graphic() || matches!(c, '#' | '"' | '<' | '>' | '\\' | '^' | '`' | '|')
    }) {
        return Err(format!(
            "`{text}` has {odd:?}, which no path may have: write it as %XX"
        ));
    }
    if text.len() > PATH_LENGTH_MAX {
        return Err(format!("the path has more than {PATH_LENGTH_MAX} bytes"));
    }
    Ok(())
}

/// A path in the file is so long at most.
const PATH_LENGTH_MAX: usize = 2_048;

/// Reads the `path` of a route: a prefix as the gateway compares it, after normalisation.
pub(crate) fn prefix(text: &str) -> Result<(), String> {
    target(text)?;
    if text.contains('?') {
        return Err(format!(
            "`{text}` has a query: routes are chosen by the path alone"
        ));
    }
    if text.contains(['*', '{', '}']) {
        return Err(format!(
            "`{text}` has a pattern: a path is a prefix at segment borders, without patterns"
        ));
    }
    if text.contains("//") || text.split('/').any(|s| matches!(s, "." | "..")) {
        return Err(format!("`{text}` has an empty segment, `.` or `..`"));
    }
    if text.len() > 1 && text.ends_with('/') {
        return Err(format!(
            "`{text}` ends with `/`: write \"{}\", which matches what is below it too",
            text.trim_end_matches('/')
        ));
    }
    Ok(())
}

/// Whether this is a token (RFC 9110, section 5.6.2).
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// Reads a method: a token in capitals.
pub(crate) fn method(text: &str) -> Result<(), String> {
    if !is_token(text) || text.len() > 32 {
        Err(format!("`{text}` is no method: write it as in \"GET\""))
    } else if text.bytes().any(|b| b.is_ascii_lowercase()) {
        Err(format!(
            "`{text}` has small letters, and methods are case-sensitive: write \"{}\"",
            text.to_ascii_uppercase()
        ))
    } else if text == "CONNECT" {
        Err("`CONNECT` is not forwarded by a reverse proxy".to_owned())
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_hosts() {
        for good in [
            "a",
            "shop.example.org",
            "*.example.org",
            "xn--bcher-kva.example",
            "10.0.0.1",
        ] {
            assert_eq!(host(good), Ok(()), "{good}");
        }
        for bad in [
            "", "*", "*.", "a.*.b", "Shop.org", "a..b", "-a", "a-", "shop:80", "http://a", "ä.de",
        ] {
            assert!(host(bad).is_err(), "{bad}");
        }
        assert!(host(&"a".repeat(64)).is_err());
    }

    #[test]
    fn takes_prefixes() {
        for good in ["/", "/a", "/a/b.c", "/a%20b", "/..a"] {
            assert_eq!(prefix(good), Ok(()), "{good}");
        }
        for bad in [
            "", "a", "/a?b", "/a#b", "/a/../b", "/..", "/a/", "//", "/a b", "/*", "/{id}", "/ä",
        ] {
            assert!(prefix(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn takes_methods() {
        assert_eq!(method("GET"), Ok(()));
        assert_eq!(method("PROPFIND"), Ok(()));
        for bad in ["", "get", "G T", "CONNECT"] {
            assert!(method(bad).is_err(), "{bad}");
        }
    }
}
