//! One answer, from its first byte to its last.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode};

use super::head::{self, AnswerHead, HEAD_MAX, HEADERS_MAX};
use super::{BodyEvent, BodyReader, Framing, Malformed};

/// What comes next of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerEvent {
    /// The final head, or that of `101`.
    Head(AnswerHead),
    /// A piece of the body, never an empty one.
    Data(Bytes),
    /// The trailers; only the end follows.
    Trailers(HeaderMap),
    /// It is over; what is left of the input is behind it.
    End,
}

/// Reads one answer.
#[derive(Debug)]
pub struct AnswerReader {
    /// The method of the request: what is behind a head depends on it.
    asked: Method,
    state: State,
    /// Bytes of an incomplete head that were searched for its end already.
    searched: usize,
    /// Bytes of heads before the final one.
    interim: usize,
    keep_alive: bool,
}

#[derive(Debug)]
enum State {
    Head,
    Body(BodyReader),
    /// Behind `101`: what follows is not HTTP.
    Switched,
    Malformed(Malformed),
}

impl AnswerReader {
    /// Reads the answer to a request with this method.
    #[must_use]
    pub const fn new(asked: Method) -> Self {
        Self {
            asked,
            state: State::Head,
            searched: 0,
            interim: 0,
            keep_alive: false,
        }
    }

    /// Takes the next event from the front of `input`; nothing if it needs more. Interim answers are
    /// passed over: whoever asked did not ask for them.
    ///
    /// # Errors
    ///
    /// The answer is malformed, now and at every later call.
    pub fn next(&mut self, input: &mut BytesMut) -> Result<Option<AnswerEvent>, Malformed> {
        let result = match &mut self.state {
            State::Head => self.head(input),
            State::Body(body) => body.next(input).map_err(Malformed::from).map(|event| {
                Some(match event? {
                    BodyEvent::Data(data) => AnswerEvent::Data(data),
                    BodyEvent::Trailers(trailers) => AnswerEvent::Trailers(trailers),
                    BodyEvent::End => AnswerEvent::End,
                })
            }),
            State::Switched => Ok(Some(AnswerEvent::End)),
            State::Malformed(malformed) => Err(*malformed),
        };
        if let Err(malformed) = result {
            self.state = State::Malformed(malformed);
        }
        result
    }

    /// The stream ended, and everything that was read is taken.
    ///
    /// # Errors
    ///
    /// The answer has not come to its end.
    pub fn end(&mut self) -> Result<(), Malformed> {
        match &self.state {
            State::Body(BodyReader::UntilClose | BodyReader::Ended) | State::Switched => {
                self.state = State::Body(BodyReader::Ended);
                Ok(())
            }
            State::Malformed(malformed) => Err(*malformed),
            State::Head | State::Body(_) => Err(Malformed::BrokeOff),
        }
    }

    /// Whether nothing more is to come. Without a body, and behind the last byte of a known length,
    /// that is known at once, elsewhere once [`AnswerEvent::End`] was taken.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        match &self.state {
            State::Body(body) => body.is_ended(),
            State::Switched => true,
            State::Head | State::Malformed(_) => false,
        }
    }

    /// How many bytes of the body are still to come, where that is known.
    #[must_use]
    pub const fn left(&self) -> Option<u64> {
        match &self.state {
            State::Body(body) => body.left(),
            State::Switched => Some(0),
            State::Head | State::Malformed(_) => None,
        }
    }

    /// Whether it is over, and another one may follow.
    #[must_use]
    pub const fn may_follow(&self) -> bool {
        self.keep_alive && matches!(&self.state, State::Body(body) if body.is_ended())
    }

    fn head(&mut self, input: &mut BytesMut) -> Result<Option<AnswerEvent>, Malformed> {
        while !input.is_empty() {
            let before = input.len();
            let head = head::take(input, &mut self.searched, &self.asked)?;
            let size = self.interim + before - if head.is_some() { input.len() } else { 0 };
            if size > HEAD_MAX {
                return Err(Malformed::TooLarge);
            }
            let Some(head) = head else { break };
            self.searched = 0;
            if head.status == StatusCode::SWITCHING_PROTOCOLS {
                self.state = State::Switched;
            } else if head.status.is_informational() {
                self.interim = size;
                continue;
            } else {
                // A tunnel is not what anybody asked for here, but behind it there is no HTTP.
                let tunnel = self.asked == Method::CONNECT && head.status.is_success();
                let framing = if tunnel {
                    Framing::Length(0)
                } else {
                    head.framing
                };
                self.keep_alive = head.keep_alive && !tunnel;
                self.state = State::Body(BodyReader::new(framing, HEADERS_MAX));
            }
            return Ok(Some(AnswerEvent::Head(head)));
        }
        Ok(None)
    }
}
