//! The smallest proxy of Pingora: everything to one backend, with `x-forwarded-for` added, as the
//! other proxies of `cargo xtask bench gateway` do it.
//!
//! `bench-pingora LISTEN BACKEND LISTEN_TLS CERTIFICATE KEY`

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use pingora_core::Result;
use pingora_core::listeners::tls::TlsSettings;
use pingora_core::server::Server;
use pingora_core::server::configuration::ServerConf;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_http::RequestHeader;
use pingora_proxy::{ProxyHttp, Session, http_proxy_service};

/// Connections to the backend that are kept.
const KEPT: usize = 256;

struct Pass {
    backend: String,
}

#[async_trait]
impl ProxyHttp for Pass {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn upstream_peer(&self, _: &mut Session, (): &mut ()) -> Result<Box<HttpPeer>> {
        let peer = HttpPeer::new(self.backend.as_str(), false, String::new());
        Ok(Box::new(peer))
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        (): &mut (),
    ) -> Result<()> {
        let client = session.client_addr().and_then(|address| address.as_inet());
        match client {
            Some(client) => request
                .append_header("x-forwarded-for", client.ip().to_string())
                .map(drop),
            None => Ok(()),
        }
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [listen, backend, tls, certificate, key] = &*words else {
        eprintln!("usage: bench-pingora LISTEN BACKEND LISTEN_TLS CERTIFICATE KEY");
        return ExitCode::FAILURE;
    };
    let configuration = ServerConf {
        threads: 1,
        upstream_keepalive_pool_size: KEPT,
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, configuration);
    server.bootstrap();
    let pass = Pass {
        backend: backend.clone(),
    };
    let mut service = http_proxy_service(&Arc::clone(&server.configuration), pass);
    service.add_tcp(listen);
    match TlsSettings::intermediate(certificate, key) {
        Ok(mut settings) => {
            settings.enable_h2();
            service.add_tls_with_settings(tls, None, settings);
        }
        Err(why) => {
            eprintln!("cannot use the certificate: {why}");
            return ExitCode::FAILURE;
        }
    }
    server.add_service(service);
    server.run_forever()
}
