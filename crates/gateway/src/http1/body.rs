//! The body of a message, taken from what was read.

use bytes::{Bytes, BytesMut};
use http::HeaderMap;

use super::Framing;
use crate::strict::{Chunks, Found, Refusal};

/// What comes next of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BodyEvent {
    /// A piece, never an empty one.
    Data(Bytes),
    /// The trailers; only the end follows.
    Trailers(HeaderMap),
    /// It is over; what is left of the input is behind it.
    End,
}

/// Follows the framing of one body.
#[derive(Clone, Debug)]
pub(crate) enum BodyReader {
    /// So many bytes are to come.
    Length(u64),
    Chunked(Box<Chunks>),
    UntilClose,
    Ended,
}

impl BodyReader {
    /// `trailers_max` is the number of fields behind chunks.
    pub(crate) fn new(framing: Framing, trailers_max: u32) -> Self {
        match framing {
            Framing::Length(0) => Self::Ended,
            Framing::Length(length) => Self::Length(length),
            Framing::Chunked => Self::Chunked(Box::new(Chunks::new(trailers_max))),
            Framing::UntilClose => Self::UntilClose,
        }
    }

    /// Whether nothing more is to come. Behind the last byte of a known length that is known at
    /// once, elsewhere once [`BodyEvent::End`] was taken.
    pub(crate) const fn is_ended(&self) -> bool {
        matches!(self, Self::Ended)
    }

    /// How many bytes are still to come, where that is known.
    pub(crate) const fn left(&self) -> Option<u64> {
        match self {
            Self::Length(left) => Some(*left),
            Self::Ended => Some(0),
            Self::Chunked(_) | Self::UntilClose => None,
        }
    }

    /// Takes the next event from the front of `input`; nothing if it needs more.
    pub(crate) fn next(&mut self, input: &mut BytesMut) -> Result<Option<BodyEvent>, Refusal> {
        match self {
            Self::Ended => Ok(Some(BodyEvent::End)),
            _ if input.is_empty() => Ok(None),
            Self::UntilClose => Ok(Some(BodyEvent::Data(input.split().freeze()))),
            Self::Length(left) => {
                let here = usize::try_from(*left)
                    .unwrap_or(usize::MAX)
                    .min(input.len());
                *left -= here as u64;
                if *left == 0 {
                    *self = Self::Ended;
                }
                Ok(Some(BodyEvent::Data(input.split_to(here).freeze())))
            }
            Self::Chunked(chunks) => {
                while !input.is_empty() {
                    let (used, found) = chunks.step(input)?;
                    let taken = input.split_to(used);
                    match found {
                        Found::Framing => {}
                        Found::Data => return Ok(Some(BodyEvent::Data(taken.freeze()))),
                        Found::End => {
                            let trailers = chunks.trailers()?;
                            *self = Self::Ended;
                            let end = trailers.map_or(BodyEvent::End, BodyEvent::Trailers);
                            return Ok(Some(end));
                        }
                    }
                }
                Ok(None)
            }
        }
    }
}
