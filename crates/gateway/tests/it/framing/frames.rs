//! A client of HTTP/2 that writes frames itself, so that they may be as wrong as can be.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::normal::wire;
use crate::rig::soon;

/// Types of frames (RFC 9113, section 6).
pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PUSH_PROMISE: u8 = 5;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

/// Flags of frames.
pub(super) const ACK: u8 = 1;
pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;
pub(super) const PADDED: u8 = 8;

pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The fields that every request has.
pub(super) const GET: &str = ":method: GET↵:scheme: http↵:authority: a↵:path: /";

/// One frame.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap();
    let mut frame = length.to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A length with a prefix of seven bits (RFC 7541, section 5.1).
fn length(block: &mut Vec<u8>, length: usize) {
    let Some(mut rest) = length.checked_sub(127) else {
        block.push(u8::try_from(length).unwrap());
        return;
    };
    block.push(127);
    while rest >= 128 {
        block.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    block.push(u8::try_from(rest).unwrap());
}

/// Fields as literals that leave no trace in the table (RFC 7541, section 6.2.2).
pub(super) fn block(fields: &str) -> Vec<u8> {
    let mut block = Vec::new();
    for field in fields.split('↵') {
        // Behind the colon that some names begin with.
        let end = field.match_indices(": ").find(|(at, _)| *at > 0).unwrap().0;
        block.push(0);
        for text in [&field[..end], &field[end + 2..]] {
            let bytes = wire(text);
            length(&mut block, bytes.len());
            block.extend(bytes);
        }
    }
    block
}

/// The head of a request.
pub(super) fn head(stream: u32, fields: &str, ends: bool) -> Vec<u8> {
    let flags = END_HEADERS | if ends { END_STREAM } else { 0 };
    frame(HEADERS, flags, stream, &block(fields))
}

/// A connection.
#[derive(Debug)]
pub(super) struct Frames {
    pub(super) stream: TcpStream,
    buffer: Vec<u8>,
}

/// A frame that came.
#[derive(Debug)]
pub(super) struct Came {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Frames {
    /// Connects and says what every client begins with.
    pub(super) async fn connect(address: SocketAddr) -> Self {
        let stream = soon("connect", TcpStream::connect(address)).await.unwrap();
        let mut frames = Self {
            stream,
            buffer: Vec::new(),
        };
        frames.send(PREFACE).await;
        frames.send(&frame(SETTINGS, 0, 0, &[])).await;
        frames
    }

    /// Sends bytes; whoever sends to one that has gone away hears of that as it reads.
    pub(super) async fn send(&mut self, bytes: &[u8]) {
        drop(soon("send", self.stream.write_all(bytes)).await);
    }

    /// The next frame, or nothing at the end of the connection.
    pub(super) async fn next(&mut self) -> Option<Came> {
        let head = self.take(9).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let payload = self.take(usize::try_from(length).unwrap()).await?;
        Some(Came {
            kind: head[3],
            flags: head[4],
            stream: u32::from_be_bytes([head[5], head[6], head[7], head[8]]),
            payload,
        })
    }

    async fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < length {
            let read = soon("read", self.stream.read_buf(&mut self.buffer)).await;
            if read.unwrap_or(0) == 0 {
                return None;
            }
        }
        Some(self.buffer.drain(..length).collect())
    }

    /// What becomes of a stream: its status and body, `reset` with a code, `goaway` with a code, or
    /// `close`.
    pub(super) async fn outcome(&mut self, stream: u32) -> (String, Vec<u8>) {
        let (mut outcome, mut body) = (String::new(), Vec::new());
        while let Some(came) = self.next().await {
            match came.kind {
                GOAWAY => {
                    return (format!("goaway {}", code(&came.payload[4..])), body);
                }
                RST_STREAM if came.stream == stream && outcome.is_empty() => {
                    return (format!("reset {}", code(&came.payload)), body);
                }
                RST_STREAM if came.stream == stream => {
                    return (format!("{outcome} reset"), body);
                }
                HEADERS if came.stream == stream && outcome.is_empty() => {
                    outcome = status(&came.payload);
                }
                DATA if came.stream == stream => body.extend(came.payload),
                _ => {}
            }
            let ends = came.flags & END_STREAM != 0 && [DATA, HEADERS].contains(&came.kind);
            if ends && came.stream == stream {
                return (outcome, body);
            }
        }
        ("close".to_owned(), body)
    }

    /// The first `GOAWAY`, or `close`.
    pub(super) async fn goodbye(&mut self) -> String {
        self.outcome(u32::MAX).await.0
    }
}

/// The name of an error code (RFC 9113, section 7).
fn code(payload: &[u8]) -> &'static str {
    let code = u32::from_be_bytes(payload[..4].try_into().unwrap());
    match code {
        0 => "NO_ERROR",
        1 => "PROTOCOL_ERROR",
        2 => "INTERNAL_ERROR",
        3 => "FLOW_CONTROL_ERROR",
        5 => "STREAM_CLOSED",
        6 => "FRAME_SIZE_ERROR",
        7 => "REFUSED_STREAM",
        8 => "CANCEL",
        9 => "COMPRESSION_ERROR",
        11 => "ENHANCE_YOUR_CALM",
        other => panic!("an error code that no test expects: {other}"),
    }
}

/// The `:status` that a block begins with: from the static table, or a literal with that name.
fn status(block: &[u8]) -> String {
    const KNOWN: [&str; 7] = ["200", "204", "206", "304", "400", "404", "500"];
    match block {
        [index @ 0x88..=0x8e, ..] => KNOWN[usize::from(*index - 0x88)].to_owned(),
        [0x08 | 0x48, length, rest @ ..] => {
            let bytes = &rest[..usize::from(length & 0x7f)];
            if length & 0x80 == 0 {
                String::from_utf8(bytes.to_vec()).unwrap()
            } else {
                digits(bytes)
            }
        }
        other => panic!("no status: {other:?}"),
    }
}

/// Three digits in Huffman's code (RFC 7541, appendix B): 0, 1 and 2 have five bits, 3 to 9 six.
fn digits(bytes: &[u8]) -> String {
    let bits: Vec<u8> = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1))
        .collect();
    let number = |bits: &[u8]| bits.iter().fold(0, |all, bit| all << 1 | *bit);
    let (mut at, mut digits) = (0, String::new());
    while digits.len() < 3 {
        let five = number(&bits[at..at + 5]);
        let digit = if five < 3 {
            at += 5;
            five
        } else {
            at += 6;
            number(&bits[at - 6..at]) - 0b01_1001 + 3
        };
        digits.push(char::from(b'0' + digit));
    }
    digits
}
