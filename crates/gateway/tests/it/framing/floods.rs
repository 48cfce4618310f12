//! What HTTP/2 lets a client ask for cheaply, in great numbers.

use ninefold_config::model::{Bytes, Span};

use super::frames::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, Frames, GET, HEADERS, PING, PREFACE,
    RST_STREAM, SETTINGS, WINDOW_UPDATE, block, frame, head,
};
use super::rows::{blameless, echo, one_thread};
use crate::backend::{Act, Backend, ok};
use crate::rig::{Plain, Rig, until};

/// Odd numbers of streams.
fn streams(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(|n| 2 * n + 1)
}

/// Others are served as before.
async fn goes_on(rig: &Rig) {
    let after = rig.get("/after").await;
    assert_eq!((after.status, after.body.as_str()), (200, "/after"));
}

/// CVE-2023-44487.
#[tokio::test]
async fn rapid_reset() {
    let backend = Backend::start(echo).await;
    let rig = Rig::with(&one_thread(), &[&backend]);
    let mut client = Frames::connect(rig.address).await;
    let flood: Vec<u8> = streams(500)
        .flat_map(|n| [head(n, GET, true), frame(RST_STREAM, 0, n, &[0, 0, 0, 8])].concat())
        .collect();
    client.send(&flood).await;
    assert_eq!(client.goodbye().await, "goaway ENHANCE_YOUR_CALM");
    goes_on(&rig).await;
    // The pieces in which it came had begun some, but by far not all.
    let begun = rig.counters().routes[0].requests;
    assert!(begun < 200, "{begun} requests");
}

/// The same by a client that lets each request reach an endpoint before it resets it.
#[tokio::test]
async fn patient_reset() {
    let backend = Backend::start(|seen| match seen.head.starts_with("GET /after ") {
        true => echo(seen),
        false => Act::Hang,
    })
    .await;
    let rig = Rig::with(&one_thread(), &[&backend]);
    let mut client = Frames::connect(rig.address).await;
    until("it is accepted", || async {
        (rig.counters().listeners[0].connections_open == 1).then_some(())
    })
    .await;
    let mut reset = 0;
    for n in streams(5_000) {
        client.send(&head(n, GET, true)).await;
        let begun = until("it begins, or the connection ends", || async {
            let counters = rig.counters();
            let ended = counters.listeners[0].connections_open == 0;
            let begun = counters.routes[0].requests > u64::from(n / 2);
            (ended || begun).then_some(!ended)
        });
        if !begun.await {
            break;
        }
        client.send(&frame(RST_STREAM, 0, n, &[0, 0, 0, 8])).await;
        reset += 1;
    }
    assert!((500..600).contains(&reset), "{reset} resets");
    assert_eq!(client.goodbye().await, "close");
    goes_on(&rig).await;
}

/// CVE-2025-8671: the client makes the gateway reset its streams.
#[tokio::test]
async fn made_you_reset() {
    let ways: [fn(u32) -> Vec<u8>; 3] = [
        // A window of more than 31 bits.
        |n| {
            let window = [0x7f, 0xff, 0xff, 0xff];
            [head(n, GET, true), frame(WINDOW_UPDATE, 0, n, &window)].concat()
        },
        // A body that is longer than it was said to be.
        |n| {
            let head = head(n, &format!("{GET}↵content-length: 1"), false);
            [head, frame(DATA, 0, n, b"xy")].concat()
        },
        // A malformed head.
        |n| head(n, &format!("{GET}↵connection: x"), true),
    ];
    for way in ways {
        let backend = Backend::start(echo).await;
        let rig = Rig::with(&one_thread(), &[&backend]);
        let mut client = Frames::connect(rig.address).await;
        let flood: Vec<u8> = streams(500).flat_map(way).collect();
        client.send(&flood).await;
        assert_eq!(client.goodbye().await, "goaway ENHANCE_YOUR_CALM");
        goes_on(&rig).await;
        let begun = rig.counters().routes[0].requests;
        assert!(begun < 200, "{begun} requests");
    }
}

/// CVE-2024-24549 and its kin: a head that never ends.
#[tokio::test]
async fn continuations() {
    let backend = Backend::start(echo).await;
    let rig = Rig::with(&one_thread(), &[&backend]);
    let field = block("x: y");
    for piece in [&[][..], &field] {
        let mut client = Frames::connect(rig.address).await;
        client
            .send(&frame(HEADERS, END_STREAM, 1, &block(GET)))
            .await;
        client
            .send(&frame(CONTINUATION, 0, 1, piece).repeat(2_000))
            .await;
        assert_eq!(client.goodbye().await, "goaway ENHANCE_YOUR_CALM");
        goes_on(&rig).await;
    }
    assert_eq!(backend.requests().len(), 2, "what went on");
}

/// Fields in the table, and then each of them named by one byte, again and again.
#[tokio::test]
async fn a_head_that_grows_as_it_is_unpacked() {
    let backend = Backend::start(echo).await;
    let mut file = one_thread();
    file.listeners[0].limits.head_size = Bytes(16 << 10);
    let rig = Rig::with(&file, &[&backend]);
    // A literal that is kept: `x`, with a value of 3,900 bytes. It has the index 62 then.
    let mut kept = vec![0x40, 1, b'x', 127, 0xbd, 29];
    kept.extend([b'y'; 127 + 61 + 29 * 128]);
    let bomb = |times: usize| [block(GET), kept.clone(), vec![0xbe; times]].concat();
    for (times, becomes) in [(2, "200"), (5, "431"), (10_000, "goaway ENHANCE_YOUR_CALM")] {
        let mut client = Frames::connect(rig.address).await;
        let flags = END_HEADERS | END_STREAM;
        client.send(&frame(HEADERS, flags, 1, &bomb(times))).await;
        assert_eq!(client.outcome(1).await.0, becomes, "{times} times");
        goes_on(&rig).await;
    }
}

#[tokio::test]
async fn more_streams_at_once_than_allowed() {
    let backend = Backend::start(|seen| match seen.head.starts_with("GET /after ") {
        true => echo(seen),
        false => Act::Hang,
    })
    .await;
    let mut file = one_thread();
    file.listeners[0].limits.streams = 10;
    let rig = Rig::with(&file, &[&backend]);
    let mut client = Frames::connect(rig.address).await;
    // Streams that are allowed are known to the client once it has seen the settings.
    let settings = client.next().await.unwrap();
    assert_eq!((settings.kind, settings.flags), (SETTINGS, 0));
    let allowed = settings.payload.chunks(6).find(|six| six[..2] == [0, 3]);
    assert_eq!(allowed.unwrap()[2..], [0, 0, 0, 10]);
    client.send(&frame(SETTINGS, ACK, 0, &[])).await;
    let heads: Vec<u8> = streams(11).flat_map(|n| head(n, GET, true)).collect();
    client.send(&heads).await;
    assert_eq!(client.outcome(21).await.0, "reset REFUSED_STREAM");
    goes_on(&rig).await;
    let reached = backend.requests().len();
    assert!(reached <= 11, "{reached} requests");
}

/// Each ping has to be answered, and a client that never reads lets the answers pile up.
#[tokio::test]
async fn pings_of_a_client_that_does_not_read() {
    let backend = Backend::start(echo).await;
    let mut file = one_thread();
    file.listeners[0].limits.body_pause = Span::millis(200);
    let rig = Rig::with(&file, &[&backend]);
    for flood in [frame(PING, 0, 0, &[7; 8]), frame(SETTINGS, 0, 0, &[])] {
        let mut client = Plain::connect(rig.address).await;
        client.send(PREFACE).await;
        client.send(&frame(SETTINGS, 0, 0, &[])).await;
        let flood = flood.repeat(4_000);
        let sent = crate::rig::soon("the gateway ends the connection", async {
            let mut sent = 0;
            while tokio::io::AsyncWriteExt::write_all(&mut client.stream, &flood)
                .await
                .is_ok()
            {
                sent += flood.len();
            }
            sent
        });
        // As much as the sockets' buffers hold.
        let sent = sent.await;
        assert!(sent < 64 << 20, "{sent} bytes");
        goes_on(&rig).await;
    }
}

/// A body that consists of pieces without a byte.
#[tokio::test]
async fn data_without_data() {
    let backend = Backend::start(echo).await;
    let rig = Rig::with(&one_thread(), &[&backend]);
    let mut client = Frames::connect(rig.address).await;
    client.send(&head(1, GET, false)).await;
    client.send(&frame(DATA, 0, 1, &[]).repeat(10_000)).await;
    assert_eq!(client.outcome(1).await.0, "goaway ENHANCE_YOUR_CALM");
    goes_on(&rig).await;
}

#[tokio::test]
async fn bodies_that_come_slowly() {
    let backend = Backend::start(echo).await;
    let mut file = one_thread();
    file.listeners[0].routes[0].timeout = Span::millis(300);
    let rig = Rig::with(&file, &[&backend]);
    let mut client = Frames::connect(rig.address).await;
    let post = GET.replace("GET", "POST");
    client.send(&head(1, &post, false)).await;
    client.send(&frame(DATA, 0, 1, b"x")).await;
    assert_eq!(client.outcome(1).await.0, "408");
    client.send(&head(3, GET, true)).await;
    assert_eq!(client.outcome(3).await.0, "200");
    goes_on(&rig).await;
    blameless(&rig, "");
}

/// A window of zero for every answer that is asked for.
#[tokio::test]
async fn answers_that_nobody_takes() {
    let large = "z".repeat(1 << 20);
    let backend = Backend::start(move |seen| match seen.head.starts_with("GET /after ") {
        true => echo(seen),
        false => ok(&large),
    })
    .await;
    let mut file = one_thread();
    file.listeners[0].limits.body_pause = Span::millis(200);
    let rig = Rig::with(&file, &[&backend]);
    let mut client = Frames::connect(rig.address).await;
    client
        .send(&frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]))
        .await;
    let heads: Vec<u8> = streams(20).flat_map(|n| head(n, GET, true)).collect();
    client.send(&heads).await;
    until("all of them are given up", || async {
        (rig.counters().routes[0].cancelled == 20).then_some(())
    })
    .await;
    goes_on(&rig).await;
    blameless(&rig, "");
}

#[tokio::test]
async fn heads_that_come_slowly() {
    let backend = Backend::start(echo).await;
    let mut file = one_thread();
    file.listeners[0].limits.idle = Span::millis(150);
    file.listeners[0].limits.head_time = Span::millis(150);
    let rig = Rig::with(&file, &[&backend]);
    // Half of the preface.
    let mut plain = rig.connect().await;
    plain.send(&PREFACE[..20]).await;
    assert_eq!(plain.rest().await, "");
    // Half of a head.
    let mut client = Frames::connect(rig.address).await;
    client
        .send(&frame(HEADERS, END_STREAM, 1, &block(GET)))
        .await;
    let (becomes, _) = client.outcome(1).await;
    assert_eq!(becomes, "close");
    goes_on(&rig).await;
}
