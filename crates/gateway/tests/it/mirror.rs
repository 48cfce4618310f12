//! Copies of requests for another service.

use ninefold_config::model::{File, Mirror, Ratio};
use ninefold_gateway::Mirrored;

use crate::backend::{Act, Backend, ok, status};
use crate::rig::{Rig, file, service, until, views, views_of_service};

fn mirrored(share: u64) -> File {
    let mut file = file();
    file.services.insert("copy".parse().unwrap(), service());
    file.listeners[0].routes[0].mirror = Some(Mirror {
        service: "copy".parse().unwrap(),
        share: Ratio::percent(share),
    });
    file
}

fn start(file: &File, main: &Backend, copy: &Backend) -> Rig {
    let rig = Rig::new(file);
    let mut all = views(&[main.address]);
    all.extend(views_of_service("copy", &[copy.address]));
    rig.gateway.publish(all);
    rig
}

fn count(rig: &Rig, end: Mirrored) -> u64 {
    let route = rig.counters().routes.remove(0);
    let mut all = route.mirrored.into_iter();
    all.find(|(known, _)| *known == end).unwrap().1
}

async fn counted(rig: &Rig, end: Mirrored, expected: u64) {
    until("all copies are over", || async {
        (count(rig, end) == expected).then_some(())
    })
    .await;
}

#[tokio::test]
async fn copies_come_whole_and_marked_and_count_for_nobody() {
    let main = Backend::start(|_| ok("main")).await;
    let copy = Backend::start(|_| status(500)).await;
    let rig = start(&mirrored(100), &main, &copy);
    let get = "GET /a?b=1 HTTP/1.1\r\nHost: a\r\nX-Mirrored: no\r\n\r\n";
    let post = "POST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    for request in [get, post] {
        assert_eq!(rig.once(request).await.body, "main");
    }
    counted(&rig, Mirrored::Failed, 2).await;
    let copies = copy.requests();
    assert_eq!(copies.len(), 2);
    let of = |start: &str| {
        copies
            .iter()
            .find(|one| one.head.starts_with(start))
            .unwrap()
    };
    let (get, post) = (of("GET /a?b=1 "), of("POST /c "));
    assert_eq!(post.body, b"hello");
    for one in [get, post] {
        let marks: Vec<_> = one
            .head
            .lines()
            .filter(|line| line.starts_with("x-mirrored"))
            .collect();
        assert_eq!(marks, ["x-mirrored: 1"]);
        assert!(one.head.contains("x-request-id: "), "{}", one.head);
    }
    assert!(
        main.requests()
            .iter()
            .all(|one| !one.head.contains("x-mirrored: 1"))
    );
    let route = rig.settled().await;
    assert_eq!(
        (route.requests, route.ok, route.failed, route.retries),
        (2, 2, 0, 0)
    );
}

#[tokio::test]
async fn a_copy_that_hangs_delays_nobody_and_a_body_that_is_too_large_is_not_copied() {
    let main = Backend::start(|_| ok("main")).await;
    let copy = Backend::start(|_| Act::Hang).await;
    let mut file = mirrored(100);
    file.listeners[0].routes[0].timeout = ninefold_config::model::Span::millis(400);
    let rig = start(&file, &main, &copy);
    for _ in 0..5 {
        assert_eq!(rig.get("/").await.body, "main");
    }
    let body = "x".repeat(65 << 10);
    let length = body.len();
    let large = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}");
    assert_eq!(rig.once(&large).await.body, "main");
    counted(&rig, Mirrored::Skipped, 1).await;
    // They end at the route's own limit.
    counted(&rig, Mirrored::Failed, 5).await;
    assert_eq!(rig.settled().await.ok, 6);
}

#[tokio::test]
async fn a_share_is_copied() {
    let main = Backend::start(|_| ok("main")).await;
    let copy = Backend::start(|_| ok("copy")).await;
    let rig = start(&mirrored(25), &main, &copy);
    for _ in 0..200 {
        assert_eq!(rig.get("/").await.body, "main");
    }
    let copies = u64::try_from(copy.requests().len()).unwrap();
    counted(&rig, Mirrored::Ok, copies).await;
    assert!((20..85).contains(&copies), "{copies} of 200");
    // Kept connections serve again.
    let endpoints = rig.counters().endpoints.into_iter();
    let mut connects = endpoints.filter(|one| &*one.instance.service == "copy");
    let connects = connects.next().unwrap().connects;
    assert!(connects < copies, "{connects}");
}
