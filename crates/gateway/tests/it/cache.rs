//! Answers that are kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use ninefold_config::model::{Bytes, Cache, File, Span};
use ninefold_gateway::{CacheCounters, CacheResult};
use tokio::sync::Notify;

use crate::backend::{Act, Backend, Seen, status};
use crate::rig::{Answer, Rig, file, until};

fn cached(cache: Cache) -> File {
    let mut file = file();
    file.listeners[0].routes[0].cache = Some(cache);
    file
}

/// An answer with these header lines; its body counts up.
fn counting(lines: &'static str) -> impl Fn(&Seen) -> Act + Send + Sync + 'static {
    let count = AtomicUsize::new(0);
    move |_| {
        let body = (count.fetch_add(1, SeqCst) + 1).to_string();
        answer(lines, &body)
    }
}

fn answer(lines: &str, body: &str) -> Act {
    let length = body.len();
    let text = format!("HTTP/1.1 200 OK\r\n{lines}content-length: {length}\r\n\r\n{body}");
    Act::Answer(text.into_bytes())
}

fn counters(rig: &Rig) -> CacheCounters {
    rig.counters().routes[0].cache.unwrap()
}

fn said(answer: &Answer) -> String {
    answer.header("cache-status").unwrap_or_default()
}

async fn get(rig: &Rig, lines: &str) -> Answer {
    rig.once(&format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n"))
        .await
}

#[tokio::test]
async fn a_fresh_answer_is_given_again() {
    let backend = Backend::start(counting("cache-control: max-age=60\r\nx-a: b\r\n")).await;
    let rig = Rig::with(&cached(Cache::default()), &[&backend]);
    let first = rig.get("/").await;
    assert_eq!(
        (&*first.body, &*said(&first)),
        ("1", "ninefold; fwd=miss; stored")
    );
    for _ in 0..3 {
        let again = rig.get("/").await;
        assert_eq!((again.status, &*again.body), (200, "1"));
        assert!(said(&again).starts_with("ninefold; hit; ttl="), "{again:?}");
        assert!(again.header("age").is_some());
        assert_eq!(again.header("x-a").as_deref(), Some("b"));
    }
    let mut plain = rig.connect().await;
    plain.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let head = plain.head().await.unwrap();
    assert_eq!(head.header("content-length").as_deref(), Some("1"));
    assert_eq!(plain.buffered(), 0);
    assert_eq!(backend.requests().len(), 1);
    // Another target is another answer.
    assert_eq!(rig.get("/?b").await.body, "2");
    let other = rig.once("GET / HTTP/1.1\r\nHost: b\r\n\r\n").await;
    assert_eq!(other.body, "3");
    let route = rig.settled().await;
    assert_eq!((route.ok, route.answered), (7, 7));
    let cache = route.cache.unwrap();
    assert_eq!(
        (
            cache.count(CacheResult::Hit),
            cache.count(CacheResult::Miss)
        ),
        (4, 3)
    );
    assert_eq!(cache.entries, 3);
    assert!(cache.bytes > 0);
}

#[tokio::test]
async fn what_is_private_is_asked_for_each_time() {
    for (lines, asks) in [
        ("cache-control: max-age=60, private\r\n", ""),
        ("cache-control: max-age=60, no-store\r\n", ""),
        ("cache-control: max-age=60\r\nset-cookie: a=1\r\n", ""),
        ("cache-control: max-age=60\r\nvary: *\r\n", ""),
        ("cache-control: max-age=60\r\n", "Cookie: a=1\r\n"),
        (
            "cache-control: max-age=60\r\n",
            "Authorization: Basic eA==\r\n",
        ),
        (
            "cache-control: public, max-age=60\r\n",
            "Cache-Control: no-store\r\n",
        ),
        (
            "cache-control: public, max-age=60\r\n",
            "Range: bytes=0-0\r\n",
        ),
    ] {
        let backend = Backend::start(counting(lines)).await;
        let rig = Rig::with(&cached(Cache::default()), &[&backend]);
        assert_eq!(get(&rig, asks).await.body, "1", "{lines}{asks}");
        assert_eq!(get(&rig, asks).await.body, "2", "{lines}{asks}");
        assert_eq!(counters(&rig).entries, 0, "{lines}{asks}");
    }
    // Marked for everybody, it is for those with a cookie too.
    let backend = Backend::start(counting("cache-control: public, max-age=60\r\n")).await;
    let rig = Rig::with(&cached(Cache::default()), &[&backend]);
    assert_eq!(get(&rig, "Cookie: a=1\r\n").await.body, "1");
    assert_eq!(get(&rig, "Cookie: b=1\r\n").await.body, "1");
    // And one that is not marked is not, although it is kept for others.
    let backend = Backend::start(counting("cache-control: max-age=60\r\n")).await;
    let rig = Rig::with(&cached(Cache::default()), &[&backend]);
    assert_eq!(get(&rig, "").await.body, "1");
    assert_eq!(get(&rig, "Cookie: b=1\r\n").await.body, "2");
    assert_eq!(get(&rig, "").await.body, "1");
}

#[tokio::test]
async fn answers_differ_by_what_vary_names() {
    let lines = "cache-control: max-age=60\r\nvary: Accept-Language\r\n";
    let backend = Backend::start(counting(lines)).await;
    let rig = Rig::with(&cached(Cache::default()), &[&backend]);
    for (language, expected) in [("de", "1"), ("fr", "2"), ("de", "1"), ("fr", "2")] {
        let line = format!("Accept-Language: {language}\r\n");
        assert_eq!(get(&rig, &line).await.body, expected);
    }
    assert_eq!(get(&rig, "").await.body, "3");
}

/// Services make redirects of it: that to https is none for who came by https.
#[tokio::test]
async fn what_a_believed_proxy_says_of_the_target_belongs_to_it() {
    let backend = Backend::start(counting("cache-control: max-age=60\r\n")).await;
    let mut file = cached(Cache::default());
    file.listeners[0].trust_forwarded = true;
    let rig = Rig::with(&file, &[&backend]);
    for (lines, expected) in [
        ("", "1"),
        ("X-Forwarded-Proto: http\r\n", "1"),
        ("X-Forwarded-Proto: https\r\n", "2"),
        ("X-Forwarded-Host: a\r\n", "1"),
        ("X-Forwarded-Host: evil\r\n", "3"),
        ("X-Forwarded-Port: 8443\r\n", "4"),
        ("", "1"),
    ] {
        assert_eq!(get(&rig, lines).await.body, expected, "{lines}");
    }
}

#[tokio::test]
async fn whoever_has_it_is_told_so() {
    let backend = Backend::start(counting("cache-control: max-age=60\r\netag: \"v\"\r\n")).await;
    let rig = Rig::with(&cached(Cache::default()), &[&backend]);
    // Also the first one, for whom the whole answer is fetched.
    for _ in 0..2 {
        let answer = get(&rig, "If-None-Match: W/\"v\"\r\n").await;
        assert_eq!((answer.status, &*answer.body), (304, ""));
        assert_eq!(answer.header("etag").as_deref(), Some("\"v\""));
    }
    assert_eq!(get(&rig, "If-None-Match: \"w\"\r\n").await.status, 200);
    let requests = backend.requests();
    assert_eq!(requests.len(), 1);
    assert!(
        !requests[0]
            .head
            .to_ascii_lowercase()
            .contains("if-none-match")
    );
}

#[tokio::test]
async fn a_stale_answer_is_confirmed() {
    let backend = Backend::start(|seen| {
        if seen.head.contains("if-none-match: \"v\"") {
            Act::Answer(b"HTTP/1.1 304 X\r\ncache-control: max-age=60\r\nx-a: new\r\n\r\n".to_vec())
        } else {
            answer(
                "cache-control: max-age=0\r\netag: \"v\"\r\nx-a: old\r\n",
                "body",
            )
        }
    })
    .await;
    let rig = Rig::with(
        &cached(Cache {
            stale_while_revalidate: Span::secs(0),
            ..Cache::default()
        }),
        &[&backend],
    );
    assert_eq!(rig.get("/").await.body, "body");
    let confirmed = rig.get("/").await;
    assert_eq!((confirmed.status, &*confirmed.body), (200, "body"));
    assert_eq!(said(&confirmed), "ninefold; fwd=stale; fwd-status=304");
    assert_eq!(confirmed.header("x-a").as_deref(), Some("new"));
    assert!(said(&rig.get("/").await).starts_with("ninefold; hit"));
    assert_eq!(backend.requests().len(), 2);
    assert_eq!(counters(&rig).count(CacheResult::Revalidated), 1);
}

#[tokio::test]
async fn a_stale_answer_is_given_while_a_new_one_is_fetched() {
    let backend = Backend::start(counting("cache-control: max-age=0\r\n")).await;
    let rig = Rig::with(&cached(Cache::default()), &[&backend]);
    assert_eq!(rig.get("/").await.body, "1");
    let stale = rig.get("/").await;
    assert_eq!(stale.body, "1");
    assert!(said(&stale).starts_with("ninefold; hit; ttl="), "{stale:?}");
    // Each look may begin a renewal of its own.
    until("a new one is there", || async {
        (rig.get("/").await.body != "1").then_some(())
    })
    .await;
    // Nobody waited for the renewals: they are no requests of clients.
    let route = rig.settled().await;
    let cache = route.cache.unwrap();
    assert_eq!(cache.count(CacheResult::Miss), 1);
    assert_eq!(cache.count(CacheResult::Stale), route.requests - 1);
    assert_eq!((route.ok, route.cancelled), (route.requests, 0));
}

#[tokio::test]
async fn a_stale_answer_is_better_than_an_error() {
    let failing = Arc::new(AtomicUsize::new(0));
    let fails = Arc::clone(&failing);
    let backend = Backend::start(move |seen| match fails.load(SeqCst) {
        _ if seen.head.starts_with("POST") => status(503),
        0 => answer("cache-control: max-age=0\r\n", "kept"),
        1 => status(503),
        2 => status(500),
        _ => Act::Close,
    })
    .await;
    for how in 1..=3 {
        failing.store(0, SeqCst);
        let rig = Rig::with(
            &cached(Cache {
                stale_while_revalidate: Span::secs(0),
                ..Cache::default()
            }),
            &[&backend],
        );
        assert_eq!(rig.get("/").await.body, "kept");
        failing.store(how, SeqCst);
        let answer = rig.get("/").await;
        assert_eq!((answer.status, &*answer.body), (200, "kept"), "{how}");
        assert_eq!(said(&answer), "ninefold; fwd=stale; detail=stale-if-error");
        // Whoever comes next does not wait to learn the same.
        let again = rig.get("/").await;
        assert!(said(&again).starts_with("ninefold; hit"), "{again:?}");
        // Nothing is kept of other targets, and nothing is for writes.
        assert!(rig.get("/other").await.status >= 500);
        let write = rig
            .once("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            .await;
        assert_eq!(write.status, 503);
        let route = rig.settled().await;
        assert_eq!((route.ok, route.failed, route.masked), (3, 2, 1), "{how}");
        assert_eq!(route.cache.unwrap().count(CacheResult::Stale), 2);
        // Once the service is well, there is a new answer.
        failing.store(0, SeqCst);
    }
}

#[tokio::test]
async fn the_route_says_how_long_where_the_answer_does_not() {
    let backend = Backend::start(counting("")).await;
    let fresh = Cache {
        fresh: Span::secs(60),
        ..Cache::default()
    };
    let rig = Rig::with(&cached(fresh), &[&backend]);
    assert_eq!(rig.get("/").await.body, "1");
    assert_eq!(rig.get("/").await.body, "1");
    // Unless the client wants a new one.
    assert_eq!(get(&rig, "Cache-Control: no-cache\r\n").await.body, "2");
    assert_eq!(get(&rig, "Cache-Control: max-age=50\r\n").await.body, "2");
    assert_eq!(get(&rig, "Cache-Control: max-age=0\r\n").await.body, "3");
    assert_eq!(rig.get("/").await.body, "3");
    let kept = rig.once("GET /none HTTP/1.1\r\nHost: a\r\nCache-Control: only-if-cached\r\n\r\n");
    assert_eq!(kept.await.status, 504);
}

#[tokio::test]
async fn requests_for_the_same_wait_for_one() {
    let told = Arc::new(Notify::new());
    let theirs = Arc::clone(&told);
    let backend = Backend::start(move |_| {
        let bytes = b"HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 1\r\n\r\nx";
        Act::AnswerWhen(Arc::clone(&theirs), bytes.to_vec())
    })
    .await;
    let rig = Rig::with(&cached(Cache::default()), &[&backend]);
    let all = async {
        let ten = std::array::from_fn::<_, 10, _>(|_| rig.get("/"));
        futures_util::future::join_all(ten).await
    };
    let release = async {
        until("all have come", || async {
            let route = rig.counters().routes.into_iter().next()?;
            (route.requests == 10).then_some(())
        })
        .await;
        told.notify_one();
    };
    let (answers, ()) = tokio::join!(all, release);
    assert!(answers.iter().all(|answer| answer.body == "x"));
    assert_eq!(backend.requests().len(), 1);
    let cache = rig.settled().await.cache.unwrap();
    assert_eq!(
        (
            cache.count(CacheResult::Hit),
            cache.count(CacheResult::Miss)
        ),
        (9, 1)
    );
}

/// Nobody waits for an answer that cannot be kept: after the first one all go at once.
#[tokio::test]
async fn requests_do_not_wait_for_what_cannot_be_kept() {
    let told = Arc::new(Notify::new());
    let theirs = Arc::clone(&told);
    let first = AtomicUsize::new(0);
    let backend = Backend::start(move |_| {
        let bytes = b"HTTP/1.1 200 OK\r\ncache-control: private\r\ncontent-length: 1\r\n\r\nx";
        match first.fetch_add(1, SeqCst) {
            0 => Act::Answer(bytes.to_vec()),
            _ => Act::AnswerWhen(Arc::clone(&theirs), bytes.to_vec()),
        }
    })
    .await;
    let rig = Rig::with(&cached(Cache::default()), &[&backend]);
    assert_eq!(rig.get("/").await.body, "x");
    let all = async { tokio::join!(rig.get("/"), rig.get("/"), rig.get("/")) };
    let release = async {
        until("all are there at once", || async {
            (backend.requests().len() == 4).then_some(())
        })
        .await;
        for _ in 0..3 {
            told.notify_one();
            tokio::task::yield_now().await;
        }
        told.notify_waiters();
    };
    let (answers, ()) = tokio::join!(all, release);
    assert_eq!(answers.0.body, "x");
    assert_eq!(
        (answers.1.body, answers.2.body),
        ("x".to_owned(), "x".to_owned())
    );
}

/// Whole, and not kept.
#[tokio::test]
async fn large_bodies_pass_by() {
    let large: &'static str = "0123456789abcdef".repeat(200).leak();
    let backend = Backend::start(move |seen| {
        let path = seen.head.split(' ').nth(1).unwrap().to_owned();
        let head = "cache-control: max-age=60\r\n";
        let chunks = |text: &str| {
            let size = text.len();
            let text = format!("HTTP/1.1 200 OK\r\n{head}transfer-encoding: chunked\r\n\r\n{size:x}\r\n{text}\r\n0\r\n\r\n");
            Act::Answer(text.into_bytes())
        };
        match path.as_str() {
            "/length" => answer(head, large),
            "/chunks" => chunks(large),
            "/small" => chunks("small"),
            _ => Act::AnswerAndClose(format!("HTTP/1.1 200 OK\r\n{head}\r\nuntil the end").into_bytes()),
        }
    })
    .await;
    let small = Cache {
        body_size: Bytes(1_024),
        ..Cache::default()
    };
    let rig = Rig::with(&cached(small), &[&backend]);
    for _ in 0..2 {
        let known = rig.get("/length").await;
        assert_eq!(
            (known.body.as_str(), &*said(&known)),
            (large, "ninefold; fwd=miss")
        );
        let chunked = rig.get("/chunks").await;
        // Sizes and pieces take turns.
        let pieces: String = chunked.body.lines().skip(1).step_by(2).collect();
        assert_eq!(pieces, large);
        // Its end may be a breakage.
        let mut plain = rig.connect().await;
        plain
            .send(b"GET /end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .await;
        let open = plain.rest().await;
        assert!(open.contains("until the end"), "{open}");
    }
    assert_eq!(backend.requests().len(), 6);
    assert_eq!(counters(&rig).entries, 0);
    for _ in 0..2 {
        assert_eq!(rig.get("/small").await.body, "small");
    }
    assert_eq!((backend.requests().len(), counters(&rig).entries), (7, 1));
}

/// What breaks off while it is gathered has failed before anything was sent.
#[tokio::test]
async fn half_an_answer_is_not_kept_and_the_stale_one_given() {
    let half = Arc::new(AtomicUsize::new(0));
    let theirs = Arc::clone(&half);
    let backend = Backend::start(move |_| match theirs.load(SeqCst) {
        0 => answer("cache-control: max-age=0\r\n", "whole"),
        _ => Act::AnswerAndClose(
            b"HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 9\r\n\r\nhalf"
                .to_vec(),
        ),
    })
    .await;
    let on_error = Cache {
        stale_while_revalidate: Span::secs(0),
        ..Cache::default()
    };
    let rig = Rig::with(&cached(on_error), &[&backend]);
    assert_eq!(rig.get("/").await.body, "whole");
    half.store(1, SeqCst);
    let answer = rig.get("/").await;
    assert_eq!((answer.status, &*answer.body), (200, "whole"));
    assert_eq!(rig.get("/new").await.status, 502);
    assert_eq!(rig.counters().endpoints[0].report.reset, 2);
}

#[tokio::test]
async fn a_write_makes_what_is_kept_untrue() {
    let backend = Backend::start(counting("cache-control: max-age=60\r\n")).await;
    let rig = Rig::with(&cached(Cache::default()), &[&backend]);
    assert_eq!(rig.get("/").await.body, "1");
    let write = "PUT / HTTP/1.1\r\nHost: A\r\nContent-Length: 1\r\n\r\nx";
    let write = rig.once(write).await;
    assert_eq!(
        (&*write.body, &*said(&write)),
        ("2", "ninefold; fwd=bypass")
    );
    assert_eq!(rig.get("/").await.body, "3");
    assert_eq!(rig.get("/").await.body, "3");
}

#[tokio::test]
async fn memory_is_bounded() {
    let body: &'static str = "x".repeat(5_000).leak();
    let backend = Backend::start(move |_| answer("cache-control: max-age=60\r\n", body)).await;
    let little = Cache {
        size: Bytes(64 << 10),
        ..Cache::default()
    };
    let rig = Rig::with(&cached(little), &[&backend]);
    let mut plain = rig.connect().await;
    for index in 0..50 {
        let request = format!("GET /{index} HTTP/1.1\r\nHost: a\r\n\r\n");
        plain.send(request.as_bytes()).await;
        assert_eq!(plain.answer().await.body.len(), 5_000);
    }
    let cache = counters(&rig);
    assert!(cache.bytes <= 64 << 10, "{cache:?}");
    assert!(cache.entries >= 8, "{cache:?}");
    assert!(said(&rig.get("/49").await).starts_with("ninefold; hit"));
}
