//! Rows of bytes that a client sends.

use std::num::NonZeroU16;

use ninefold_config::model::File;
use tokio::io::AsyncWriteExt;

use super::normal::{requests, shown, wire};
use crate::backend::{Act, Backend, Seen};
use crate::rig::{Plain, Rig, file};

/// Section, what is special, what the client sends, what it sees, what reaches the upstream.
///
/// What it sees are the statuses, and `close` where the connection then ends; else it has to take
/// another request. A client that has nothing more to send closes its side at a `⊣`. Requests that
/// reach the upstream follow each other; `UPSTREAM` is its address. One that its client breaks off
/// ends in `…`, or does not reach it at all: that depends on when the gateway looks.
pub(super) type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

/// One data thread, so that there is one pool of connections to the upstream; and no second try.
pub(super) fn one_thread() -> File {
    let mut file = file();
    file.threads = NonZeroU16::new(1);
    file.listeners[0].routes[0].retry = None;
    file
}

/// Runs all rows; tells of all that went another way.
pub(super) async fn run(rows: &[Row]) {
    let mut wrong = String::new();
    for row in rows {
        let (rfc, what, sends, sees, upstream) = *row;
        let (saw, reached) = case(sends, sees).await;
        let as_expected = reached == upstream || upstream.ends_with('…') && reached.is_empty();
        if saw != sees || !as_expected {
            wrong += &format!(
                "\nRFC {rfc}, {what}: {sends}\n  saw      {saw:?}\n  expected {sees:?}\n  reached  {reached:?}\n  expected {upstream:?}\n"
            );
        }
    }
    assert_eq!(wrong, "");
}

/// Answers with the target; a `/tunnel` is granted.
pub(super) fn echo(seen: &Seen) -> Act {
    let target = seen.head.split(' ').nth(1).unwrap_or_default();
    if target == "/tunnel" {
        let granted =
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
        return Act::Tunnel(granted.as_bytes().to_vec());
    }
    let length = target.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
    // An answer to HEAD has no body.
    let body = if seen.head.starts_with("HEAD ") {
        ""
    } else {
        target
    };
    Act::Answer(format!("{head}{body}").into_bytes())
}

/// Whatever a client does, no endpoint is blamed for it.
pub(super) fn blameless(rig: &Rig, sends: &str) {
    for endpoint in rig.counters().endpoints {
        assert_eq!(endpoint.report.failures(), 0, "{sends}: {endpoint:?}");
    }
}

/// What the client saw, and what reached the upstream.
async fn case(sends: &str, sees: &str) -> (String, String) {
    let backend = Backend::start(echo).await;
    let rig = Rig::with(&one_thread(), &[&backend]);
    let mut plain = rig.connect().await;
    let bytes = sends.trim_end_matches('⊣');
    plain.send(&wire(bytes)).await;
    if bytes.len() < sends.len() {
        plain.stream.shutdown().await.unwrap();
    }
    let saw = watch(&mut plain, sends, sees).await;
    let after = rig.get("/after").await;
    assert_eq!(
        (after.status, after.body.as_str()),
        (200, "/after"),
        "{sends}"
    );
    blameless(&rig, sends);
    let streams = backend.streams.lock().unwrap().clone();
    let mut reached: Vec<String> = streams.iter().flat_map(|raw| requests(raw)).collect();
    // Its port is another one every time.
    let address = backend.address.to_string();
    for request in &mut reached {
        *request = request.replace(&address, "UPSTREAM");
    }
    let last = reached.pop();
    assert_eq!(
        last.as_deref(),
        Some("GET /after HTTP/1.1↵host: a↵↵"),
        "{sends}: {reached:?}"
    );
    if !saw.ends_with("close") {
        let next = reached.pop();
        assert_eq!(
            next.as_deref(),
            Some("GET /next HTTP/1.1↵host: a↵↵"),
            "{sends}: {reached:?}"
        );
    }
    (saw, reached.concat())
}

/// All answers, until the connection ends or has taken another request.
async fn watch(plain: &mut Plain, sends: &str, sees: &str) -> String {
    let mut saw = Vec::new();
    let answers = sees.split(' ').filter(|word| *word != "close").count();
    loop {
        if saw.len() == answers && !sees.ends_with("close") {
            plain.send(b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n").await;
        }
        let answer = if sends.starts_with("HEAD ") && saw.is_empty() {
            plain.head().await
        } else {
            plain.try_answer().await
        };
        match answer {
            None => saw.push("close".to_owned()),
            Some(answer) if answer.body == "/next" => {}
            Some(answer) => {
                saw.push(answer.status.to_string());
                if answer.status == 101 {
                    plain.stream.shutdown().await.unwrap();
                    saw.push(shown(plain.rest().await.as_bytes()));
                    saw.push("close".to_owned());
                } else {
                    continue;
                }
            }
        }
        return saw.join(" ");
    }
}
