//! Requests as they come over one connection.

use bytes::{Bytes, BytesMut};
use http::HeaderMap;

use super::Refusal;
use super::field::is_token_byte;
use super::head::{self, RequestHead};
use crate::http1::{BodyEvent, BodyReader, Framing};

/// The limits on one head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes of the request line and the headers.
    pub size: usize,
    /// Number of headers.
    pub headers: u32,
}

/// Where in the stream the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Before or within a head.
    Head,
    /// Within a body.
    Body,
    /// Behind a head that asks for an upgrade: what follows may no longer be HTTP.
    Upgrade,
}

/// What comes next of a client's stream.
#[derive(Clone, Debug)]
pub enum RequestEvent {
    /// A head. Where it announces a body, that follows.
    Head(Box<RequestHead>),
    /// A piece of the body, never an empty one.
    Data(Bytes),
    /// The trailers, which end the body.
    Trailers(HeaderMap),
    /// The end of a body in chunks. That of another one is its last byte.
    End,
}

/// Reads the requests of one connection, strictly: what two parsers may read differently is refused,
/// and nothing behind it is looked at.
#[derive(Debug)]
pub struct RequestReader {
    limits: HeadLimits,
    state: State,
    /// Bytes of an incomplete head that were searched for its end already.
    searched: usize,
}

#[derive(Debug)]
enum State {
    Head,
    Body(BodyReader),
    Upgrade,
    Refused(Refusal),
}

impl RequestReader {
    /// A reader at the beginning of a connection.
    #[must_use]
    pub const fn new(limits: HeadLimits) -> Self {
        Self {
            limits,
            state: State::Head,
            searched: 0,
        }
    }

    /// Where in the stream the events so far end.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        match self.state {
            State::Head | State::Refused(_) => Stage::Head,
            State::Body(_) => Stage::Body,
            State::Upgrade => Stage::Upgrade,
        }
    }

    /// An upgrade that was asked for was not granted: what follows is HTTP.
    pub fn resume(&mut self) {
        if matches!(self.state, State::Upgrade) {
            self.state = State::Head;
        }
    }

    /// Takes the next event from the front of `input`; nothing if it needs more.
    ///
    /// # Errors
    ///
    /// What follows is refused, now and at every later call. A head that is refused stays in `input`.
    pub fn next(&mut self, input: &mut BytesMut) -> Result<Option<RequestEvent>, Refusal> {
        let result = match &mut self.state {
            State::Head => self.head(input),
            State::Body(body) => {
                let event = body.next(input);
                if body.is_ended() {
                    self.state = State::Head;
                }
                event.map(|event| {
                    Some(match event? {
                        BodyEvent::Data(data) => RequestEvent::Data(data),
                        BodyEvent::Trailers(trailers) => RequestEvent::Trailers(trailers),
                        BodyEvent::End => RequestEvent::End,
                    })
                })
            }
            State::Upgrade => Ok(None),
            State::Refused(refusal) => Err(*refusal),
        };
        if let Err(refusal) = result {
            self.state = State::Refused(refusal);
        }
        result
    }

    fn head(&mut self, input: &mut BytesMut) -> Result<Option<RequestEvent>, Refusal> {
        // One empty line before a request line is ignored (RFC 9112, section 2.2).
        let start = match input.first_chunk() {
            Some(b"\r\n") => 2,
            None if input.first() == Some(&b'\r') => return Ok(None),
            _ => 0,
        };
        // Noise is refused at its first byte, not when it happens to look like an end of line.
        match input.get(start) {
            None => return Ok(None),
            Some(first) if !is_token_byte(*first) => return Err(Refusal::RequestLine),
            Some(_) => {}
        }
        let within = input.get(..self.limits.size).unwrap_or(input);
        let Some(end) = head_end(within, &mut self.searched)? else {
            return if input.len() > self.limits.size {
                Err(too_large(within))
            } else {
                Ok(None)
            };
        };
        self.searched = 0;
        let bytes = input.split_to(end).freeze();
        let head = match head::parse(&bytes.slice(start..), self.limits.headers) {
            Ok(head) => head,
            Err(refusal) => {
                let behind = input.split();
                input.extend_from_slice(&bytes);
                input.extend_from_slice(&behind);
                return Err(refusal);
            }
        };
        self.state = match head.framing {
            Framing::Length(0) if head.upgrade => State::Upgrade,
            Framing::Length(0) => State::Head,
            framing => State::Body(BodyReader::new(framing, self.limits.headers)),
        };
        Ok(Some(RequestEvent::Head(Box::new(head))))
    }
}

/// The length of a head up to and with its empty line, if it is there. The bytes before `searched`
/// were looked at by an earlier call.
pub(crate) fn head_end(input: &[u8], searched: &mut usize) -> Result<Option<usize>, Refusal> {
    while let Some(at) = memchr::memchr(b'\n', input.get(*searched..).unwrap_or_default()) {
        let line_feed = *searched + at;
        let before = input.get(..line_feed).unwrap_or_default();
        if before.last() != Some(&b'\r') {
            return Err(Refusal::BareLineFeed);
        }
        *searched = line_feed + 1;
        if before.ends_with(b"\r\n\r") {
            return Ok(Some(line_feed + 1));
        }
    }
    Ok(None)
}

/// A head that is too large in its first line is a target that is too long.
fn too_large(head: &[u8]) -> Refusal {
    if memchr::memchr(b'\n', head).is_none() {
        Refusal::TargetTooLong
    } else {
        Refusal::HeadTooLarge
    }
}

#[cfg(test)]
mod tests;
