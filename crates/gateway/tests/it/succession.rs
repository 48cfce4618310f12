//! One gateway takes the place of another.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use ninefold_config::model::{
    Cache, File, Hedge, LimitBy, Overload, Protocol, RateLimit, Ratio, Span,
};
use ninefold_core::event::FaultNotice;
use ninefold_core::fault::{FaultEffect, GatewayFault};
use ninefold_core::id::InstanceId;
use ninefold_core::units::Rate;
use ninefold_gateway::{EndpointCounters, Gateway, Succession};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::backend::{Act, Backend, ok, ok_in_turn, status};
use crate::rig::{Plain, file, soon, until, views};

const LONG: Duration = Duration::from_secs(15);

/// A succession in front of backends.
struct Line {
    all: Arc<Succession>,
    state: tempfile::TempDir,
}

impl Line {
    fn new(file: &File, backends: &[&Backend]) -> Self {
        let state = tempfile::tempdir().unwrap();
        let first = Gateway::start(file, state.path()).unwrap();
        let all = Arc::new(Succession::new(first));
        let addresses: Vec<_> = backends.iter().map(|backend| backend.address).collect();
        all.publish(views(&addresses));
        Self { all, state }
    }

    fn address(&self) -> SocketAddr {
        self.all.addresses()[0].tcp().unwrap()
    }

    fn stage(&self, file: &File) {
        self.all.stage(file, self.state.path()).unwrap();
    }

    /// A whole hand-over; the one before drains beside.
    fn replace(&self, file: &File) -> tokio::task::JoinHandle<()> {
        self.stage(file);
        self.all.promote();
        let all = Arc::clone(&self.all);
        tokio::spawn(async move {
            let report = all.retire(LONG, LONG).await.unwrap();
            assert_eq!(report.connections_left, 0);
        })
    }

    fn requests(&self) -> (u64, u64) {
        let counters = self.all.counters();
        (counters.routes[0].requests, counters.routes[0].ok)
    }
}

fn threads(n: u16) -> File {
    File {
        threads: std::num::NonZeroU16::new(n),
        ..file()
    }
}

#[tokio::test]
async fn a_fault_goes_on_in_a_successor() {
    let backend = Backend::start(|_| ok("fine")).await;
    let file = file();
    let line = Line::new(&file, &[&backend]);
    let effect = FaultEffect::Abort { status: 418 };
    let notice = FaultNotice {
        id: "f-1".to_owned(),
        kind: effect.name().to_owned(),
        targets: vec![InstanceId::new("app", 0)],
        nodes: Vec::new(),
        claim: None,
        ttl_ns: 60_000_000_000,
        gateway: Some(GatewayFault {
            share_percent: 100,
            header: None,
            effect,
        }),
    };
    line.all.present().inject(&notice).unwrap();
    line.replace(&file).await.unwrap();
    let mut plain = Plain::connect(line.address()).await;
    plain.send(GET).await;
    assert_eq!(plain.answer().await.status, 418);
    let hits = line.all.present().end_fault("f-1").unwrap();
    assert_eq!((hits.requests, hits.failed + hits.ok), (1, 1));
    plain.send(GET).await;
    assert_eq!(plain.answer().await.status, 200);
}

#[tokio::test]
async fn a_trace_is_named_after_its_gateway_is_gone_until_there_is_a_newer_one() {
    let backend = Backend::start(|_| status(500)).await;
    let mut file = file();
    file.listeners[0].routes[0].retry = None;
    let line = Line::new(&file, &[&backend]);
    let ask = async |trace: &str| {
        let mut plain = Plain::connect(line.address()).await;
        let parent = format!("traceparent: 00-{trace}-b7ad6b7169203331-01");
        let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{parent}\r\n\r\n");
        plain.send(request.as_bytes()).await;
        plain.answer().await;
    };
    let named = || {
        let all = line.all.exemplars().by_sample().into_iter();
        all.map(|exemplar| exemplar.trace_id).collect::<Vec<_>>()
    };
    let (old, new) = ("1".repeat(32), "2".repeat(32));
    ask(&old).await;
    until("it to be named", || async {
        (named() == [old.as_str()]).then_some(())
    })
    .await;
    line.replace(&file).await.unwrap();
    assert_eq!(named(), [old.as_str()]);
    ask(&new).await;
    until("it to be named", || async {
        (named() == [new.as_str()]).then_some(())
    })
    .await;
    line.replace(&file).await.unwrap();
    assert_eq!(named(), [new.as_str()]);
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const POST: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";

/// A client that keeps its connection while the gateway does.
async fn keep_asking(address: SocketAddr, request: &[u8], end: &AtomicBool, done: &AtomicU64) {
    while !end.load(Relaxed) {
        let mut plain = Plain::connect(address).await;
        loop {
            plain.send(request).await;
            let answer = plain.answer().await;
            assert_eq!(answer.status, 200);
            done.fetch_add(1, Relaxed);
            let close = answer.header("connection").is_some_and(|it| it == "close");
            if close || end.load(Relaxed) {
                break;
            }
        }
    }
}

#[tokio::test]
async fn no_request_is_lost_and_no_count_goes_back_over_many_generations() {
    let backend = Backend::start(|_| ok("x")).await;
    let line = Line::new(&threads(2), &[&backend]);
    let (address, end, done) = (line.address(), AtomicBool::new(false), AtomicU64::new(0));
    let clients = futures_util::future::join_all((0..8).map(|client| {
        let request = if client % 2 == 0 { GET } else { POST };
        keep_asking(address, request, &end, &done)
    }));
    let reloads = async {
        let mut counted = 0;
        // More threads, fewer, and more again: sockets are added and go round.
        for generation in [3, 1, 2, 4, 1, 3, 2] {
            let before = done.load(Relaxed);
            until("traffic", || async {
                (done.load(Relaxed) > before + 50).then_some(())
            })
            .await;
            let retired = line.replace(&threads(generation));
            soon("the one before to go", retired).await.unwrap();
            let (requests, _) = line.requests();
            assert!(requests >= counted, "{requests} after {counted}");
            counted = requests;
        }
        end.store(true, Relaxed);
    };
    tokio::join!(clients, reloads);
    let sent = done.load(Relaxed);
    until("all are counted", || async {
        (line.requests() == (sent, sent)).then_some(())
    })
    .await;
    let open = || async { (line.all.counters().listeners[0].connections_open == 0).then_some(()) };
    until("connections end", open).await;
}

#[tokio::test]
async fn a_request_on_a_connection_that_was_idle_when_a_drain_began_is_answered() {
    let backend = Backend::start(|_| ok("x")).await;
    let line = Line::new(&file(), &[&backend]);
    let mut idle = Plain::connect(line.address()).await;
    idle.send(GET).await;
    assert_eq!(idle.answer().await.header("connection"), None);
    let mut silent = Plain::connect(line.address()).await;
    until("both are there", || async {
        (line.all.counters().listeners[0].connections_open == 2).then_some(())
    })
    .await;
    let retired = line.replace(&file());
    for plain in [&mut idle, &mut silent] {
        plain.send(POST).await;
        let answer = plain.answer().await;
        assert_eq!(
            (answer.status, answer.header("connection")),
            (200, Some("close".into()))
        );
        plain.ends().await;
    }
    soon("the one before to go", retired).await.unwrap();
}

#[tokio::test]
async fn a_successor_on_trial_serves_beside_and_leaves_again() {
    let (old, new) = (
        Backend::start(|_| ok("old")).await,
        Backend::start(|_| ok("new")).await,
    );
    let line = Line::new(&threads(1), &[&old]);
    let mut kept = Plain::connect(line.address()).await;
    kept.send(GET).await;
    assert_eq!(kept.answer().await.body, "old");
    // Its only route leads to nobody: whom it answers, it answers with 503.
    let mut other = threads(1);
    let mut services = other.services.clone().into_values();
    other.services = [("gone".parse().unwrap(), services.next().unwrap())].into();
    other.listeners[0].routes[0].service = "gone".parse().unwrap();
    line.stage(&other);
    line.all.try_first();
    until("the successor serves", || async {
        let status = {
            let mut plain = Plain::connect(line.address()).await;
            plain.send(GET).await;
            plain.answer().await.status
        };
        (status == 503).then_some(())
    })
    .await;
    let compared = line.all.compare().unwrap();
    assert!(compared.successor.routes[0].failed > 0);
    assert_eq!(compared.present.routes[0].failed, 0);
    kept.send(GET).await;
    let answer = kept.answer().await;
    assert_eq!(
        (answer.status, answer.header("connection")),
        (200, Some("close".into()))
    );

    line.all.withdraw();
    assert_eq!(
        line.all
            .retire(Duration::ZERO, LONG)
            .await
            .unwrap()
            .connections_left,
        0
    );
    let failed = line.all.counters().routes[0].failed;
    line.all.publish(views(&[new.address]));
    for _ in 0..20 {
        let mut plain = Plain::connect(line.address()).await;
        plain.send(GET).await;
        assert_eq!(plain.answer().await.body, "new");
    }
    assert_eq!(
        line.all.counters().routes[0].failed,
        failed,
        "its counts stay, and grow no more"
    );
}

#[tokio::test]
async fn what_traffic_holds_against_an_endpoint_goes_on() {
    let (good, bad) = (
        Backend::start(|_| ok("x")).await,
        Backend::start(|_| Act::Close).await,
    );
    let mut file = file();
    let service = file.services.values_mut().next().unwrap();
    service.ejection.base = Span::secs(600);
    service.ejection.max = Span::secs(600);
    service.ejection.max_share = Ratio::percent(50);
    let line = Line::new(&file, &[&good, &bad]);
    let ejected = || {
        let counters = line.all.counters();
        counters
            .endpoints
            .iter()
            .map(EndpointCounters::ejected)
            .collect::<Vec<_>>()
    };
    until("an ejection", || async {
        let mut plain = Plain::connect(line.address()).await;
        plain.send(GET).await;
        plain.answer().await;
        (ejected() == [false, true]).then_some(())
    })
    .await;
    let retired = line.replace(&file);
    soon("the one before to go", retired).await.unwrap();
    assert_eq!(
        ejected(),
        [false, true],
        "it would only come back by probation"
    );
    let counted = line.all.counters().endpoints[1].ejections;
    assert_eq!(counted.iter().map(|(_, count)| count).sum::<u64>(), 1);

    // Where nobody is ejected, nobody stays so.
    let service = file.services.values_mut().next().unwrap();
    service.ejection.failures = 0;
    let retired = line.replace(&file);
    soon("the one before to go", retired).await.unwrap();
    assert_eq!(ejected(), [false, false]);
}

#[tokio::test]
async fn what_a_limit_counted_goes_on() {
    let backend = Backend::start(|_| ok("x")).await;
    let mut file = file();
    file.listeners[0].routes[0].rate_limit = Some(RateLimit {
        rate: Rate::millihertz(1),
        burst: 3,
        by: LimitBy::Client,
        keys: 10,
    });
    let line = Line::new(&file, &[&backend]);
    let get = async || {
        let mut plain = Plain::connect(line.address()).await;
        plain.send(GET).await;
        plain.answer().await.status
    };
    assert_eq!([get().await, get().await], [200, 200]);
    let retired = line.replace(&file);
    assert_eq!([get().await, get().await], [200, 429]);
    soon("the one before to go", retired).await.unwrap();
    let retired = line.replace(&file);
    assert_eq!(get().await, 429);
    soon("the one before to go", retired).await.unwrap();
    assert_eq!(line.all.counters().routes[0].rate_limited, 2);
}

#[tokio::test]
async fn what_is_kept_of_answers_stays() {
    let lines = "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 1\r\n\r\nx";
    let backend = Backend::start(|_| Act::Answer(lines.as_bytes().to_vec())).await;
    let mut file = file();
    file.listeners[0].routes[0].cache = Some(Cache::default());
    let line = Line::new(&file, &[&backend]);
    let get = async || {
        let mut plain = Plain::connect(line.address()).await;
        plain.send(GET).await;
        plain.answer().await.header("cache-status").unwrap()
    };
    assert!(get().await.contains("fwd"));
    let retired = line.replace(&file);
    soon("the one before to go", retired).await.unwrap();
    assert!(get().await.contains("hit"));
    assert_eq!(line.all.counters().routes[0].cache.unwrap().entries, 1);
    // Other settings, another cache.
    file.listeners[0].routes[0].cache = Some(Cache {
        fresh: Span::secs(1),
        ..Cache::default()
    });
    let retired = line.replace(&file);
    soon("the one before to go", retired).await.unwrap();
    assert!(get().await.contains("fwd"));
    assert_eq!(backend.requests().len(), 2);
}

#[tokio::test]
async fn how_long_requests_take_is_known_to_the_next_one() {
    let backend = Backend::start(|_| ok("x")).await;
    let mut file = file();
    file.listeners[0].routes[0].hedge = Some(Hedge {
        samples: 20,
        ..Hedge::default()
    });
    let line = Line::new(&file, &[&backend]);
    until("it is known", || async {
        let mut plain = Plain::connect(line.address()).await;
        plain.send(GET).await;
        assert_eq!(plain.answer().await.status, 200);
        line.all.counters().routes[0].hedge_delay
    })
    .await;
    let retired = line.replace(&file);
    soon("the one before to go", retired).await.unwrap();
    assert!(line.all.counters().routes[0].hedge_delay.is_some());
}

#[tokio::test]
async fn two_generations_have_as_many_places_as_one() {
    let turns = Arc::new(Semaphore::new(0));
    let theirs = Arc::clone(&turns);
    let backend = Backend::start(move |_| ok_in_turn(&theirs, Duration::ZERO)).await;
    let mut file = file();
    file.services.values_mut().next().unwrap().overload = Some(Overload {
        initial_limit: 1,
        min_limit: 1,
        max_wait: Span::secs(20),
        ..Overload::default()
    });
    let line = Line::new(&file, &[&backend]);
    let places = async |expected: (u64, u64)| {
        until("the gate", || async {
            let gate = line.all.counters().services[0].clone();
            ((gate.in_flight, gate.waiting) == expected).then_some(())
        })
        .await;
    };
    let mut before = Plain::connect(line.address()).await;
    before.send(GET).await;
    places((1, 0)).await;
    let retired = line.replace(&file);
    let mut after = Plain::connect(line.address()).await;
    after.send(GET).await;
    places((1, 1)).await;
    turns.add_permits(2);
    assert_eq!(before.answer().await.status, 200);
    assert_eq!(after.answer().await.status, 200);
    soon("the one before to go", retired).await.unwrap();
    places((0, 0)).await;
}

#[tokio::test]
async fn plain_tcp_goes_on_and_new_connections_go_to_the_successor() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let echo = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                drop(tokio::io::copy(&mut from, &mut to).await);
            });
        }
    });
    let mut file = file();
    file.listeners[0].protocol = Protocol::Tcp;
    let line = Line::new(&file, &[]);
    line.all.publish(views(&[address]));
    let says = async |stream: &mut TcpStream, text: &[u8]| {
        stream.write_all(text).await.unwrap();
        let mut heard = vec![0; text.len()];
        soon("an echo", stream.read_exact(&mut heard))
            .await
            .unwrap();
        assert_eq!(heard, text);
    };
    let mut before = TcpStream::connect(line.address()).await.unwrap();
    says(&mut before, b"one").await;
    let retired = line.replace(&file);
    // Either may have taken it.
    let mut meanwhile = TcpStream::connect(line.address()).await.unwrap();
    says(&mut meanwhile, b"two").await;
    drop(meanwhile);
    says(&mut before, b"three").await;
    drop(before);
    soon("the one before to go", retired).await.unwrap();
    let mut after = TcpStream::connect(line.address()).await.unwrap();
    says(&mut after, b"four").await;
    drop(after);
    until("all are counted", || async {
        (line.requests() == (3, 3)).then_some(())
    })
    .await;
    echo.abort();
}

#[tokio::test]
async fn who_has_not_said_yet_whom_it_stands_for_is_still_heard() {
    let backend = Backend::start(|_| ok("x")).await;
    let mut file = file();
    file.listeners[0].proxy_protocol = true;
    let line = Line::new(&file, &[&backend]);
    let mut slow = Plain::connect(line.address()).await;
    slow.send(b"PROXY TCP4 192.0.2.7 ").await;
    until("it is there", || async {
        (line.all.counters().listeners[0].connections_open == 1).then_some(())
    })
    .await;
    let retired = line.replace(&file);
    slow.send(b"198.51.100.2 56324 443\r\n").await;
    let mut fresh = Plain::connect(line.address()).await;
    fresh
        .send(b"PROXY TCP4 192.0.2.8 198.51.100.2 56324 443\r\n")
        .await;
    for plain in [&mut slow, &mut fresh] {
        plain.send(GET).await;
        assert_eq!(plain.answer().await.status, 200);
    }
    drop((slow, fresh));
    soon("the one before to go", retired).await.unwrap();
    let seen = backend.requests();
    let mut clients: Vec<_> = seen
        .iter()
        .filter_map(|seen| crate::backend::header(&seen.head, "x-forwarded-for"))
        .collect();
    clients.sort();
    assert_eq!(clients, ["192.0.2.7", "192.0.2.8"]);
}

/// Who may connect changes with who serves, and not while that is only being tried.
#[tokio::test]
async fn the_mode_of_a_socket_is_that_of_the_gateway_which_serves() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.sock");
    let mut file = file();
    let listener = &mut file.listeners[0];
    listener.address = format!("unix:{}", path.display()).parse().unwrap();
    listener.mode = 0o600;
    let backend = Backend::start(|_| ok("x")).await;
    let line = Line::new(&file, &[&backend]);
    let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    file.listeners[0].mode = 0o660;
    line.stage(&file);
    line.all.try_first();
    assert_eq!(mode(), 0o600);
    line.all.withdraw();
    line.all.retire(LONG, LONG).await.unwrap();
    assert_eq!(mode(), 0o600);
    line.replace(&file).await.unwrap();
    assert_eq!(mode(), 0o660);
}
