//! The head of an answer.

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use httparse::{ParserConfig, Response, Status};

use super::{Malformed, map_for};
use crate::strict::{head_end, number};

/// Bytes of an answer's heads at most, those before the final one included.
pub(super) const HEAD_MAX: usize = 64 << 10;

/// Fields of one head at most, and of one trailer section.
pub(super) const HEADERS_MAX: u32 = 100;

/// Headers for which there is room beside the answer's own: what the gateway adds.
const ADDED: usize = 2;

/// How long the body behind a head is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// So many bytes; 0 without a body.
    Length(u64),
    /// In chunks.
    Chunked,
    /// Until the stream ends.
    UntilClose,
}

/// The head of a final answer, or of `101`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerHead {
    /// Its status.
    pub status: StatusCode,
    /// Its fields, as they came.
    pub headers: HeaderMap,
    /// The length of its body. Those of `HEAD`, 1xx, 204 and 304 have none, whatever the fields say.
    pub framing: Framing,
    /// Whether the connection goes on behind it.
    pub keep_alive: bool,
}

/// Takes a head from the front of `input`; nothing as long as it is incomplete. The bytes before
/// `searched` were looked at by an earlier call.
pub(super) fn take(
    input: &mut BytesMut,
    searched: &mut usize,
    asked: &Method,
) -> Result<Option<AnswerHead>, Malformed> {
    let Some(end) = find_end(input, searched)? else {
        return Ok(None);
    };
    let bytes = input.split_to(end).freeze();
    parse(&bytes, asked).map(Some)
}

/// The length of the head up to and with its empty line, if it is there.
fn find_end(input: &[u8], searched: &mut usize) -> Result<Option<usize>, Malformed> {
    const START: &[u8] = b"HTTP/1.";
    let start = input.len().min(START.len());
    if input.get(..start) != START.get(..start) {
        return Err(Malformed::Head);
    }
    head_end(input, searched).map_err(|_bare| Malformed::BareLineFeed)
}

fn parse(bytes: &Bytes, asked: &Method) -> Result<AnswerHead, Malformed> {
    let mut space = [const { std::mem::MaybeUninit::uninit() }; HEADERS_MAX as usize];
    let mut read = Response::new(&mut []);
    let config = ParserConfig::default();
    match config.parse_response_with_uninit_headers(&mut read, bytes, &mut space) {
        Ok(Status::Complete(length)) if length == bytes.len() => {}
        Err(httparse::Error::TooManyHeaders) => return Err(Malformed::TooLarge),
        Ok(_) | Err(_) => return Err(Malformed::Head),
    }
    let (Some(code), Some(version)) = (read.code, read.version) else {
        return Err(Malformed::Head);
    };
    let status = StatusCode::from_u16(code).map_err(|_no_status| Malformed::Head)?;
    let old = version == 0;
    let mut headers = map_for(read.headers.len() + ADDED);
    let mut fields = Fields::default();
    for field in read.headers.iter() {
        let name =
            HeaderName::from_bytes(field.name.as_bytes()).map_err(|_long| Malformed::Head)?;
        let value = HeaderValue::from_maybe_shared(bytes.slice_ref(field.value))
            .map_err(|_control| Malformed::Head)?;
        fields.take(&name, &value)?;
        headers.append(name, value);
    }
    let framing = fields.framing(old)?;
    Ok(AnswerHead {
        status,
        framing: framing_of(asked, status, framing),
        keep_alive: !fields.close && (!old || fields.keep_alive),
        headers,
    })
}

/// What the fields say about framing and the connection.
#[derive(Default)]
struct Fields {
    length: Option<u64>,
    chunked: bool,
    close: bool,
    keep_alive: bool,
}

impl Fields {
    fn take(&mut self, name: &HeaderName, value: &HeaderValue) -> Result<(), Malformed> {
        if *name == CONTENT_LENGTH {
            let length = number(value.as_bytes()).ok_or(Malformed::ContentLength)?;
            if self.length.replace(length).is_some() {
                return Err(Malformed::ContentLength);
            }
        } else if *name == TRANSFER_ENCODING {
            if self.chunked || !value.as_bytes().eq_ignore_ascii_case(b"chunked") {
                return Err(Malformed::TransferEncoding);
            }
            self.chunked = true;
        } else if *name == CONNECTION {
            for option in value.as_bytes().split(|b| *b == b',') {
                let option = option.trim_ascii();
                self.close |= option.eq_ignore_ascii_case(b"close");
                self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            }
        }
        Ok(())
    }

    const fn framing(&self, old: bool) -> Result<Framing, Malformed> {
        match (self.length, self.chunked) {
            (Some(_), true) => Err(Malformed::AmbiguousLength),
            (None, true) if old => Err(Malformed::TransferEncoding),
            (None, true) => Ok(Framing::Chunked),
            (Some(length), false) => Ok(Framing::Length(length)),
            (None, false) => Ok(Framing::UntilClose),
        }
    }
}

/// RFC 9112, section 6.3.
fn framing_of(asked: &Method, status: StatusCode, said: Framing) -> Framing {
    let bodiless = status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
        || *asked == Method::HEAD;
    if bodiless { Framing::Length(0) } else { said }
}
