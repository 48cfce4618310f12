use proptest::prelude::*;

use super::*;

const LIMITS: HeadLimits = HeadLimits {
    size: 512,
    headers: 8,
};

/// Reads `input` in pieces as a connection would; how much was taken, and the refusal.
fn run(input: &[u8], cuts: &[usize]) -> (usize, Option<Refusal>) {
    let mut reader = RequestReader::new(LIMITS);
    let (mut held, mut at) = (BytesMut::new(), 0);
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (input.len() + 1)).collect();
    ends.push(input.len());
    ends.sort_unstable();
    for end in ends {
        held.extend_from_slice(&input[at..end]);
        at = end;
        loop {
            match reader.next(&mut held) {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(refusal) => return (at - held.len(), Some(refusal)),
            }
        }
    }
    (at - held.len(), None)
}

#[test]
fn passes_what_is_unambiguous() {
    let long_line = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(400));
    for good in [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:a:80 \r\nX-Empty:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: [::1]:8080\r\nX: caf\u{e9}\r\n\r\n",
        "GET http://a.b:1/x HTTP/1.1\r\nHost: A.b:1\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=\"y\"\r\nabc\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
        long_line.as_str(),
    ] {
        assert_eq!(run(good.as_bytes(), &[]), (good.len(), None), "{good:?}");
    }
}

/// Bodies whose framing two parsers may read differently.
const BAD_CHUNKS: [&str; 15] = [
    "3\nabc\r\n0\r\n\r\n",
    "3\r\nabc\n0\r\n\r\n",
    "3\r\nabcd\r\n0\r\n\r\n",
    "3\r\nabcd",
    "3\r\nabc\rd",
    " 3\r\nabc\r\n0\r\n\r\n",
    "3 \r\nabc\r\n0\r\n\r\n",
    "0x3\r\nabc\r\n0\r\n\r\n",
    "-3\r\nabc\r\n0\r\n\r\n",
    "\r\n",
    "fffffffffffffffff\r\n",
    "3;\x01\r\nabc\r\n0\r\n\r\n",
    "0\r\nX: y\n\r\n",
    "0\r\nContent-Length: 5\r\n\r\n",
    "0\r\nHost: b\r\n\r\n",
];

#[test]
fn refuses_what_is_ambiguous() {
    use Refusal::*;
    let te = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let table: Vec<(String, Refusal)> = [
        ("GET / HTTP/1.1\nHost: a\n\n", BareLineFeed),
        ("GET / HTTP/1.1\r\nHost: a\n\r\n", BareLineFeed),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", BareLineFeed),
        ("GET / HTTP/1.1\r\n\r\n", Host),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", Host),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", Host),
        ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", Host),
        ("GET / HTTP/1.1\r\nHost: \r\n\r\n", Host),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: a b\r\n\r\n", Connection),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: close, \u{e9}\r\n\r\n", Connection),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", FieldName),
        ("GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", FieldName),
        ("GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", FieldName),
        ("GET / HTTP/1.1\r\nHost: a\r\nX\0: y\r\n\r\n", FieldName),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", FieldValue),
        ("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", FoldedField),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\tz\r\n\r\n", FoldedField),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", RequestLine),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", RequestLine),
        ("GET /\r\nHost: a\r\n\r\n", RequestLine),
        ("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", RequestLine),
        ("G@T / HTTP/1.1\r\nHost: a\r\n\r\n", RequestLine),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", Version),
        ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", Version),
        ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", Target),
        ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", Target),
        ("GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", Target),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", Target),
        ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", Target),
        ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", Target),
        ("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", Connect),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", ContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nx", ContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx", ContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\nx", ContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nx", ContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999\r\n\r\n", ContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", TransferEncoding),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n", TransferEncoding),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", TransferEncoding),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", TransferEncoding),
        ("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", TransferEncoding),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", AmbiguousLength),
        ("\x16\x03\x01\x02\0\x01\0", RequestLine),
    ]
    .into_iter()
    .map(|(text, why)| (text.to_owned(), why))
    .chain(
        BAD_CHUNKS
        .map(|body| (format!("{te}{body}"), Chunk)),
    )
    .collect();
    for (bad, why) in table {
        let (passed, refused) = run(bad.as_bytes(), &[]);
        assert_eq!(refused, Some(why), "{bad:?} passed {passed}");
        assert!(passed == 0 || passed >= te.len().min(bad.len()), "{bad:?}");
    }
}

#[test]
fn limits_are_kept() {
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(8));
    assert_eq!(run(many.as_bytes(), &[]).1, Some(Refusal::HeadTooLarge));
    let large = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "y".repeat(600));
    assert_eq!(run(large.as_bytes(), &[]).1, Some(Refusal::HeadTooLarge));
    let long = format!("GET /{}", "y".repeat(600));
    assert_eq!(run(long.as_bytes(), &[]).1, Some(Refusal::TargetTooLong));
    let trailers = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n{}\r\n",
        "X: y\r\n".repeat(9)
    );
    assert_eq!(run(trailers.as_bytes(), &[]).1, Some(Refusal::Chunk));
    let extension = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;{}",
        "x".repeat(300)
    );
    assert_eq!(run(extension.as_bytes(), &[]).1, Some(Refusal::Chunk));
}

#[test]
fn stops_behind_a_request_to_upgrade() {
    let head = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let mut input = BytesMut::from(&head[..]);
    input.extend_from_slice(b"\x81\x05hello");
    let mut reader = RequestReader::new(LIMITS);
    let event = reader.next(&mut input);
    assert!(matches!(event, Ok(Some(RequestEvent::Head(head))) if head.upgrade));
    assert_eq!(reader.stage(), Stage::Upgrade);
    assert!(matches!(reader.next(&mut input), Ok(None)));
    assert_eq!(&input[..], b"\x81\x05hello");
    reader.resume();
    assert_eq!(reader.next(&mut input).err(), Some(Refusal::RequestLine));
}

#[test]
fn a_refused_head_stays_to_be_looked_at() {
    let text = "\r\nGET /a b HTTP/1.1\r\nHost: a\r\n\r\nbehind";
    let mut input = BytesMut::from(text);
    let mut reader = RequestReader::new(LIMITS);
    for _ in 0..2 {
        assert_eq!(reader.next(&mut input).err(), Some(Refusal::RequestLine));
        assert_eq!(input, text);
    }
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        "3\r\nabc\r\n",
        "0\r\n\r\n",
        "0\r\nX: y\r\n\r\n",
        "\r\n",
        "\n",
        "\r",
        "x",
        "Host: b\r\n",
        "Content-Length: 1\r\n",
        "\0",
    ];
    prop::collection::vec(
        prop_oneof![
            4 => prop::sample::select(pieces.to_vec()).prop_map(|s| s.as_bytes().to_vec()),
            1 => prop::collection::vec(any::<u8>(), 0..6),
        ],
        0..10,
    )
    .prop_map(|pieces| pieces.concat())
}

proptest! {
    /// However the network cuts the stream, the same bytes are taken and the same verdict falls.
    #[test]
    fn any_split_gives_the_same_verdict(
        input in stream(),
        cuts in prop::collection::vec(any::<usize>(), 0..40),
    ) {
        let ((passed, verdict), (passed_cut, verdict_cut)) = (run(&input, &[]), run(&input, &cuts));
        prop_assert_eq!(verdict, verdict_cut);
        prop_assert!(verdict.is_some() || passed == passed_cut);
    }

    #[test]
    fn never_panics(input in prop::collection::vec(any::<u8>(), 0..600)) {
        let (passed, _) = run(&input, &[]);
        prop_assert!(passed <= input.len());
    }
}
