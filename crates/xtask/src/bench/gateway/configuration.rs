//! Configurations, each as its users would set it up for speed.

use std::path::Path;

use super::case::SMALL_BYTES;
use super::place::{BOTH, CERTIFICATE, KEY, Place};

/// One thread. Its policies are on by default.
pub(super) fn ninefold(place: &Place<'_>, policies: bool) -> String {
    let Place {
        listen,
        tls,
        backend,
        folder,
    } = place;
    let (state, ejection, retry) = if policies {
        ("state", "", "")
    } else {
        (
            "state-off",
            "ejection = { failures = 0 }\n",
            "retry = \"off\"\n",
        )
    };
    let route = |name: &str| {
        format!(
            "\n[[listener.route]]\nname = \"{name}\"\npath = \"/\"\nservice = \"backend\"\n{retry}\n"
        )
    };
    format!(
        "threads = 1\n\n\
         [node]\nadmin = \"off\"\nstate = \"{}/{state}\"\n\n\
         [service.backend]\nendpoints = [\"127.0.0.1:{backend}\"]\n{ejection}\n\
         [[listener]]\naddress = \"127.0.0.1:{listen}\"\n{}\
         [[listener]]\naddress = \"127.0.0.1:{tls}\"\n\
         tls = {{ certificate = \"{}\", key = \"{}\" }}\n{}",
        folder.display(),
        route("plain"),
        place.file(CERTIFICATE),
        place.file(KEY),
        route("secure")
    )
}

/// One thread; connections to the backend are shared and kept; no log. It adds
/// `x-forwarded-for`, as Ninefold does.
pub(super) fn haproxy(place: &Place<'_>, buffer_bytes: u32) -> String {
    let Place {
        listen,
        tls,
        backend,
        ..
    } = place;
    let both = place.file(BOTH);
    format!(
        "global\n  nbthread 1\n  maxconn 4000\n  tune.bufsize {buffer_bytes}\n\
         defaults\n  mode http\n  option http-keep-alive\n  option forwardfor\n  http-reuse always\n  \
         timeout connect 1s\n  timeout client 60s\n  timeout server 60s\n  timeout http-keep-alive 60s\n\
         frontend in\n  bind 127.0.0.1:{listen}\n  \
         bind 127.0.0.1:{tls} ssl crt {both} alpn h2,http/1.1\n  default_backend out\n\
         backend out\n  server one 127.0.0.1:{backend} pool-max-conn 256\n"
    )
}

/// One worker; connections to the backend are kept; answers stay in memory; no log.
pub(super) fn nginx_proxy(place: &Place<'_>) -> String {
    let Place {
        listen,
        tls,
        backend,
        folder,
    } = place;
    let (certificate, key) = (place.file(CERTIFICATE), place.file(KEY));
    let http = format!(
        "  upstream out {{ server 127.0.0.1:{backend}; keepalive 256; keepalive_requests 1000000000; }}\n  \
         server {{\n    listen 127.0.0.1:{listen} backlog=4096;\n    \
         listen 127.0.0.1:{tls} ssl http2 backlog=4096;\n    ssl_certificate {certificate};\n    \
         ssl_certificate_key {key};\n    location / {{\n      \
         proxy_pass http://out;\n      proxy_http_version 1.1;\n      \
         proxy_set_header Connection \"\";\n      proxy_set_header Host $http_host;\n      \
         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n    }}\n  }}\n  \
         client_body_buffer_size 16k;\n  proxy_buffer_size 8k;\n  proxy_buffers 8 32k;\n  \
         proxy_busy_buffers_size 64k;\n  proxy_max_temp_file_size 0;\n"
    );
    nginx(&http, &folder.join("proxy"))
}

/// The backend: answers from memory and from a cached file.
pub(super) fn backend(port: u16, folder: &Path) -> String {
    let http = format!(
        "  open_file_cache max=10 inactive=1h;\n  sendfile on;\n  tcp_nopush on;\n  \
         server {{\n    listen 127.0.0.1:{port} backlog=4096;\n    root {}/www;\n    \
         location = /small {{ default_type text/plain; return 200 \"{}\"; }}\n  }}\n",
        folder.display(),
        "x".repeat(SMALL_BYTES)
    );
    nginx(&http, &folder.join("backend"))
}

/// What both roles of nginx share: one worker in the foreground, its files in a folder of ours.
fn nginx(http: &str, folder: &Path) -> String {
    let folder = folder.display();
    // Started by root, workers drop to a user who cannot read our folder, unless told otherwise.
    let user = if is_root() { "user root;\n" } else { "" };
    format!(
        "{user}daemon off;\nworker_processes 1;\nerror_log stderr crit;\npid {folder}/pid;\n\
         events {{ worker_connections 4000; }}\n\
         http {{\n  access_log off;\n  tcp_nodelay on;\n  keepalive_timeout 60s;\n  \
         keepalive_requests 1000000000;\n  client_body_temp_path {folder}/body;\n  \
         proxy_temp_path {folder}/proxy;\n  fastcgi_temp_path {folder}/fastcgi;\n  \
         uwsgi_temp_path {folder}/uwsgi;\n  scgi_temp_path {folder}/scgi;\n{http}}}\n"
    )
}

fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .filter_map(|line| line.strip_prefix("Uid:"))
        .any(|ids| ids.split_whitespace().nth(1) == Some("0"))
}
