//! Heads of HTTP/2, which another parser has read already.

use http::Method;
use http::request::Parts;

use super::Refusal;
use super::head::is_target;

/// What HTTP/1 would refuse is not to get in by HTTP/2: endpoints read it as HTTP/1 (RFC 9113,
/// sections 8.2.1 and 8.3.1). Names, other characters and lengths were checked as the head was read.
pub(crate) fn check_parts(parts: &Parts) -> Result<(), Refusal> {
    if parts.method == Method::CONNECT {
        return Err(Refusal::Connect);
    }
    let target = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let form = target.starts_with('/') || (target == "*" && parts.method == Method::OPTIONS);
    if !form || !is_target(target.as_bytes()) {
        return Err(Refusal::Target);
    }
    let space = |b: Option<&u8>| matches!(b, Some(b' ' | b'\t'));
    let padded = |value: &[u8]| space(value.first()) || space(value.last());
    if parts.headers.values().any(|value| padded(value.as_bytes())) {
        return Err(Refusal::FieldValue);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn check(method: &str, target: &str, value: &str) -> Result<(), Refusal> {
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header("x", value)
            .body(())
            .unwrap();
        check_parts(&request.into_parts().0)
    }

    #[test]
    fn refuses_what_http_1_would() {
        for (method, target) in [
            ("GET", "http://a/b?c"),
            ("OPTIONS", "*"),
            ("GET", "http://a"),
        ] {
            assert_eq!(check(method, target, "y z"), Ok(()), "{method} {target}");
        }
        for (method, target, value, refusal) in [
            ("CONNECT", "a:80", "y", Refusal::Connect),
            ("GET", "*", "y", Refusal::Target),
            ("GET", "/\u{e9}", "y", Refusal::Target),
            ("GET", "/", " y", Refusal::FieldValue),
            ("GET", "/", "y\t", Refusal::FieldValue),
        ] {
            assert_eq!(
                check(method, target, value),
                Err(refusal),
                "{method} {target}"
            );
        }
    }
}
