//! Why a request is refused before it is routed.

/// What a client did wrong, or which limit it passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A line does not end with CRLF.
    BareLineFeed,
    /// The request line is not `METHOD SP TARGET SP HTTP/1.x`.
    RequestLine,
    /// A protocol version other than 1.0 and 1.1.
    Version,
    /// `CONNECT`: this is no forward proxy.
    Connect,
    /// The target is in no allowed form, or disagrees with `Host`.
    Target,
    /// The request line is longer than a head may be.
    TargetTooLong,
    /// A header name is empty, has a forbidden character, or is followed by a space.
    FieldName,
    /// A header value has a control character, or in HTTP/2 white space around it.
    FieldValue,
    /// A header is folded over several lines.
    FoldedField,
    /// More bytes or headers than allowed.
    HeadTooLarge,
    /// `Host` is missing, stands twice, or is no host.
    Host,
    /// `Connection` is no list of options.
    Connection,
    /// `Content-Length` stands twice or is no plain number.
    ContentLength,
    /// `Transfer-Encoding` stands twice, in an HTTP/1.0 request, or is not exactly `chunked`.
    TransferEncoding,
    /// Both `Content-Length` and `Transfer-Encoding`.
    AmbiguousLength,
    /// A chunk's size line, its end or the trailer section is malformed.
    Chunk,
    /// The head did not come in time.
    HeadTimeout,
    /// The body paused for too long or came too slowly.
    BodyTimeout,
}

impl Refusal {
    /// The status it is answered with.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::TargetTooLong => 414,
            Self::HeadTooLarge => 431,
            Self::HeadTimeout | Self::BodyTimeout => 408,
            Self::Version => 505,
            Self::Connect => 405,
            _ => 400,
        }
    }

    /// What is wrong, for the body of the answer.
    #[must_use]
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::BareLineFeed => "a line does not end with CRLF",
            Self::RequestLine => "the request line is malformed",
            Self::Version => "the protocol version is not supported",
            Self::Connect => "CONNECT is not supported",
            Self::Target => "the request target is malformed or disagrees with Host",
            Self::TargetTooLong => "the request line is too long",
            Self::FieldName => "a header name is malformed",
            Self::FieldValue => "a header value has a forbidden character",
            Self::FoldedField => "folded headers are not supported",
            Self::HeadTooLarge => "the headers are too large or too many",
            Self::Host => "exactly one valid Host header is needed",
            Self::Connection => "the Connection header is malformed",
            Self::ContentLength => "the Content-Length header is malformed or repeated",
            Self::TransferEncoding => "the Transfer-Encoding is not supported",
            Self::AmbiguousLength => "Content-Length and Transfer-Encoding exclude each other",
            Self::Chunk => "the chunked body is malformed",
            Self::HeadTimeout => "the request head did not arrive in time",
            Self::BodyTimeout => "the request body did not arrive in time",
        }
    }

    /// Whether it happened within a body, whose request is counted by itself.
    pub(crate) const fn is_of_the_body(self) -> bool {
        matches!(self, Self::Chunk | Self::BodyTimeout)
    }

    /// A number to keep it in an atomic; never 0.
    pub(crate) const fn code(self) -> u8 {
        self as u8 + 1
    }
}

impl Refusal {
    const ALL: [Self; 18] = [
        Self::BareLineFeed,
        Self::RequestLine,
        Self::Version,
        Self::Connect,
        Self::Target,
        Self::TargetTooLong,
        Self::FieldName,
        Self::FieldValue,
        Self::FoldedField,
        Self::HeadTooLarge,
        Self::Host,
        Self::Connection,
        Self::ContentLength,
        Self::TransferEncoding,
        Self::AmbiguousLength,
        Self::Chunk,
        Self::HeadTimeout,
        Self::BodyTimeout,
    ];

    /// The reverse of [`Refusal::code`].
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| refusal.code() == code)
    }
}
