//! The name of a route without one.

use crate::model::Name;

/// A name made from host and path: what a name may not have becomes `-`. `/` is `root`,
/// `/a/b` is `a-b`, `/a` on `shop.example.org` is `shop-example-org-a`.
///
/// `None` if nothing is left of it, or more than a name may have.
pub(crate) fn route_name(host: Option<&str>, path: &str) -> Option<Name> {
    let mut name = String::new();
    for part in [host.unwrap_or_default(), path] {
        for c in part.chars() {
            let c = c.to_ascii_lowercase();
            if c.is_ascii_alphanumeric() || c == '_' {
                name.push(c);
            } else if !name.ends_with('-') {
                name.push('-');
            }
        }
        if !name.ends_with('-') {
            name.push('-');
        }
    }
    let name = name.trim_matches(['-', '_']);
    if path == "/" && host.is_none() {
        return "root".parse().ok();
    }
    name.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_made_from_host_and_path() {
        let name = |host, path| route_name(host, path).map(|n| n.to_string());
        assert_eq!(name(None, "/").as_deref(), Some("root"));
        assert_eq!(name(None, "/checkout").as_deref(), Some("checkout"));
        assert_eq!(name(None, "/api/v1.2").as_deref(), Some("api-v1-2"));
        assert_eq!(name(Some("a.org"), "/").as_deref(), Some("a-org"));
        assert_eq!(name(Some("*.a.org"), "/Buy").as_deref(), Some("a-org-buy"));
        assert_eq!(name(None, "/~"), None);
        assert_eq!(name(None, &format!("/{}", "a".repeat(64))), None);
    }
}
