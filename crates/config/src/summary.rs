//! What a file declares, in numbers.

use std::fmt;

use serde::Serialize;

use crate::model::{File, ServiceKind};
use crate::render::counted;

/// How much of everything a file declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// `[service.NAME]`.
    pub services: usize,
    /// Replicas that are started, and endpoints of what runs elsewhere.
    pub instances: usize,
    /// `[[listener]]`.
    pub listeners: usize,
    /// Routes of all listeners, one that goes without saying included.
    pub routes: usize,
    /// `[slo.NAME]`.
    pub slos: usize,
    /// `[[claim]]`.
    pub claims: usize,
}

impl Summary {
    /// Counts what is in `file`.
    #[must_use]
    pub fn of(file: &File) -> Self {
        let instances = |kind: &ServiceKind| match kind {
            ServiceKind::Supervised(service) => usize::try_from(service.replicas).unwrap_or(0),
            ServiceKind::External(service) => service.endpoints.len(),
        };
        Self {
            services: file.services.len(),
            instances: file.services.values().map(|s| instances(&s.kind)).sum(),
            listeners: file.listeners.len(),
            routes: file.listeners.iter().map(|l| l.routes.len()).sum(),
            slos: file.slos.len(),
            claims: file.claims.len(),
        }
    }
}

/// `2 services, 6 instances, 1 listener, 2 routes, 2 SLOs, 3 claims`.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.services, "service"),
            (self.instances, "instance"),
            (self.listeners, "listener"),
            (self.routes, "route"),
            (self.slos, "SLO"),
            (self.claims, "claim"),
        ];
        let counts = counts.map(|(count, what)| counted(count, what));
        f.write_str(&counts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn summary(text: &str) -> Summary {
        let outcome = crate::parse(text, Path::new("ninefold.toml"));
        Summary::of(outcome.file.as_ref().unwrap())
    }

    #[test]
    fn everything_is_counted() {
        let shop = summary(include_str!("../testdata/valid/shop.toml"));
        assert_eq!(
            shop.to_string(),
            "2 services, 6 instances, 1 listener, 2 routes, 2 SLOs, 3 claims"
        );
    }

    #[test]
    fn endpoints_are_instances_and_the_unwritten_route_counts() {
        let proxy = summary(
            "[service.a]\nendpoints = [\"127.0.0.1:1\", \"127.0.0.1:2\"]\n[[listener]]\naddress = \"127.0.0.1:0\"\n",
        );
        assert_eq!(
            proxy.to_string(),
            "1 service, 2 instances, 1 listener, 1 route, 0 SLOs, 0 claims"
        );
    }
}
