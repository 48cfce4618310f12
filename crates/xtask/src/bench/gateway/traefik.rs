//! Traefik: two entry points and one service, no access log.

use super::place::{CERTIFICATE, KEY, Place};

const ROUTING: &str = "traefik-routing.yaml";

pub(super) fn files(place: &Place<'_>) -> Vec<(&'static str, String)> {
    vec![
        ("traefik.yaml", installation(place)),
        (ROUTING, routing(place)),
    ]
}

fn installation(place: &Place<'_>) -> String {
    format!(
        "global: {{ checkNewVersion: false, sendAnonymousUsage: false }}\n\
         log: {{ level: ERROR }}\n\
         entryPoints:\n  plain: {{ address: \"127.0.0.1:{}\" }}\n  \
         tls: {{ address: \"127.0.0.1:{}\" }}\n\
         providers: {{ file: {{ filename: {} }} }}\n",
        place.listen,
        place.tls,
        place.file(ROUTING)
    )
}

fn routing(place: &Place<'_>) -> String {
    format!(
        "http:\n  routers:\n    \
         plain: {{ rule: \"PathPrefix(`/`)\", service: out, entryPoints: [ plain ] }}\n    \
         tls: {{ rule: \"PathPrefix(`/`)\", service: out, entryPoints: [ tls ], tls: {{}} }}\n  \
         serversTransports: {{ kept: {{ maxIdleConnsPerHost: 256 }} }}\n  \
         services:\n    out:\n      loadBalancer:\n        serversTransport: kept\n        \
         servers: [ {{ url: \"http://127.0.0.1:{}\" }} ]\n\
         tls: {{ stores: {{ default: {{ defaultCertificate: {{ certFile: {}, keyFile: {} }} }} }} }}\n",
        place.backend,
        place.file(CERTIFICATE),
        place.file(KEY)
    )
}
