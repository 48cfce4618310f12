//! TLS towards endpoints, and certificates of clients.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ninefold_config::model::{File, ServiceProtocol, ServiceTls};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};

use crate::http2::{Endpoint, text};
use crate::rig::{Rig, file, until};

struct Authority {
    certificate: rcgen::Certificate,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            certificate,
            issuer: rcgen::Issuer::new(params, key),
        }
    }

    fn write(&self, path: PathBuf) -> PathBuf {
        std::fs::write(&path, self.certificate.pem()).unwrap();
        path
    }

    /// A certificate for `name`, and its key.
    fn issue(&self, folder: &Path, stem: &str, name: &str) -> (PathBuf, PathBuf) {
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let paths = (
            folder.join(format!("{stem}.pem")),
            folder.join(format!("{stem}.key")),
        );
        std::fs::write(&paths.0, certificate.pem()).unwrap();
        std::fs::write(&paths.1, key.serialize_pem()).unwrap();
        paths
    }
}

/// A server's side of TLS that asks for a certificate of `ca`.
fn acceptor(ca: &Authority, files: &(PathBuf, PathBuf), alpn: &[u8]) -> tokio_rustls::TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(ca.certificate.der().clone()).unwrap();
    let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
        Arc::new(roots),
        provider.clone(),
    )
    .build()
    .unwrap();
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![CertificateDer::from_pem_file(&files.0).unwrap()],
            PrivateKeyDer::from_pem_file(&files.1).unwrap(),
        )
        .unwrap();
    config.alpn_protocols = vec![alpn.to_vec()];
    tokio_rustls::TlsAcceptor::from(Arc::new(config))
}

fn with_tls(protocol: ServiceProtocol, tls: ServiceTls) -> File {
    let mut file = file();
    let service = file.services.values_mut().next().unwrap();
    service.protocol = protocol;
    service.tls = Some(tls);
    file.listeners[0].routes[0].retry = None;
    file
}

#[tokio::test]
async fn endpoints_are_believed_by_name_and_believe_the_gateway() {
    let folder = tempfile::tempdir().unwrap();
    let ca = Authority::new();
    let server = ca.issue(folder.path(), "server", "db.test");
    let own = ca.issue(folder.path(), "own", "gateway.test");
    let endpoint = Endpoint::start(Some(acceptor(&ca, &server, b"h2")), |_| async {
        text("secret")
    })
    .await;
    let tls = ServiceTls {
        ca: Some(ca.write(folder.path().join("ca.pem"))),
        certificate: Some(own.0),
        key: Some(own.1),
        server_name: Some("db.test".to_owned()),
    };
    let rig = Rig::new(&with_tls(ServiceProtocol::Http2, tls.clone()));
    rig.publish(&[endpoint.address]);
    assert_eq!(rig.get("/").await.body, "secret");
    assert_eq!(endpoint.seen()[0].head.uri.scheme_str(), Some("https"));

    let strange = Authority::new();
    let wrong = [
        ServiceTls {
            server_name: Some("other.test".to_owned()),
            ..tls.clone()
        },
        // Without a name the address is what the certificate has to be for.
        ServiceTls {
            server_name: None,
            ..tls.clone()
        },
        ServiceTls {
            certificate: None,
            key: None,
            ..tls.clone()
        },
        ServiceTls {
            ca: Some(strange.write(folder.path().join("strange.pem"))),
            ..tls
        },
    ];
    for tls in wrong {
        let rig = Rig::new(&with_tls(ServiceProtocol::Http2, tls.clone()));
        rig.publish(&[endpoint.address]);
        let answer = rig.get("/").await;
        assert_eq!(answer.status, 502, "{tls:?}");
        assert_eq!(endpoint.seen().len(), 1);
    }
}

#[tokio::test]
async fn http_1_over_tls_keeps_connections_and_sends_large_bodies() {
    let folder = tempfile::tempdir().unwrap();
    let ca = Authority::new();
    let server = ca.issue(folder.path(), "server", "127.0.0.1");
    let own = ca.issue(folder.path(), "own", "gateway.test");
    let acceptor = acceptor(&ca, &server, b"http/1.1");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let handshakes = Arc::new(AtomicUsize::new(0));
    let count = handshakes.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let stream = acceptor.accept(stream).await.unwrap();
            count.fetch_add(1, SeqCst);
            let echo = service_fn(|request: Request<Incoming>| async {
                let body = request.into_body().collect().await?.to_bytes();
                Ok::<_, hyper::Error>(Response::new(Full::new(body)))
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), echo),
            );
        }
    });
    let mut file = with_tls(
        ServiceProtocol::Http1,
        ServiceTls {
            ca: Some(ca.write(folder.path().join("ca.pem"))),
            certificate: Some(own.0),
            key: Some(own.1),
            server_name: None,
        },
    );
    file.threads = std::num::NonZeroU16::new(1);
    let rig = Rig::new(&file);
    rig.publish(&[address]);
    let body = "x".repeat(1 << 20);
    let length = body.len();
    for _ in 0..3 {
        let answer = rig
            .once(&format!(
                "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}"
            ))
            .await;
        assert_eq!((answer.status, answer.body.len()), (200, length));
    }
    assert_eq!(handshakes.load(SeqCst), 1);
}

#[tokio::test]
async fn clients_need_a_certificate_where_the_listener_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let backend = crate::backend::Backend::start(|_| crate::backend::ok("hello")).await;
    let (ca, other) = (Authority::new(), Authority::new());
    let server = ca.issue(folder.path(), "server", "a.test");
    let mut file = file();
    file.listeners[0].tls = vec![ninefold_config::model::TlsCertificate {
        certificate: server.0,
        key: server.1,
    }];
    let authority = ca.write(folder.path().join("clients.pem"));
    file.listeners[0].client_ca = Some(authority.clone());
    let rig = Rig::with(&file, &[&backend]);
    let good = ca.issue(folder.path(), "good", "client.test");
    let bad = other.issue(folder.path(), "bad", "client.test");
    assert!(gets(rig.address, &ca, Some(&good)).await);
    assert!(!gets(rig.address, &ca, Some(&bad)).await);
    assert!(!gets(rig.address, &ca, None).await);

    // Another authority takes its place without a restart.
    other.write(authority);
    until("the new authority is asked", || async {
        gets(rig.address, &ca, Some(&bad)).await.then_some(())
    })
    .await;
    assert!(!gets(rig.address, &ca, Some(&good)).await);
}

/// Whether a client with this certificate gets an answer.
async fn gets(address: SocketAddr, ca: &Authority, own: Option<&(PathBuf, PathBuf)>) -> bool {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut roots = rustls::RootCertStore::empty();
    roots.add(ca.certificate.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match own {
        Some((certificate, key)) => builder
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_file(certificate).unwrap()],
                PrivateKeyDer::from_pem_file(key).unwrap(),
            )
            .unwrap(),
        None => builder.with_no_client_auth(),
    };
    let stream = TcpStream::connect(address).await.unwrap();
    let name = rustls_pki_types::ServerName::try_from("a.test").unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let Ok(mut stream) = connector.connect(name, stream).await else {
        return false;
    };
    let mut answer = String::new();
    let asked = stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await;
    // A refusal may come after the client's side of the handshake is done (RFC 8446, section 4.4.2).
    drop(stream.read_to_string(&mut answer).await);
    asked.is_ok() && answer.starts_with("HTTP/1.1 200")
}
