//! Which route a request takes.

use std::cmp::Reverse;

use http::Method;
use ninefold_config::model::Route;

/// The routes of one listener, the most specific first.
#[derive(Debug, Default)]
pub(crate) struct RouteTable {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    host: Host,
    path: String,
    methods: Vec<Method>,
    route: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Host {
    Exact(String),
    /// Of `*.example.org` the part `.example.org`.
    Below(String),
    Any,
}

impl RouteTable {
    /// Adds a route; `index` is returned for requests that it matches.
    pub(crate) fn add(&mut self, route: &Route, index: usize) {
        let host = match route.host.as_deref().map(str::to_ascii_lowercase) {
            None => Host::Any,
            Some(host) => match host.strip_prefix('*') {
                Some(suffix) => Host::Below(suffix.to_owned()),
                None => Host::Exact(host),
            },
        };
        let methods = route
            .methods
            .iter()
            .filter_map(|method| Method::from_bytes(method.as_bytes()).ok())
            .collect();
        let path = route.path.trim_end_matches('/').to_owned();
        self.entries.push(Entry {
            host,
            path,
            methods,
            route: index,
        });
        self.entries.sort_by_key(|entry| {
            let host = match &entry.host {
                Host::Exact(_) => (0, 0),
                Host::Below(suffix) => (1, usize::MAX - suffix.len()),
                Host::Any => (2, 0),
            };
            (
                host,
                Reverse(entry.path.len()),
                entry.methods.is_empty(),
                entry.route,
            )
        });
    }

    /// The route for a request. `host` is the authority, with or without a port.
    pub(crate) fn find(&self, host: &str, path: &str, method: &Method) -> Option<usize> {
        let host = without_port(host);
        self.entries
            .iter()
            .find(|entry| entry.matches(host, path, method))
            .map(|entry| entry.route)
    }
}

impl Entry {
    fn matches(&self, host: &str, path: &str, method: &Method) -> bool {
        self.host.matches(host)
            && path_matches(&self.path, path)
            && (self.methods.is_empty() || self.methods.contains(method))
    }
}

impl Host {
    fn matches(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(name) => name.eq_ignore_ascii_case(host),
            Self::Below(suffix) => {
                let start = host.len().checked_sub(suffix.len());
                start
                    .filter(|start| *start > 0)
                    .and_then(|start| host.get(start..))
                    .is_some_and(|end| end.eq_ignore_ascii_case(suffix))
            }
        }
    }
}

/// A prefix at segment borders; the asterisk of `OPTIONS *` belongs to the root.
fn path_matches(prefix: &str, path: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || path == "*")
}

fn without_port(host: &str) -> &str {
    let end = match host.rfind(':') {
        Some(colon) if host.get(colon..).is_some_and(|port| !port.contains(']')) => colon,
        _ => host.len(),
    };
    host.get(..end).unwrap_or(host).trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use ninefold_config::model::Span;

    use super::*;

    fn route(host: Option<&str>, path: &str, methods: &[&str]) -> Route {
        Route {
            name: "r".parse().unwrap(),
            host: host.map(str::to_owned),
            path: path.to_owned(),
            methods: methods.iter().map(|m| (*m).to_owned()).collect(),
            service: "s".parse().unwrap(),
            timeout: Span::secs(1),
            try_timeout: Span::secs(1),
            retry: None,
            send_proxy_protocol: None,
            rate_limit: None,
            bulkhead: None,
            hedge: None,
            fallback: None,
            cache: None,
            split: None,
            mirror: None,
            answers: None,
            brownout: None,
            criticality: ninefold_config::model::Criticality::Critical,
        }
    }

    #[test]
    fn the_most_specific_route_wins() {
        let mut table = RouteTable::default();
        let routes = [
            route(None, "/", &[]),
            route(None, "/shop", &[]),
            route(None, "/shop", &["POST"]),
            route(None, "/shop/cart", &[]),
            route(Some("*.example.org"), "/", &[]),
            route(Some("a.example.org"), "/", &[]),
        ];
        for (index, route) in routes.iter().enumerate() {
            table.add(route, index);
        }
        let find = |host: &str, path: &str, method: &str| {
            table.find(host, path, &Method::from_bytes(method.as_bytes()).unwrap())
        };
        assert_eq!(find("x", "/", "GET"), Some(0));
        assert_eq!(find("x", "/shopping", "GET"), Some(0));
        assert_eq!(find("x", "/shop", "GET"), Some(1));
        assert_eq!(find("x", "/shop/x", "GET"), Some(1));
        assert_eq!(find("x", "/shop/x", "POST"), Some(2));
        assert_eq!(find("x", "/shop/cart/1", "POST"), Some(3));
        assert_eq!(find("B.example.org:80", "/shop", "GET"), Some(4));
        assert_eq!(find("a.Example.org", "/shop", "GET"), Some(5));
        assert_eq!(find("example.org", "/shop", "GET"), Some(1));
        assert_eq!(find("[::1]:80", "*", "OPTIONS"), Some(0));
        assert_eq!(RouteTable::default().find("x", "/", &Method::GET), None);
    }
}
