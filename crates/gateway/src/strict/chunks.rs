//! The framing of a chunked body (RFC 9112, section 7.1).

use http::{HeaderMap, HeaderName, HeaderValue};

use super::Refusal;
use super::field::Field;
use super::head::Lines;

/// Bytes of one size line at most, extensions included.
const SIZE_LINE_MAX: usize = 256;

/// Bytes of all chunk extensions of one body at most.
const EXTENSIONS_MAX: usize = 16 << 10;

/// Bytes of the trailer section at most.
const TRAILERS_MAX: usize = 8 << 10;

/// Where in a chunked body the stream is. Lines that came in part are kept, data is not.
#[derive(Clone, Debug)]
pub(crate) struct Chunks {
    at: At,
    line: Vec<u8>,
    extensions: usize,
    /// Trailers at most.
    trailers_max: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Size,
    Data(u64),
    DataEnd,
    Trailers,
}

/// What a piece of a chunked body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Sizes and what stands around data.
    Framing,
    /// Data, without anything around it.
    Data,
    /// Framing up to the end of the body.
    End,
}

impl Chunks {
    pub(crate) const fn new(trailers_max: u32) -> Self {
        Self {
            at: At::Size,
            line: Vec::new(),
            extensions: 0,
            trailers_max,
        }
    }

    /// Follows `input`, which is not empty, as far as it is of one kind.
    pub(crate) fn step(&mut self, input: &[u8]) -> Result<(usize, Found), Refusal> {
        if let At::Data(left) = self.at {
            let here = u64::try_from(input.len()).unwrap_or(u64::MAX).min(left);
            self.at = if left == here {
                At::DataEnd
            } else {
                At::Data(left - here)
            };
            return Ok((usize::try_from(here).unwrap_or(input.len()), Found::Data));
        }
        let used = self.take_line(input)?;
        let ended = self.line.last() == Some(&b'\n') && self.line_complete()?;
        Ok((used, if ended { Found::End } else { Found::Framing }))
    }

    /// The trailers of a body that has ended, if it has any.
    pub(crate) fn trailers(&self) -> Result<Option<HeaderMap>, Refusal> {
        let mut trailers = HeaderMap::new();
        for line in Lines(&self.line) {
            let line = line?;
            if line.is_empty() {
                break;
            }
            let field = Field::parse(line)?;
            let name = HeaderName::from_bytes(field.name).map_err(|_checked| Refusal::Chunk)?;
            let value = HeaderValue::from_bytes(field.value).map_err(|_checked| Refusal::Chunk)?;
            trailers.append(name, value);
        }
        Ok((!trailers.is_empty()).then_some(trailers))
    }

    /// Adds to the line under way, up to its line feed.
    fn take_line(&mut self, rest: &[u8]) -> Result<usize, Refusal> {
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let limit = match self.at {
            At::Size => SIZE_LINE_MAX,
            At::DataEnd => 2,
            At::Trailers | At::Data(_) => TRAILERS_MAX,
        };
        if self.line.len() + end > limit {
            return Err(Refusal::Chunk);
        }
        self.line
            .extend_from_slice(rest.get(..end).unwrap_or_default());
        // What stands in the place of a chunk's end is not waited for.
        if self.at == At::DataEnd && !b"\r\n".starts_with(&self.line) {
            return Err(Refusal::Chunk);
        }
        Ok(end)
    }

    /// Acts on a line that is there in whole; `true` at the end of the body.
    fn line_complete(&mut self) -> Result<bool, Refusal> {
        match self.at {
            At::Size => {
                let line = self.line.strip_suffix(b"\r\n").ok_or(Refusal::Chunk)?;
                let (size, extension) = size_line(line)?;
                self.extensions += extension;
                if self.extensions > EXTENSIONS_MAX {
                    return Err(Refusal::Chunk);
                }
                self.at = if size == 0 {
                    At::Trailers
                } else {
                    At::Data(size)
                };
                self.line.clear();
            }
            At::DataEnd => {
                self.at = At::Size;
                self.line.clear();
            }
            At::Trailers => {
                if self.line == b"\r\n" || self.line.ends_with(b"\r\n\r\n") {
                    return check_trailers(&self.line, self.trailers_max).map(|()| true);
                }
                if !self.line.ends_with(b"\r\n") {
                    return Err(Refusal::Chunk);
                }
            }
            At::Data(_) => {}
        }
        Ok(false)
    }
}

/// The size, and how many bytes of extensions stand behind it.
fn size_line(line: &[u8]) -> Result<(u64, usize), Refusal> {
    let end = memchr::memchr(b';', line).unwrap_or(line.len());
    let (digits, extension) = line.split_at(end);
    if digits.is_empty() || digits.len() > 15 {
        return Err(Refusal::Chunk);
    }
    let mut size = 0u64;
    for digit in digits {
        let digit = char::from(*digit).to_digit(16).ok_or(Refusal::Chunk)?;
        size = size * 16 + u64::from(digit);
    }
    let plain = |b: &u8| *b == b'\t' || b.is_ascii_graphic() || *b == b' ';
    if !extension.iter().all(plain) {
        return Err(Refusal::Chunk);
    }
    Ok((size, extension.len()))
}

/// Trailers are headers, also in their number, but must not speak about framing or routing (RFC
/// 9110, section 6.5.1).
fn check_trailers(section: &[u8], trailers_max: u32) -> Result<(), Refusal> {
    let mut count = 0u32;
    for line in Lines(section) {
        let line = line.map_err(|_bare| Refusal::Chunk)?;
        if line.is_empty() {
            break;
        }
        count += 1;
        if count > trailers_max {
            return Err(Refusal::Chunk);
        }
        let field = Field::parse(line).map_err(|_malformed| Refusal::Chunk)?;
        let forbidden = ["content-length", "transfer-encoding", "host", "connection"];
        if forbidden.iter().any(|name| field.is(name)) {
            return Err(Refusal::Chunk);
        }
    }
    Ok(())
}
