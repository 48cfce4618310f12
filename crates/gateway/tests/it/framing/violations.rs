//! Frames of HTTP/2 that break its rules: the connection or the stream ends, and nobody else's.

use super::frames::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, Frames, GET, HEADERS, PADDED, PING, PRIORITY,
    PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE, block, frame, head,
};
use super::rows::{echo, one_thread};
use crate::backend::Backend;
use crate::rig::Rig;

/// Section, what is special, the frames, and what becomes of stream 1.
type Row = (&'static str, &'static str, fn() -> Vec<u8>, &'static str);

/// A request whose body is still to come.
fn open() -> Vec<u8> {
    head(1, GET, false)
}

/// A request with this block of fields.
fn coded(block: &[u8]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, 1, block)
}

fn setting(id: u16, value: u32) -> Vec<u8> {
    let payload = [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
    frame(SETTINGS, 0, 0, &payload)
}

#[rustfmt::skip]
const STREAMS: &[Row] = &[
    ("9113 4.1", "a type that nobody knows", || [frame(0xbe, 0xff, 1, b"x"), head(1, GET, true)].concat(), "200"),
    ("9113 4.1", "flags that nobody knows", || frame(HEADERS, 0xd2 | END_HEADERS | END_STREAM, 1, &block(GET)), "200"),
    ("9113 5.1.1", "a stream with an even number", || head(2, GET, true), "goaway PROTOCOL_ERROR"),
    ("9113 5.1.1", "a stream before the last one", || [head(3, GET, true), head(1, GET, true)].concat(), "goaway PROTOCOL_ERROR"),
    ("9113 5.1", "data on a stream that is none yet", || frame(DATA, END_STREAM, 1, b"x"), "goaway PROTOCOL_ERROR"),
    ("9113 5.1", "a reset of a stream that is none yet", || frame(RST_STREAM, 0, 1, &[0, 0, 0, 8]), "goaway PROTOCOL_ERROR"),
    ("9113 5.1", "a window for a stream that is none yet", || frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1]), "goaway PROTOCOL_ERROR"),
    ("9113 5.1", "data behind the end of a stream", || [head(1, GET, true), frame(DATA, END_STREAM, 1, b"x")].concat(), "goaway PROTOCOL_ERROR"),
    ("9113 5.1", "a head behind the end of a stream", || [head(1, GET, true), head(1, GET, true)].concat(), "goaway PROTOCOL_ERROR"),
    ("9113 8.1", "trailers that do not end the stream", || [open(), frame(HEADERS, END_HEADERS, 1, &block("x: y"))].concat(), "reset PROTOCOL_ERROR"),
    ("9113 6.1", "data on no stream", || frame(DATA, 0, 0, b"x"), "goaway PROTOCOL_ERROR"),
    ("9113 6.1", "more padding than data", || [open(), frame(DATA, PADDED, 1, &[2, b'x'])].concat(), "goaway PROTOCOL_ERROR"),
    ("9113 6.2", "a head on no stream", || head(0, GET, true), "goaway PROTOCOL_ERROR"),
    ("9113 6.2", "more padding than head", || frame(HEADERS, END_HEADERS | PADDED, 1, &[9, 0x82]), "goaway PROTOCOL_ERROR"),
    ("9113 5.3.1", "a stream that depends on itself", || frame(PRIORITY, 0, 1, &[0, 0, 0, 1, 0]), "reset PROTOCOL_ERROR"),
    ("9113 6.6", "a promise of a client", || [open(), frame(PUSH_PROMISE, END_HEADERS, 1, &[&[0, 0, 0, 2], &block(GET)[..]].concat())].concat(), "goaway PROTOCOL_ERROR"),
    ("9113 6.10", "a continuation of nothing", || frame(CONTINUATION, END_HEADERS, 1, &block(GET)), "goaway PROTOCOL_ERROR"),
    ("9113 6.10", "a head in two frames", || { let block = block(GET); [frame(HEADERS, END_STREAM, 1, &block[..9]), frame(CONTINUATION, END_HEADERS, 1, &block[9..])].concat() }, "200"),
    ("9113 6.10", "another frame within a head", || [frame(HEADERS, END_STREAM, 1, &block(GET)), frame(PING, 0, 0, &[0; 8])].concat(), "goaway PROTOCOL_ERROR"),
    ("9113 6.10", "another head within a head", || [frame(HEADERS, END_STREAM, 1, &block(GET)), head(3, GET, true)].concat(), "goaway PROTOCOL_ERROR"),
    ("9113 6.10", "a continuation of another stream", || [frame(HEADERS, END_STREAM, 1, &block(GET)), frame(CONTINUATION, END_HEADERS, 3, &[])].concat(), "goaway PROTOCOL_ERROR"),
];

#[rustfmt::skip]
const CONNECTIONS: &[Row] = &[
    ("9113 4.2", "a frame larger than was allowed", || [open(), frame(DATA, 0, 1, &[0; 16_385])].concat(), "goaway FRAME_SIZE_ERROR"),
    ("9113 6.4", "a reset of three bytes", || [open(), frame(RST_STREAM, 0, 1, &[0; 3])].concat(), "goaway PROTOCOL_ERROR"),
    ("9113 6.5", "settings of five bytes", || frame(SETTINGS, 0, 0, &[0; 5]), "goaway PROTOCOL_ERROR"),
    ("9113 6.5", "settings of a stream", || frame(SETTINGS, 0, 1, &[]), "goaway PROTOCOL_ERROR"),
    ("9113 6.5", "an acknowledgement that says more", || frame(SETTINGS, ACK, 0, &[0; 6]), "goaway PROTOCOL_ERROR"),
    ("9113 6.5.2", "a setting that nobody knows", || [setting(0xbeef, 1), head(1, GET, true)].concat(), "200"),
    ("9113 6.5.2", "a window of more than 31 bits", || setting(4, 1 << 31), "goaway PROTOCOL_ERROR"),
    ("9113 6.5.2", "frames that are too small", || setting(5, 1), "goaway PROTOCOL_ERROR"),
    ("9113 6.7", "a ping of seven bytes", || frame(PING, 0, 0, &[0; 7]), "goaway PROTOCOL_ERROR"),
    ("9113 6.7", "a ping of a stream", || frame(PING, 0, 1, &[0; 8]), "goaway PROTOCOL_ERROR"),
    ("9113 6.9", "a window for nothing", || frame(WINDOW_UPDATE, 0, 0, &[0; 4]), "goaway PROTOCOL_ERROR"),
    ("9113 6.9", "a stream's window for nothing", || [open(), frame(WINDOW_UPDATE, 0, 1, &[0; 4])].concat(), "goaway PROTOCOL_ERROR"),
    ("9113 6.9.1", "a window of more than 31 bits in all", || frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff]), "goaway FLOW_CONTROL_ERROR"),
    ("9113 6.9.1", "a stream's window of more than 31 bits", || [open(), frame(WINDOW_UPDATE, 0, 1, &[0x7f, 0xff, 0xff, 0xff])].concat(), "reset FLOW_CONTROL_ERROR"),
    ("7541 6.1", "a field with the index 0", || coded(&[0x80]), "goaway PROTOCOL_ERROR"),
    ("7541 2.3.3", "an index behind the table", || coded(&[0xff, 0x00]), "goaway PROTOCOL_ERROR"),
    ("7541 5.1", "an index without an end", || coded(&[0xff; 64]), "goaway PROTOCOL_ERROR"),
    ("7541 5.2", "a value longer than its block", || coded(&[0x00, 0x01, b'x', 0x7f, 0x7f, b'y']), "goaway PROTOCOL_ERROR"),
    ("7541 5.2", "the end of Huffman's code within a value", || coded(&[0x00, 0x01, b'x', 0x84, 0xff, 0xff, 0xff, 0xff]), "goaway PROTOCOL_ERROR"),
    ("7541 6.3", "a table larger than was allowed", || coded(&[0x3f, 0xe1, 0xff, 0x03]), "goaway PROTOCOL_ERROR"),
    ("7541 4.2", "another table behind a field", || coded(&[0x82, 0x20]), "goaway PROTOCOL_ERROR"),
];

async fn run(rows: &[Row]) {
    let backend = Backend::start(echo).await;
    let rig = Rig::with(&one_thread(), &[&backend]);
    let mut wrong = String::new();
    for (rfc, what, frames, becomes) in rows {
        let mut client = Frames::connect(rig.address).await;
        client.send(&frames()).await;
        let (became, _) = client.outcome(1).await;
        if became != *becomes {
            wrong += &format!("\nRFC {rfc}, {what}: {became}, expected {becomes}");
        }
        let after = rig.get("/after").await;
        assert_eq!(
            (after.status, after.body.as_str()),
            (200, "/after"),
            "{what}"
        );
    }
    assert_eq!(wrong, "");
}

#[tokio::test]
async fn of_streams() {
    run(STREAMS).await;
}

#[tokio::test]
async fn of_connections() {
    run(CONNECTIONS).await;
}
