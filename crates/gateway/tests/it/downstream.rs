//! Requests one after another over one connection of HTTP/1.

use ninefold_config::model::{Bytes, Span};
use tokio::io::AsyncWriteExt;

use crate::backend::{Act, Backend, ok};
use crate::rig::{Rig, file, soon, until};

/// Answers with what the request was.
async fn telling() -> Backend {
    Backend::start(|seen| {
        let (line, _) = seen.head.split_once("\r\n").unwrap();
        if line.contains("/chunks") {
            return Act::Answer(
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
                    .to_vec(),
            );
        }
        if line.starts_with("HEAD") {
            return Act::Answer(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n".to_vec());
        }
        ok(&format!("{line} with {} bytes", seen.body.len()))
    })
    .await
}

/// Without what differs from time to time.
fn lasting(answers: &str) -> String {
    let differs = |line: &&str| line.starts_with("date: ") || line.starts_with("x-request-id: ");
    let lines = answers.split_inclusive("\r\n");
    lines.filter(|line| !differs(line)).collect()
}

#[tokio::test]
async fn pieces_of_any_size_have_the_same_answers() {
    const STREAM: &str = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n\
        POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\
        \r\nPUT /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nde\r\n0\r\nx: y\r\n\r\n\
        HEAD /4 HTTP/1.1\r\nHost: a\r\n\r\n\
        GET /5 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n\
        GET /chunks HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
    for end in [
        "GET /7 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET /7 HTTP/1.0\r\n\r\n",
        "GET /7 HTTP/1.1\r\n\r\nGET /8 HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /7 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
    ] {
        let stream = format!("{STREAM}{end}");
        let backend = telling().await;
        let rig = Rig::with(&file(), &[&backend]);
        let mut whole = None;
        for size in [stream.len(), 1, 7, 100] {
            let mut plain = rig.connect().await;
            plain.stream.set_nodelay(true).unwrap();
            for piece in stream.as_bytes().chunks(size) {
                // The gateway may have refused what came before.
                if soon("send", plain.stream.write_all(piece)).await.is_err() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            let answers = lasting(&plain.rest().await);
            let count = |status| answers.matches(status).count();
            let (good, bad) = (count(" 200 OK\r\n"), count(" 400 Bad Request\r\n"));
            assert_eq!(good + bad, 7, "{answers}");
            assert!(answers.contains("\r\n\r\nPOST /2 HTTP/1.1 with 5 bytes"));
            assert!(!answers.contains("/8"), "{answers}");
            let whole = whole.get_or_insert_with(|| answers.clone());
            assert_eq!(*whole, answers, "in pieces of {size}");
        }
    }
}

#[tokio::test]
async fn a_body_that_nobody_wants_is_read_up_if_it_is_there() {
    let mut file = file();
    file.listeners[0].routes[0].path = "/here".to_owned();
    let rig = Rig::new(&file);
    let mut plain = rig.connect().await;
    for body in [
        "Content-Length: 5\r\n\r\nhello",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ] {
        let request = format!("POST /there HTTP/1.1\r\nHost: a\r\n{body}");
        plain.send(request.as_bytes()).await;
        let answer = plain.answer().await;
        assert_eq!((answer.status, answer.header("connection")), (404, None));
    }
    let request = "POST /there HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\nhello";
    plain.send(request.as_bytes()).await;
    // More than the gateway reads, so that closing would reset the connection.
    plain.send(&[b'x'; 100_000]).await;
    let answer = plain.answer().await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.header("connection").unwrap(), "close");
    plain.stream.shutdown().await.unwrap();
    assert_eq!(plain.rest().await, "");
}

#[tokio::test]
async fn refusals_are_in_the_shape_that_was_asked_for() {
    let rig = Rig::new(&file());
    for (head, why) in [
        (
            "GET / HTTP/1.1\r\n",
            "exactly one valid Host header is needed",
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n",
            "the Content-Length header is malformed or repeated",
        ),
    ] {
        let json = rig
            .once(&format!("{head}Accept: application/json\r\n\r\n"))
            .await;
        let body: serde_json::Value = serde_json::from_str(&json.body).unwrap();
        assert_eq!((json.status, body["detail"].as_str()), (400, Some(why)));
        let plain = rig.once(&format!("{head}\r\n")).await;
        assert_eq!(plain.body, format!("Bad Request: {why}\n"));
    }
}

#[tokio::test]
async fn http_1_0_is_answered_as_it_can_read() {
    let backend = telling().await;
    let rig = Rig::with(&file(), &[&backend]);
    let mut plain = rig.connect().await;
    let kept = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    for _ in 0..2 {
        plain.send(kept).await;
        let answer = plain.answer().await;
        assert!(answer.head.starts_with("HTTP/1.0 200 OK\r\n"));
        assert_eq!(answer.header("connection").unwrap(), "keep-alive");
    }
    // It knows no chunks: the end of the connection is that of the answer.
    plain
        .send(b"GET /chunks HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        .await;
    let head = plain.head().await.unwrap();
    assert_eq!(head.header("connection").unwrap(), "close");
    assert_eq!(head.header("transfer-encoding"), None);
    assert_eq!(plain.rest().await, "abc");
}

/// The endpoint has answered, and takes nothing more of a body that the client goes on to send.
#[tokio::test]
async fn an_endpoint_that_takes_nothing_does_not_hold_a_client_for_good() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let endpoint = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        stream.write_all(answer).await.unwrap();
        std::future::pending::<()>().await;
    });
    let mut file = file();
    file.listeners[0].limits.idle = Span::millis(100);
    file.listeners[0].limits.body_size = Bytes(1 << 30);
    let rig = Rig::new(&file);
    rig.publish(&[address]);
    let mut plain = rig.connect().await;
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n";
    plain.send(head).await;
    let (mut read, mut write) = plain.stream.into_split();
    // Ends with an error once the gateway closes.
    let upload = tokio::spawn(async move {
        let piece = vec![b'x'; 1 << 20];
        while write.write_all(&piece).await.is_ok() {}
    });
    let mut answer = Vec::new();
    let ended = tokio::io::AsyncReadExt::read_to_end(&mut read, &mut answer);
    soon("the gateway closes", ended).await.ok();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    soon("the upload ends", upload).await.unwrap();
    until("the place is free", || async {
        (rig.counters().listeners[0].connections_open == 0).then_some(())
    })
    .await;
    endpoint.abort();
}

/// The time for a head that was sent ahead begins when it is its turn.
#[tokio::test]
async fn a_part_of_a_head_that_was_sent_ahead_is_cut_too() {
    let mut file = file();
    file.listeners[0].limits.head_time = Span::millis(100);
    let rig = Rig::new(&file);
    let mut plain = rig.connect().await;
    plain.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET").await;
    assert_eq!(plain.answer().await.status, 503);
    assert_eq!(plain.answer().await.status, 408);
    assert_eq!(plain.rest().await, "");
}
