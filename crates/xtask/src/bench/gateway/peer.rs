//! The proxies.

use super::configuration::{haproxy, nginx_proxy, ninefold};
use super::place::{CERTIFICATE, KEY, Place};
use super::{envoy, traefik};

/// A proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Peer {
    /// Ninefold as it is, with the policies that are on by default.
    Ninefold,
    /// Ninefold without retries and without ejection.
    NinefoldOff,
    /// HAProxy with its own buffer size.
    Haproxy,
    /// HAProxy with buffers that a large answer fits into.
    HaproxyLarge,
    /// nginx.
    Nginx,
    /// Envoy.
    Envoy,
    /// Traefik.
    Traefik,
    /// The smallest proxy of Pingora, `benches/pingora`.
    Pingora,
}

impl Peer {
    pub(super) const ALL: [Self; 8] = [
        Self::Ninefold,
        Self::NinefoldOff,
        Self::Haproxy,
        Self::HaproxyLarge,
        Self::Nginx,
        Self::Envoy,
        Self::Traefik,
        Self::Pingora,
    ];

    /// The name on the command line and in reports.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ninefold => "ninefold",
            Self::NinefoldOff => "ninefold-off",
            Self::Haproxy => "haproxy",
            Self::HaproxyLarge => "haproxy-64k",
            Self::Nginx => "nginx",
            Self::Envoy => "envoy",
            Self::Traefik => "traefik",
            Self::Pingora => "pingora",
        }
    }

    /// The configuration file's name.
    pub(super) const fn file(self) -> &'static str {
        match self {
            Self::Ninefold => "ninefold.toml",
            Self::NinefoldOff => "ninefold-off.toml",
            Self::Haproxy => "haproxy.cfg",
            Self::HaproxyLarge => "haproxy-64k.cfg",
            Self::Nginx => "nginx.conf",
            Self::Envoy => "envoy.yaml",
            Self::Traefik => "traefik.yaml",
            Self::Pingora => "pingora.txt",
        }
    }

    /// The command line, without the pinning.
    pub(super) fn words(self, program: &str, place: &Place<'_>) -> Vec<String> {
        let file = place.file(self.file());
        let local = |port: u16| format!("127.0.0.1:{port}");
        let rest = match self {
            Self::Ninefold | Self::NinefoldOff => vec!["up".to_owned(), file],
            Self::Haproxy | Self::HaproxyLarge => vec!["-db".to_owned(), "-f".to_owned(), file],
            Self::Nginx => vec!["-c".to_owned(), file],
            Self::Envoy => {
                let words = ["-c", &file, "--concurrency", "1", "--disable-hot-restart"];
                words.map(str::to_owned).to_vec()
            }
            Self::Traefik => vec![format!("--configFile={file}")],
            // It has no file: one with its ports is written all the same.
            Self::Pingora => vec![
                local(place.listen),
                local(place.backend),
                local(place.tls),
                place.file(CERTIFICATE),
                place.file(KEY),
            ],
        };
        [vec![program.to_owned()], rest].concat()
    }

    /// Its files, by name: listen here, pass on to there.
    pub(super) fn files(self, place: &Place<'_>) -> Vec<(&'static str, String)> {
        let text = match self {
            Self::Ninefold => ninefold(place, true),
            Self::NinefoldOff => ninefold(place, false),
            Self::Haproxy => haproxy(place, 16_384),
            Self::HaproxyLarge => haproxy(place, 65_536),
            Self::Nginx => nginx_proxy(place),
            Self::Envoy => envoy::file(place),
            Self::Traefik => return traefik::files(place),
            Self::Pingora => format!("127.0.0.1:{} 127.0.0.1:{}\n", place.listen, place.backend),
        };
        vec![(self.file(), text)]
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_peer_listens_and_passes_on() {
        let place = Place {
            listen: 1_111,
            tls: 3_333,
            backend: 2_222,
            folder: Path::new("/f"),
        };
        for peer in Peer::ALL {
            let files = peer.files(&place);
            assert!(files.iter().any(|(name, _)| *name == peer.file()));
            let text: String = files.into_iter().map(|(_, text)| text).collect();
            let text = text + &peer.words("/p", &place).join(" ");
            for port in ["1111", "2222", "3333"] {
                assert!(text.contains(port), "{text}");
            }
        }
        let [(_, ours)] = &*Peer::NinefoldOff.files(&place) else {
            panic!("one file");
        };
        let ours: toml::Table = ours.parse().unwrap();
        assert_eq!(ours["threads"].as_integer(), Some(1));
        assert_eq!(ours["node"]["state"].as_str(), Some("/f/state-off"));
    }
}
