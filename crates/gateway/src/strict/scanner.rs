//! Follows a client's stream from head to body to head.

use super::Refusal;
use super::chunks::Chunks;
use super::field::is_token_byte;
use super::head::{self, Framing};

/// The limits on one head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes of the request line and the headers.
    pub size: usize,
    /// Number of headers.
    pub headers: u32,
}

/// Where in the stream the scanner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Before or within a head.
    Head,
    /// Within a body.
    Body,
    /// Behind a head that asks for an upgrade: what follows may no longer be HTTP.
    Upgrade,
}

/// What may be handed on of the bytes just scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// So many bytes from the start may be handed on. The rest is to be shown again, together with
    /// what comes after it.
    pub passed: usize,
    /// What follows the passed bytes is refused; nothing after it is looked at.
    pub refused: Option<Refusal>,
}

/// The scanner of one connection.
///
/// The caller shows it the bytes that were not passed yet, from their beginning, each time more of
/// them are there. It then passes whole heads and whatever there is of bodies.
#[derive(Clone, Debug)]
pub struct Scanner {
    limits: HeadLimits,
    state: State,
    /// Bytes of an incomplete head that were searched for its end already.
    searched: usize,
    last: bool,
}

#[derive(Clone, Debug)]
enum State {
    Head,
    Length(u64),
    Chunked(Box<Chunks>),
    Upgrade,
    Refused(Refusal),
}

impl Scanner {
    /// A scanner at the beginning of a connection.
    #[must_use]
    pub const fn new(limits: HeadLimits) -> Self {
        Self {
            limits,
            state: State::Head,
            searched: 0,
            last: false,
        }
    }

    /// Where in the stream the passed bytes end.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        match self.state {
            State::Head | State::Refused(_) => Stage::Head,
            State::Length(_) | State::Chunked(_) => Stage::Body,
            State::Upgrade => Stage::Upgrade,
        }
    }

    /// Whether the last complete head announced that no other one follows.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        self.last
    }

    /// An upgrade that was asked for was not granted: what follows is HTTP.
    pub fn resume(&mut self) {
        if matches!(self.state, State::Upgrade) {
            self.state = State::Head;
        }
    }

    /// Scans `input`, which begins where the last call's passed bytes ended.
    pub fn scan(&mut self, input: &[u8]) -> Pass {
        let mut passed = 0;
        loop {
            let rest = input.get(passed..).unwrap_or_default();
            if let State::Refused(refusal) = self.state {
                return Pass {
                    passed,
                    refused: Some(refusal),
                };
            }
            if rest.is_empty() || matches!(self.state, State::Upgrade) {
                return Pass {
                    passed,
                    refused: None,
                };
            }
            match self.step(rest) {
                Ok(0) => {
                    return Pass {
                        passed,
                        refused: None,
                    };
                }
                Ok(more) => passed += more,
                Err(refusal) => self.state = State::Refused(refusal),
            }
        }
    }

    /// Passes one head or one piece of a body; 0 if a head is incomplete.
    fn step(&mut self, rest: &[u8]) -> Result<usize, Refusal> {
        match &mut self.state {
            State::Head => self.head(rest),
            State::Length(left) => {
                let here = u64::try_from(rest.len()).unwrap_or(u64::MAX).min(*left);
                *left -= here;
                if *left == 0 {
                    self.state = State::Head;
                }
                Ok(usize::try_from(here).unwrap_or(rest.len()))
            }
            State::Chunked(chunks) => {
                let (used, ended) = chunks.scan(rest)?;
                if ended {
                    self.state = State::Head;
                }
                Ok(used)
            }
            State::Upgrade | State::Refused(_) => Ok(0),
        }
    }

    fn head(&mut self, rest: &[u8]) -> Result<usize, Refusal> {
        // One empty line before a request line is ignored (RFC 9112, section 2.2).
        let start = match rest {
            [b'\r'] => return Ok(0),
            [b'\r', b'\n', ..] => 2,
            _ => 0,
        };
        // Noise is refused at its first byte, not when it happens to look like an end of line.
        match rest.get(start) {
            None => return Ok(0),
            Some(first) if !is_token_byte(*first) => return Err(Refusal::RequestLine),
            Some(_) => {}
        }
        let within = rest.get(..self.limits.size).unwrap_or(rest);
        let Some(end) = self.head_end(within)? else {
            return if rest.len() > self.limits.size {
                Err(too_large(within))
            } else {
                Ok(0)
            };
        };
        self.searched = 0;
        let head = head::check(
            rest.get(start..end).unwrap_or_default(),
            self.limits.headers,
        )?;
        self.last = head.last;
        self.state = match head.framing {
            Framing::Length(0) if head.upgrade => State::Upgrade,
            Framing::Length(0) => State::Head,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Chunked(Box::new(Chunks::new(self.limits.headers))),
        };
        Ok(end)
    }

    /// The length of the head up to and with its empty line, if it is there.
    fn head_end(&mut self, rest: &[u8]) -> Result<Option<usize>, Refusal> {
        let mut from = self.searched;
        while let Some(at) = memchr::memchr(b'\n', rest.get(from..).unwrap_or_default()) {
            let line_feed = from + at;
            let before = rest.get(..line_feed).unwrap_or_default();
            if before.last() != Some(&b'\r') {
                return Err(Refusal::BareLineFeed);
            }
            if before.ends_with(b"\r\n\r") {
                return Ok(Some(line_feed + 1));
            }
            from = line_feed + 1;
        }
        self.searched = from;
        Ok(None)
    }
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
