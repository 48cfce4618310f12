//! nginx.
//!
//! Tuned: shared state of the upstream, least connections, kept connections, `proxy_next_upstream`
//! for errors, timeouts and 50x (POSTs are left alone, as is its default), and `max_conns`.
//! Default: `upstream` and `proxy_pass`.

use super::Setup;

pub(super) fn file(setup: &Setup, tuned: bool) -> String {
    let folder = setup.folder.display();
    let cap = setup.replica_cap();
    let servers = setup.lines(|_, replica| {
        let more = if tuned {
            format!(" max_fails=3 fail_timeout=2s max_conns={cap}")
        } else {
            String::new()
        };
        format!("    server {}{more};\n", replica.address)
    });
    let (upstream, pass) = if tuned {
        (
            "    zone out 64k;\n    least_conn;\n",
            "      proxy_http_version 1.1;\n      proxy_set_header Connection \"\";\n      \
             proxy_connect_timeout 500ms;\n      proxy_read_timeout 500ms;\n      \
             proxy_send_timeout 500ms;\n      \
             proxy_next_upstream error timeout http_500 http_502 http_503 http_504;\n      \
             proxy_next_upstream_tries 3;\n      proxy_next_upstream_timeout 2s;\n",
        )
    } else {
        ("", "")
    };
    let keepalive = if tuned { "    keepalive 64;\n" } else { "" };
    // Started by root, workers drop to a user who cannot write to our folder, unless told otherwise.
    let root = rustix::process::geteuid().is_root();
    let user = if root { "user root;\n" } else { "" };
    format!(
        "{user}daemon off;\nworker_processes auto;\nerror_log stderr crit;\npid {folder}/pid;\n\
         events {{ worker_connections 10000; }}\n\
         http {{\n  access_log off;\n  client_body_temp_path {folder}/body;\n  \
         proxy_temp_path {folder}/proxy;\n  fastcgi_temp_path {folder}/fastcgi;\n  \
         uwsgi_temp_path {folder}/uwsgi;\n  scgi_temp_path {folder}/scgi;\n  \
         upstream out {{\n{upstream}{servers}{keepalive}  }}\n  \
         server {{\n    listen {listen} backlog=4096;\n    location / {{\n      \
         proxy_pass http://out;\n{pass}    }}\n  }}\n}}\n",
        listen = setup.listen
    )
}
