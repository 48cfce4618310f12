//! Traefik, with the file provider, which it watches.
//!
//! Tuned: active and passive health checks, retries, power of two choices, short timeouts, and
//! `inFlightReq` sized for the replicas. Default: a router and a load balancer.

use super::Setup;

pub(super) fn files(setup: &Setup, tuned: bool) -> Vec<(&'static str, String)> {
    vec![
        ("traefik.yaml", installation(setup)),
        ("routing.yaml", routing(setup, tuned)),
    ]
}

fn installation(setup: &Setup) -> String {
    format!(
        "global: {{ checkNewVersion: false, sendAnonymousUsage: false }}\n\
         log: {{ level: ERROR }}\n\
         entryPoints: {{ in: {{ address: \"{}\" }} }}\n\
         providers: {{ file: {{ filename: {}, watch: true }} }}\n",
        setup.listen,
        setup.file("routing.yaml")
    )
}

fn routing(setup: &Setup, tuned: bool) -> String {
    let servers = setup.lines(|_, replica| format!("        - url: http://{}\n", replica.address));
    if !tuned {
        return format!(
            "http:\n  routers:\n    all: {{ rule: \"PathPrefix(`/`)\", service: out }}\n  \
             services:\n    out:\n      loadBalancer:\n        servers:\n{servers}"
        );
    }
    let cap = setup.cap();
    format!(
        "http:\n  routers:\n    all: {{ rule: \"PathPrefix(`/`)\", service: out, \
         middlewares: [ cap, again ] }}\n  \
         middlewares:\n    cap: {{ inFlightReq: {{ amount: {cap} }} }}\n    \
         again: {{ retry: {{ attempts: 3, initialInterval: 10ms, status: [ \"500-504\" ] }} }}\n  \
         serversTransports:\n    short: {{ forwardingTimeouts: {{ dialTimeout: 500ms, \
         responseHeaderTimeout: 500ms }} }}\n  \
         services:\n    out:\n      loadBalancer:\n        strategy: p2c\n        \
         serversTransport: short\n        \
         healthCheck: {{ path: /health, interval: 1s, unhealthyInterval: 1s, timeout: 500ms }}\n        \
         passiveHealthCheck: {{ failureWindow: 2s, maxFailedAttempts: 3 }}\n        \
         servers:\n{servers}"
    )
}
