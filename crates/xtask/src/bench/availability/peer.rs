//! The proxies by name.

/// A proxy, tuned or as its quickstart has it. `benches/availability/src/subject` sets them up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Peer {
    Ninefold,
    Haproxy,
    Nginx,
    Envoy,
    Traefik,
    HaproxyDefault,
    NginxDefault,
    EnvoyDefault,
    TraefikDefault,
}

impl Peer {
    pub(super) const ALL: [Self; 9] = [
        Self::Ninefold,
        Self::Haproxy,
        Self::Nginx,
        Self::Envoy,
        Self::Traefik,
        Self::HaproxyDefault,
        Self::NginxDefault,
        Self::EnvoyDefault,
        Self::TraefikDefault,
    ];

    /// The name on the command line and in reports.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ninefold => "ninefold",
            Self::Haproxy => "haproxy",
            Self::Nginx => "nginx",
            Self::Envoy => "envoy",
            Self::Traefik => "traefik",
            Self::HaproxyDefault => "haproxy-default",
            Self::NginxDefault => "nginx-default",
            Self::EnvoyDefault => "envoy-default",
            Self::TraefikDefault => "traefik-default",
        }
    }

    /// The name of its program.
    pub(super) fn program(self) -> &'static str {
        let name = self.name();
        name.strip_suffix("-default").unwrap_or(name)
    }
}
