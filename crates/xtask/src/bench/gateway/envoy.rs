//! Envoy: one worker, no access log, no more than a router and a cluster.

use super::place::{CERTIFICATE, KEY, Place};

const TYPE: &str = "type.googleapis.com/envoy";

pub(super) fn file(place: &Place<'_>) -> String {
    let plain = listener("plain", place.listen, "");
    let context = format!(
        "    transport_socket:\n      name: envoy.transport_sockets.tls\n      typed_config:\n        \
         \"@type\": {TYPE}.extensions.transport_sockets.tls.v3.DownstreamTlsContext\n        \
         common_tls_context:\n          alpn_protocols: [ h2, http/1.1 ]\n          \
         tls_certificates:\n          \
         - {{ certificate_chain: {{ filename: {} }}, private_key: {{ filename: {} }} }}\n",
        place.file(CERTIFICATE),
        place.file(KEY)
    );
    let tls = listener("tls", place.tls, &context);
    format!(
        "static_resources:\n  listeners:\n{plain}{tls}  clusters:\n  - name: out\n    \
         type: STATIC\n    load_assignment:\n      cluster_name: out\n      endpoints:\n      \
         - lb_endpoints:\n        - endpoint: {{ address: {{ socket_address: \
         {{ address: 127.0.0.1, port_value: {} }} }} }}\n",
        place.backend
    )
}

fn listener(name: &str, port: u16, transport: &str) -> String {
    format!(
        "  - name: {name}\n    \
             address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }}\n    \
             filter_chains:\n    - filters:\n      \
               - name: envoy.filters.network.http_connection_manager\n        \
                 typed_config:\n          \
                   \"@type\": {TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager\n          \
                   stat_prefix: in\n          use_remote_address: true\n          \
                   http_filters:\n          \
                   - name: envoy.filters.http.router\n            \
                     typed_config: {{ \"@type\": {TYPE}.extensions.filters.http.router.v3.Router }}\n          \
                   route_config:\n            virtual_hosts:\n            \
                   - name: all\n              domains: [ \"*\" ]\n              \
                     routes: [ {{ match: {{ prefix: / }}, route: {{ cluster: out }} }} ]\n{}",
        transport
            .replace("\n    ", "\n      ")
            .replacen("    transport", "      transport", 1)
    )
}
