//! HAProxy.
//!
//! Tuned: active checks with `observe layer7` beside them, redispatch and the retries of its manual
//! (not of POSTs, as it advises), `maxconn` for each server with a bounded queue, in which critical
//! requests go first. Default: the timeouts of Debian's file, round robin and `check`.

use super::Setup;

pub(super) fn file(setup: &Setup, tuned: bool) -> String {
    let listen = setup.listen;
    let server = |number, replica: &super::Replica| {
        let check = if tuned { "" } else { " check" };
        format!("  server s{number} {}{check}\n", replica.address)
    };
    let servers = setup.lines(server);
    let socket = setup.file("haproxy.sock");
    let global = format!(
        "global\n  maxconn 8000\n  stats socket {socket} mode 600 level admin expose-fd listeners\n"
    );
    if !tuned {
        return format!(
            "{global}defaults\n  mode http\n  timeout connect 5000\n  timeout client 50000\n  \
             timeout server 50000\n\
             frontend in\n  bind {listen}\n  default_backend out\n\
             backend out\n  balance roundrobin\n{servers}"
        );
    }
    let cap = setup.replica_cap();
    format!(
        "{global}defaults\n  mode http\n  timeout connect 500ms\n  timeout client 30s\n  \
         timeout http-request 5s\n  timeout server 500ms\n  timeout queue 500ms\n  \
         retries 2\n  option redispatch 1\n  \
         retry-on conn-failure empty-response response-timeout 500 502 503 504\n\
         frontend in\n  bind {listen}\n  http-request disable-l7-retry if METH_POST\n  \
         http-request set-priority-class int(-10) if {{ req.hdr(x-criticality) critical }}\n  \
         default_backend out\n\
         backend out\n  balance leastconn\n  option httpchk GET /health\n  \
         default-server check inter 1s fastinter 250ms fall 2 rise 2 observe layer7 \
         error-limit 10 on-error mark-down maxconn {cap}\n{servers}"
    )
}
