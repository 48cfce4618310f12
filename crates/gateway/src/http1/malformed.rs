//! Why an answer cannot be read.

use crate::strict::Refusal;

/// What an endpoint did wrong. Nothing of the answer is to be believed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The head is no head of HTTP/1.
    #[error("the head is no HTTP")]
    Head,
    /// A line does not end with CRLF.
    #[error("a line of the head does not end with CRLF")]
    BareLineFeed,
    /// More bytes or fields than allowed.
    #[error("the head is too large")]
    TooLarge,
    /// A length that is no plain number, or stands there twice.
    #[error("the length is malformed or repeated")]
    ContentLength,
    /// A coding other than exactly `chunked`, or one in HTTP/1.0.
    #[error("the transfer coding is not supported")]
    TransferEncoding,
    /// A length and a coding exclude each other.
    #[error("a length and a transfer coding exclude each other")]
    AmbiguousLength,
    /// A chunk's size line, its end or the trailer section.
    #[error("the chunks are malformed")]
    Chunk,
    /// The stream ended within the answer.
    #[error("the answer broke off")]
    BrokeOff,
}

/// Answers share the framing of chunks, and nothing else, with requests.
impl From<Refusal> for Malformed {
    fn from(_: Refusal) -> Self {
        Self::Chunk
    }
}
