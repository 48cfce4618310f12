//! HTTP/2, TLS and WebSocket.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use http::{Request, StatusCode, Version};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use ninefold_config::model::TlsCertificate;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;

use crate::backend::{Act, Backend, header, ok};
use crate::rig::{Rig, file, soon, until};

#[tokio::test]
async fn http_2_with_prior_knowledge() {
    let backend = Backend::start(|_| ok("hello")).await;
    let rig = Rig::with(&file(), &[&backend]);
    let stream = TcpStream::connect(rig.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    for _ in 0..3 {
        let request = Request::post("http://shop.test/x?y=1")
            .version(Version::HTTP_2)
            .header("cookie", "a=1")
            .header("cookie", "b=2")
            .body(Full::new(Bytes::from_static(b"body")))
            .unwrap();
        let response = soon("an answer", sender.send_request(request))
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(&body[..], b"hello");
    }
    let head = backend.requests()[0].head.clone();
    assert!(head.starts_with("POST /x?y=1 HTTP/1.1\r\n"), "{head}");
    assert_eq!(header(&head, "host").unwrap(), "shop.test");
    assert_eq!(header(&head, "cookie").unwrap(), "a=1; b=2");
    assert_eq!(header(&head, "via").unwrap(), "2.0 ninefold");
    assert_eq!(backend.requests()[0].body, b"body");
    assert_eq!(rig.settled().await.ok, 3);
}

#[tokio::test]
async fn an_http_2_answer_that_breaks_off_is_reset() {
    let backend = Backend::start(|_| {
        Act::AnswerAndClose(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc".to_vec())
    })
    .await;
    let rig = Rig::with(&file(), &[&backend]);
    let stream = TcpStream::connect(rig.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let request = Request::get("http://a/")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let response = soon("an answer", sender.send_request(request))
        .await
        .unwrap();
    assert!(response.into_body().collect().await.is_err());
    assert_eq!(rig.settled().await.failed, 1);
}

#[tokio::test]
async fn an_http_2_client_that_takes_nothing_is_cut() {
    let large = "z".repeat(8 << 20);
    let backend = Backend::start(move |_| ok(&large)).await;
    let mut file = file();
    file.listeners[0].limits.body_pause = ninefold_config::model::Span::millis(200);
    let rig = Rig::with(&file, &[&backend]);
    let stream = TcpStream::connect(rig.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let request = Request::get("http://a/")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let response = soon("an answer", sender.send_request(request))
        .await
        .unwrap();
    until("the connection is cut", || async {
        (rig.counters().routes[0].cancelled == 1).then_some(())
    })
    .await;
    assert!(response.into_body().collect().await.is_err());
}

#[tokio::test]
async fn a_drain_tells_http_2_clients_to_go() {
    let backend = Backend::start(|_| ok("x")).await;
    let rig = Rig::with(&file(), &[&backend]);
    let stream = TcpStream::connect(rig.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get("http://a/")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let response = soon("an answer", sender.send_request(request))
        .await
        .unwrap();
    response.into_body().collect().await.unwrap();
    let (patience, limit) = (
        std::time::Duration::from_secs(15),
        std::time::Duration::from_secs(15),
    );
    let report = rig.gateway.drain(patience, limit).await;
    assert_eq!(report.connections_left, 0);
    soon("the goodbye", connection).await.unwrap().unwrap();
}

#[tokio::test]
async fn websockets_pass_both_ways_and_count_until_their_end() {
    use futures_util::{SinkExt, StreamExt};
    use tokio_tungstenite::tungstenite::Message;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            while let Some(Ok(message)) = socket.next().await {
                if message.is_text() {
                    socket.send(message).await.unwrap();
                }
            }
        }
    });
    let rig = Rig::new(&file());
    rig.publish(&[address]);
    let stream = TcpStream::connect(rig.address).await.unwrap();
    let (mut socket, response) = soon(
        "the handshake",
        tokio_tungstenite::client_async("ws://a/chat", stream),
    )
    .await
    .unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    for text in ["one", "two"] {
        socket.send(Message::text(text)).await.unwrap();
        let echo = soon("an echo", socket.next()).await.unwrap().unwrap();
        assert_eq!(echo, Message::text(text));
    }
    let route = rig.counters().routes.remove(0);
    assert_eq!((route.requests, route.ok), (1, 0), "it is under way");
    assert_eq!(
        rig.counters().listeners[0].connections_open,
        1,
        "and keeps its place"
    );
    socket.close(None).await.unwrap();
    drop(socket);
    assert_eq!(rig.settled().await.ok, 1);
}

#[tokio::test]
async fn an_upgrade_that_is_not_granted_leaves_http_in_place() {
    let backend = Backend::start(|_| ok("no")).await;
    let rig = Rig::with(&file(), &[&backend]);
    let mut plain = rig.connect().await;
    for _ in 0..3 {
        plain
            .send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            .await;
        assert_eq!(plain.answer().await.body, "no");
    }
    plain
        .send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
        .await;
    assert_eq!(plain.answer().await.body, "no");
    let heads: Vec<String> = backend
        .requests()
        .into_iter()
        .map(|seen| seen.head)
        .collect();
    assert_eq!(header(&heads[0], "upgrade").unwrap(), "websocket");
    assert_eq!(header(&heads[3], "upgrade"), None, "h2c is never passed on");
}

#[tokio::test]
async fn an_upgrade_that_nobody_asked_for_is_refused() {
    let backend = Backend::start(|_| {
        Act::Tunnel(
            b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"
                .to_vec(),
        )
    })
    .await;
    let rig = Rig::with(&file(), &[&backend]);
    assert_eq!(rig.get("/").await.status, 502);
}

fn write_certificate(folder: &Path, stem: &str, names: &[&str]) -> TlsCertificate {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let certificate = folder.join(format!("{stem}.pem"));
    let key = folder.join(format!("{stem}.key"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    TlsCertificate { certificate, key }
}

/// Handshakes as `name`, trusting only the certificate in `trusted`.
async fn handshake(
    address: SocketAddr,
    name: &str,
    trusted: &Path,
    alpn: &[&[u8]],
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(trusted).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|alpn| alpn.to_vec()).collect();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    tokio_rustls::TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

#[tokio::test]
async fn tls_chooses_by_name_and_reads_again() {
    let backend = Backend::start(|_| ok("secret")).await;
    let folder = tempfile::tempdir().unwrap();
    let a = write_certificate(folder.path(), "a", &["a.test"]);
    let b = write_certificate(folder.path(), "b", &["b.test", "*.b.test"]);
    let mut file = file();
    file.listeners[0].tls = vec![a.clone(), b.clone()];
    let rig = Rig::with(&file, &[&backend]);
    for (name, right, wrong) in [("a.test", &a, &b), ("b.test", &b, &a), ("x.b.test", &b, &a)] {
        handshake(rig.address, name, &right.certificate, &[])
            .await
            .unwrap();
        handshake(rig.address, name, &wrong.certificate, &[])
            .await
            .unwrap_err();
    }
    let stream = handshake(rig.address, "a.test", &a.certificate, &[b"h2"])
        .await
        .unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let request = Request::get("https://a.test/")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let response = soon("an answer", sender.send_request(request))
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        header(&backend.requests()[0].head, "x-forwarded-proto").unwrap(),
        "https"
    );

    // A broken file changes nothing; a good one is taken.
    std::fs::write(&a.certificate, "no certificate").unwrap();
    let old = folder.path().join("old.pem");
    until("nothing breaks", || async {
        std::fs::copy(&b.certificate, &old).unwrap();
        handshake(rig.address, "b.test", &old, &[]).await.ok()
    })
    .await;
    let new = write_certificate(folder.path(), "a", &["a.test"]);
    until("the new certificate is used", || async {
        handshake(rig.address, "a.test", &new.certificate, &[])
            .await
            .ok()
    })
    .await;
}

#[tokio::test]
async fn plain_text_on_a_tls_listener_fails_and_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = file();
    file.listeners[0].tls = vec![write_certificate(folder.path(), "a", &["a.test"])];
    let rig = Rig::new(&file);
    let mut plain = rig.connect().await;
    plain.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    plain.ends().await;
    until("it is counted", || async {
        (rig.counters().listeners[0].handshakes_failed == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_missing_certificate_is_a_clear_error() {
    let mut file = file();
    file.listeners[0].tls = vec![TlsCertificate {
        certificate: "/nonexistent/a.pem".into(),
        key: "/nonexistent/a.key".into(),
    }];
    let error = ninefold_gateway::Gateway::start(&file, Path::new("/nonexistent")).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("/nonexistent/a.pem cannot be read"),
        "{error}"
    );
}

#[tokio::test]
async fn an_upgrade_behind_a_body_is_no_upgrade() {
    let backend = Backend::start(|_| ok("no")).await;
    let rig = Rig::with(&file(), &[&backend]);
    for framing in [
        "Content-Length: 3\r\n\r\nabc",
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        let mut plain = rig.connect().await;
        let request = format!(
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{framing}"
        );
        plain.send(request.as_bytes()).await;
        assert_eq!(plain.answer().await.body, "no");
        plain.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(plain.answer().await.body, "no", "HTTP goes on");
    }
    for seen in backend.requests() {
        assert_eq!(header(&seen.head, "upgrade"), None, "{}", seen.head);
    }
}

#[tokio::test]
async fn http_2_heads_are_as_strict_as_those_of_http_1() {
    let backend = Backend::start(|_| ok("x")).await;
    let mut file = file();
    file.listeners[0].limits.headers = 10;
    let rig = Rig::with(&file, &[&backend]);
    let stream = TcpStream::connect(rig.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let many: Vec<(&str, &str)> = vec![("x", "y"); 11];
    for (uri, headers, status) in [
        ("http://a/", [].as_slice(), 200),
        ("http://a/", &[("host", "a")], 200),
        ("http://a/", &[("host", "b")], 400),
        ("http://a/", &[("host", "a"), ("host", "b")], 400),
        ("http://u@a/", &[], 400),
        ("http://a/", &many, 431),
    ] {
        let mut request = Request::get(uri).version(Version::HTTP_2);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let response = soon("an answer", sender.send_request(request)).await;
        assert_eq!(response.unwrap().status(), status, "{uri} {headers:?}");
    }
    assert_eq!(backend.requests().len(), 2);
    let none = rig.counters().routes.pop().unwrap();
    assert_eq!((none.requests, none.refused), (4, 4));
}
