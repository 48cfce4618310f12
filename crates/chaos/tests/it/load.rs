//! The load driver against servers that misbehave.

use std::net::SocketAddr;
use std::time::Duration;

use ninefold_chaos::load::{Load, Outcome, Plan, PlanError, Record};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::files::request;
use super::fixture::eventually_async;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// What a server does with one request's bytes.
async fn server<F, R>(behave: F) -> SocketAddr
where
    F: Fn(TcpStream) -> R + Clone + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(behave(stream));
        }
    });
    address
}

async fn read_request(stream: &mut TcpStream) -> bool {
    let mut bytes = [0u8; 4_096];
    matches!(stream.read(&mut bytes).await, Ok(n) if n > 0)
}

fn plan(address: SocketAddr, method: &str, timeout: Duration) -> Plan {
    Plan::new(
        address,
        "host",
        &[request(method, "/{id}")],
        100.0,
        timeout,
        "run",
    )
    .unwrap()
}

async fn some(address: SocketAddr, method: &str, timeout: Duration) -> Vec<Record> {
    let load = Load::start(plan(address, method, timeout));
    eventually_async("some operations ended", || load.records().len() >= 10).await;
    load.finish().await
}

#[tokio::test]
async fn a_stall_is_paid_for_by_every_request_it_should_have_met() {
    let (open, opened) = watch::channel(false);
    let address = server(move |mut stream| {
        let mut opened = opened.clone();
        async move {
            while read_request(&mut stream).await {
                opened.wait_for(|open| *open).await.unwrap();
                stream.write_all(OK).await.unwrap();
            }
        }
    })
    .await;
    let load = Load::start(plan(address, "GET", Duration::from_secs(30)));
    eventually_async("half a second of load is due", || {
        load.elapsed() > Duration::from_millis(500)
    })
    .await;
    let opened_at = load.elapsed();
    open.send_replace(true);
    eventually_async("the stalled requests ended", || load.records().len() >= 40).await;
    let records = load.finish().await;
    // Whoever was due before the server woke waited from its due moment until then.
    let before = |record: &&Record| Duration::from_nanos(record.intended_ns) < opened_at;
    let stalled: Vec<&Record> = records.iter().filter(before).collect();
    assert!(stalled.len() >= 40, "{}", stalled.len());
    for record in stalled {
        let end = Duration::from_nanos(record.intended_ns + record.latency_ns);
        assert!(end >= opened_at, "{record:?}");
        assert_eq!(record.outcome, Outcome::Acked);
    }
}

#[tokio::test]
async fn cut_connections_fail_what_is_idempotent_and_leave_the_rest_unknown() {
    let address = server(|mut stream| async move {
        read_request(&mut stream).await;
    })
    .await;
    let get = some(address, "GET", Duration::from_secs(5)).await;
    assert!(get.iter().all(|record| record.outcome == Outcome::Failed));
    let post = some(address, "POST", Duration::from_secs(5)).await;
    assert!(post.iter().all(|record| record.outcome == Outcome::Unknown));
}

#[tokio::test]
async fn a_timeout_and_a_half_answer_are_no_answer() {
    let silent = server(|mut stream| async move { while read_request(&mut stream).await {} }).await;
    let post = some(silent, "POST", Duration::from_millis(50)).await;
    assert!(post.iter().all(|record| record.outcome == Outcome::Unknown));
    let half = server(|mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(&OK[..OK.len() - 1]).await.unwrap();
    })
    .await;
    let get = some(half, "GET", Duration::from_secs(5)).await;
    assert!(
        get.iter()
            .all(|record| (record.outcome, record.status) == (Outcome::Failed, 0))
    );
}

#[tokio::test]
async fn what_was_never_sent_failed_whatever_its_method() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let post = some(address, "POST", Duration::from_secs(5)).await;
    assert!(post.iter().all(|record| record.outcome == Outcome::Failed));
}

#[tokio::test]
async fn statuses_from_500_fail_and_kept_connections_are_reused() {
    let (count, counted) = watch::channel(0u32);
    let address = server(move |mut stream| {
        count.send_modify(|count| *count += 1);
        async move {
            while read_request(&mut stream).await {
                let answer = b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n";
                stream.write_all(answer).await.unwrap();
            }
        }
    })
    .await;
    let records = some(address, "POST", Duration::from_secs(5)).await;
    assert!(
        records
            .iter()
            .all(|record| (record.outcome, record.status) == (Outcome::Failed, 500))
    );
    assert!(*counted.borrow() < 10, "{} connections", *counted.borrow());
}

#[test]
fn a_load_that_cannot_be_sent_is_refused() {
    let address = "127.0.0.1:1".parse().unwrap();
    let new = |requests: &[_], rate| {
        Plan::new(
            address,
            "host",
            requests,
            rate,
            Duration::from_secs(1),
            "run",
        )
        .map(drop)
    };
    assert_eq!(new(&[], 1.0), Err(PlanError::Count(0)));
    assert!(matches!(
        new(&[request("GE T", "/")], 1.0),
        Err(PlanError::Method(0, _))
    ));
    assert!(matches!(
        new(&[request("CONNECT", "/")], 1.0),
        Err(PlanError::Method(0, _))
    ));
    assert!(matches!(
        new(&[request("GET", "nowhere")], 1.0),
        Err(PlanError::Path(0, _))
    ));
    assert!(matches!(
        new(&[request("GET", "/ x")], 1.0),
        Err(PlanError::Path(0, _))
    ));
    for rate in [0.0, -1.0, f64::NAN, 1e9] {
        assert!(matches!(
            new(&[request("GET", "/")], rate),
            Err(PlanError::Rate(_))
        ));
    }
}
