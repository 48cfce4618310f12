//! Probes of instances that speak TLS.

use std::net::SocketAddr;
use std::sync::Arc;

use ninefold_config::model::Health;
use ninefold_core::address::Address;
use ninefold_core::id::InstanceId;
use ninefold_core::observation::{ProbeOutcome, Seen};
use ninefold_core::status::InstanceState;
use ninefold_supervise::ProbeTls;
use rustls::crypto::ring;
use rustls_pki_types::{PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::file::{file, http, service};
use crate::rig::{Rig, external, folder};

/// Believes one certificate, which is to be that of `name`.
struct Believes {
    connector: TlsConnector,
    name: &'static str,
}

impl std::fmt::Debug for Believes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl ProbeTls for Believes {
    fn of(
        &self,
        instance: &InstanceId,
        _: Option<&str>,
        _: &Address,
    ) -> Option<(TlsConnector, ServerName<'static>)> {
        assert_eq!(instance.to_string(), "web/0");
        let name = ServerName::try_from(self.name).unwrap();
        Some((self.connector.clone(), name))
    }
}

/// A server that is `shop.test` and always ready, and who believes it.
async fn server(name: &'static str) -> (SocketAddr, Believes) {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["shop.test".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap().der().clone();
    let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], private)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut head = [0; 1_024];
            let size = stream.read(&mut head).await.unwrap_or(0);
            assert!(head[..size].starts_with(b"GET /ready "));
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            // Whoever asked may be gone.
            stream.write_all(answer).await.ok();
            stream.shutdown().await.ok();
        }
    });
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    (address, Believes { connector, name })
}

async fn probed(name: &'static str) -> Rig {
    let (address, believes) = server(name).await;
    let folder = folder();
    let kind = external(address);
    let health = Health {
        ready: Some(http("/ready")),
        ..Health::default()
    };
    let mut config = file(folder.path());
    config
        .services
        .insert("web".parse().unwrap(), service(kind, health));
    Rig::secured(&folder, config, Arc::new(believes)).await
}

#[tokio::test]
async fn an_instance_is_asked_by_tls() {
    let rig = probed("shop.test").await;
    rig.is(0, InstanceState::Ready).await;
    rig.supervisor.stop().await;
}

#[tokio::test]
async fn who_is_somebody_else_is_not_ready() {
    let rig = probed("bank.test").await;
    let no = |seen: &Seen| matches!(seen, Seen::Probe { outcome: ProbeOutcome::Unreachable(why), .. } if why.starts_with("no agreement on TLS"));
    rig.until("it says why", || rig.seen().iter().any(no)).await;
    rig.supervisor.stop().await;
}
