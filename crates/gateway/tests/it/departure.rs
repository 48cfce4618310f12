//! Clients that close their side, and clients that leave.

use std::sync::Arc;
use std::time::Duration;

use ninefold_config::model::Span;
use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;

use crate::backend::{Act, Backend};
use crate::rig::{Plain, Rig, file, until};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A backend that answers each request when it is told to.
async fn patient(told: &Arc<Notify>) -> Backend {
    let told = Arc::clone(told);
    Backend::start(move |_| Act::AnswerWhen(Arc::clone(&told), ANSWER.to_vec())).await
}

/// A client whose request has reached the backend, as its `nth`.
async fn waiting(rig: &Rig, backend: &Backend, request: &str, nth: usize) -> Plain {
    let mut plain = rig.connect().await;
    plain.send(request.as_bytes()).await;
    until("the request arrives", || async {
        (backend.requests().len() == nth).then_some(())
    })
    .await;
    plain
}

async fn cancelled(rig: &Rig, count: u64) {
    until("the client is missed", || async {
        (rig.counters().routes[0].cancelled == count).then_some(())
    })
    .await;
}

#[tokio::test]
async fn who_closes_only_its_own_side_is_answered() {
    for request in [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
    ] {
        let told = Arc::new(Notify::new());
        let backend = patient(&told).await;
        let rig = Rig::with(&file(), &[&backend]);
        let mut plain = waiting(&rig, &backend, request, 1).await;
        plain.stream.shutdown().await.unwrap();
        told.notify_one();
        let answer = plain.answer().await;
        assert_eq!((answer.status, &*answer.body), (200, "ok"), "{request}");
        assert_eq!(plain.rest().await, "", "{request}");
        assert_eq!(rig.settled().await.ok, 1);
    }
}

/// Whoever announces the end is waited with for longer than anyone else, and cannot be told from
/// someone who has left.
#[tokio::test]
async fn who_announces_the_end_is_waited_with() {
    for last in [
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
    ] {
        let told = Arc::new(Notify::new());
        let backend = patient(&told).await;
        let mut file = file();
        file.listeners[0].routes[0].try_timeout = Span::secs(60);
        file.listeners[0].routes[0].timeout = Span::secs(60);
        let rig = Rig::with(&file, &[&backend]);
        let mut patient = waiting(&rig, &backend, last, 1).await;
        patient.stream.shutdown().await.unwrap();
        // Both kinds of leaving.
        for (index, request) in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        ]
        .into_iter()
        .enumerate()
        {
            let gone = waiting(&rig, &backend, request, 2 + index).await;
            drop(gone);
            cancelled(&rig, 1 + index as u64).await;
        }
        told.notify_waiters();
        assert_eq!(patient.answer().await.status, 200, "{last}");
        assert_eq!(rig.settled().await.ok, 1);
    }
}

#[tokio::test]
async fn a_reset_is_seen_at_once_whatever_was_announced() {
    let told = Arc::new(Notify::new());
    let backend = patient(&told).await;
    let rig = Rig::with(&file(), &[&backend]);
    let request = "GET / HTTP/1.0\r\n\r\n";
    let gone = waiting(&rig, &backend, request, 1).await;
    let socket = socket2::SockRef::from(&gone.stream);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    drop(gone);
    cancelled(&rig, 1).await;
}

/// An answer that pauses does not hide that its client has left.
#[tokio::test]
async fn who_leaves_within_an_answer_is_missed() {
    let backend = Backend::start(|_| {
        Act::Answer(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc".to_vec())
    })
    .await;
    let rig = Rig::with(&file(), &[&backend]);
    let mut plain = rig.connect().await;
    plain.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    plain.until(b"abc").await.unwrap();
    drop(plain);
    cancelled(&rig, 1).await;
}

/// What a client sends ahead is answered in its turn, and so is what it sent before it closed.
#[tokio::test]
async fn who_sends_ahead_and_closes_gets_every_answer() {
    let told = Arc::new(Notify::new());
    let backend = patient(&told).await;
    let rig = Rig::with(&file(), &[&backend]);
    let one = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut plain = waiting(&rig, &backend, one, 1).await;
    plain.send(b"GET /2 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    plain.stream.shutdown().await.unwrap();
    told.notify_one();
    assert_eq!(plain.answer().await.status, 200);
    told.notify_one();
    assert_eq!(plain.answer().await.status, 200);
    assert_eq!(plain.rest().await, "");
}
