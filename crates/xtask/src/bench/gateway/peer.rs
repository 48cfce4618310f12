//! The proxies, each as its users would set it up for speed.

use std::path::Path;

use super::case::SMALL_BYTES;

/// A proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Peer {
    /// Ninefold.
    Ninefold,
    /// HAProxy with its own buffer size.
    Haproxy,
    /// HAProxy with buffers that a large answer fits into.
    HaproxyLarge,
    /// nginx.
    Nginx,
}

impl Peer {
    pub(super) const ALL: [Self; 4] = [
        Self::Ninefold,
        Self::Haproxy,
        Self::HaproxyLarge,
        Self::Nginx,
    ];

    /// The name on the command line and in reports.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ninefold => "ninefold",
            Self::Haproxy => "haproxy",
            Self::HaproxyLarge => "haproxy-64k",
            Self::Nginx => "nginx",
        }
    }

    /// The configuration file's name.
    pub(super) const fn file(self) -> &'static str {
        match self {
            Self::Ninefold => "ninefold.toml",
            Self::Haproxy => "haproxy.cfg",
            Self::HaproxyLarge => "haproxy-64k.cfg",
            Self::Nginx => "nginx.conf",
        }
    }

    /// The command line, without the pinning. `ninefold` is the path of the binary.
    pub(super) fn words<'a>(self, ninefold: &'a str, file: &'a str) -> Vec<&'a str> {
        match self {
            Self::Ninefold => vec![ninefold, "up", file],
            Self::Haproxy | Self::HaproxyLarge => vec!["haproxy", "-db", "-f", file],
            Self::Nginx => vec!["nginx", "-c", file],
        }
    }

    /// The configuration: listen here, pass on to there.
    pub(super) fn configuration(self, listen: u16, backend: u16, folder: &Path) -> String {
        match self {
            Self::Ninefold => ninefold(listen, backend, folder),
            Self::Haproxy => haproxy(listen, backend, 16_384),
            Self::HaproxyLarge => haproxy(listen, backend, 65_536),
            Self::Nginx => nginx_proxy(listen, backend, folder),
        }
    }
}

fn ninefold(listen: u16, backend: u16, folder: &Path) -> String {
    format!(
        "threads = 1\n\n\
         [node]\nadmin = \"off\"\nstate = \"{}/state\"\n\n\
         [service.backend]\nendpoints = [\"127.0.0.1:{backend}\"]\n\n\
         [[listener]]\naddress = \"127.0.0.1:{listen}\"\n",
        folder.display()
    )
}

/// One thread; connections to the backend are shared and kept; no log. It adds
/// `x-forwarded-for`, as Ninefold does.
fn haproxy(listen: u16, backend: u16, buffer_bytes: u32) -> String {
    format!(
        "global\n  nbthread 1\n  maxconn 4000\n  tune.bufsize {buffer_bytes}\n\
         defaults\n  mode http\n  option http-keep-alive\n  option forwardfor\n  http-reuse always\n  \
         timeout connect 1s\n  timeout client 60s\n  timeout server 60s\n  timeout http-keep-alive 60s\n\
         frontend in\n  bind 127.0.0.1:{listen}\n  default_backend out\n\
         backend out\n  server one 127.0.0.1:{backend} pool-max-conn 256\n"
    )
}

/// One worker; connections to the backend are kept; answers stay in memory; no log.
fn nginx_proxy(listen: u16, backend: u16, folder: &Path) -> String {
    let http = format!(
        "  upstream out {{ server 127.0.0.1:{backend}; keepalive 256; keepalive_requests 1000000000; }}\n  \
         server {{\n    listen 127.0.0.1:{listen} backlog=4096;\n    location / {{\n      \
         proxy_pass http://out;\n      proxy_http_version 1.1;\n      \
         proxy_set_header Connection \"\";\n      proxy_set_header Host $http_host;\n      \
         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n    }}\n  }}\n  \
         client_body_buffer_size 16k;\n  proxy_buffer_size 8k;\n  proxy_buffers 8 32k;\n  \
         proxy_busy_buffers_size 64k;\n"
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_peer_listens_and_passes_on() {
        for peer in Peer::ALL {
            let text = peer.configuration(1_111, 2_222, Path::new("/f"));
            assert!(text.contains("127.0.0.1:1111"), "{text}");
            assert!(text.contains("127.0.0.1:2222"), "{text}");
        }
        let ours = Peer::Ninefold.configuration(1_111, 2_222, Path::new("/f"));
        let ours: toml::Table = ours.parse().unwrap();
        assert_eq!(ours["threads"].as_integer(), Some(1));
        assert_eq!(ours["node"]["state"].as_str(), Some("/f/state"));
    }
}
