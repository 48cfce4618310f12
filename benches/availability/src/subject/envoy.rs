//! Envoy. Its listener and its cluster are files that it watches, in both ways: so it is reloaded.
//!
//! Tuned: active checks, outlier detection with a base time and a share that fit three hosts,
//! least request, retries on other hosts with a time limit a try (of POSTs only what was never
//! sent), circuit breakers sized for the replicas, with a class of their own for what is critical.
//! Default: the shape of its quickstart.

use super::Setup;

const ANY: &str = "type.googleapis.com/envoy";

pub(super) fn files(setup: &Setup, tuned: bool) -> Vec<(&'static str, String)> {
    vec![
        ("envoy.yaml", bootstrap(setup)),
        ("lds.yaml", listener(setup, tuned)),
        ("cds.yaml", cluster(setup, tuned)),
    ]
}

pub(super) fn words(setup: &Setup) -> Vec<String> {
    let file = setup.file("envoy.yaml");
    let words = ["-c", &file, "--disable-hot-restart", "-l", "warning"];
    words.map(str::to_owned).to_vec()
}

fn bootstrap(setup: &Setup) -> String {
    format!(
        "node: {{ id: bench, cluster: bench }}\n\
         dynamic_resources:\n  \
           lds_config: {{ path_config_source: {{ path: {} }} }}\n  \
           cds_config: {{ path_config_source: {{ path: {} }} }}\n",
        setup.file("lds.yaml"),
        setup.file("cds.yaml")
    )
}

fn listener(setup: &Setup, tuned: bool) -> String {
    let routes = if tuned {
        let route = |with: &str, priority: &str, retry_on: &str, tries: &str| {
            format!(
                "                - match: {{ prefix: /{with} }}\n                  \
                 route: {{ cluster: out, timeout: 3s{priority}, retry_policy: {{ \
                 retry_on: \"{retry_on}\", num_retries: 2{tries}, \
                 host_selection_retry_max_attempts: 10, retry_host_predicate: [ {{ \
                 name: envoy.retry_host_predicates.previous_hosts, typed_config: {{ \"@type\": \
                 {ANY}.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate }} }} ] }} }}\n"
            )
        };
        let never_sent = "connect-failure,refused-stream";
        let failed = "5xx,reset,connect-failure,refused-stream";
        let post = ", headers: [ { name: \":method\", string_match: { exact: POST } } ]";
        let critical = ", headers: [ { name: x-criticality, string_match: { exact: critical } } ]";
        let each = ", per_try_timeout: 0.5s";
        [
            route(post, "", never_sent, ""),
            route(critical, ", priority: HIGH", failed, each),
            route("", "", failed, each),
        ]
        .concat()
    } else {
        "                - match: { prefix: / }\n                  route: { cluster: out }\n"
            .to_owned()
    };
    format!(
        "resources:\n\
         - \"@type\": {ANY}.config.listener.v3.Listener\n  \
           name: in\n  \
           address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }}\n  \
           filter_chains:\n  \
           - filters:\n    \
             - name: envoy.filters.network.http_connection_manager\n      \
               typed_config:\n        \
                 \"@type\": {ANY}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager\n        \
                 stat_prefix: in\n        \
                 http_filters:\n        \
                 - name: envoy.filters.http.router\n          \
                   typed_config: {{ \"@type\": {ANY}.extensions.filters.http.router.v3.Router }}\n        \
                 route_config:\n          \
                   name: all\n          \
                   virtual_hosts:\n            \
                   - name: all\n              \
                     domains: [ \"*\" ]\n              \
                     routes:\n{routes}",
        port = setup.listen.port()
    )
}

fn cluster(setup: &Setup, tuned: bool) -> String {
    let hosts = setup.lines(|_, replica| {
        format!(
            "      - endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {} }} }} }}\n",
            replica.address.port()
        )
    });
    let policy = if tuned {
        format!(
            "  connect_timeout: 0.5s\n  lb_policy: LEAST_REQUEST\n  \
             health_checks:\n  - {{ timeout: 0.5s, interval: 1s, no_traffic_interval: 1s, unhealthy_threshold: 2, \
             healthy_threshold: 2, http_health_check: {{ path: /health }} }}\n  \
             outlier_detection: {{ consecutive_5xx: 5, consecutive_gateway_failure: 5, \
             enforcing_consecutive_gateway_failure: 100, interval: 1s, base_ejection_time: 2s, \
             max_ejection_percent: 67, failure_percentage_threshold: 30, \
             enforcing_failure_percentage: 100, failure_percentage_minimum_hosts: 3, \
             failure_percentage_request_volume: 20, success_rate_minimum_hosts: 3, \
             success_rate_request_volume: 20 }}\n  \
             circuit_breakers:\n    thresholds:\n    \
             - {{ priority: DEFAULT, max_connections: {cap}, max_pending_requests: {cap}, \
             max_requests: {cap}, retry_budget: {{ budget_percent: {{ value: 20 }}, \
             min_retry_concurrency: 3 }} }}\n    \
             - {{ priority: HIGH, max_connections: {cap}, max_pending_requests: {cap}, \
             max_requests: {cap}, retry_budget: {{ budget_percent: {{ value: 20 }}, \
             min_retry_concurrency: 3 }} }}\n",
            cap = setup.cap()
        )
    } else {
        "  lb_policy: ROUND_ROBIN\n".to_owned()
    };
    format!(
        "resources:\n\
         - \"@type\": {ANY}.config.cluster.v3.Cluster\n  \
           name: out\n  \
           type: STATIC\n{policy}  \
           load_assignment:\n    \
             cluster_name: out\n    \
             endpoints:\n    \
             - lb_endpoints:\n{hosts}"
    )
}
