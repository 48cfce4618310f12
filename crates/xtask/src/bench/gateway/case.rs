//! The kinds of request that are measured.

/// One kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Case {
    /// GET, 100 bytes back, connections kept.
    Small,
    /// GET, 16 KiB back, connections kept.
    Large,
    /// POST with 4 KiB, 100 bytes back, connections kept.
    Post,
    /// GET, 1 MiB back, connections kept.
    Huge,
    /// GET, 100 bytes back, a new connection each time.
    Close,
    /// GET, 100 bytes back, HTTP/1.1 over TLS, connections kept.
    Tls,
    /// GET, 100 bytes back, HTTP/2 over TLS, connections kept.
    H2,
}

impl Case {
    pub(super) const ALL: [Self; 7] = [
        Self::Small,
        Self::Large,
        Self::Post,
        Self::Huge,
        Self::Close,
        Self::Tls,
        Self::H2,
    ];

    /// The name on the command line and in JSON.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Large => "16k",
            Self::Post => "post",
            Self::Huge => "1m",
            Self::Close => "close",
            Self::Tls => "tls",
            Self::H2 => "h2",
        }
    }

    /// What it is, for people.
    pub(super) const fn about(self) -> &'static str {
        match self {
            Self::Small => "GET, 100 B answer",
            Self::Large => "GET, 16 KiB answer",
            Self::Post => "POST of 4 KiB, 100 B answer",
            Self::Huge => "GET, 1 MiB answer",
            Self::Close => "GET, 100 B answer, a new connection each",
            Self::Tls => "GET, 100 B answer, HTTP/1.1 over TLS",
            Self::H2 => "GET, 100 B answer, HTTP/2 over TLS, 8 streams a connection",
        }
    }

    /// The path that the backend answers in this way.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Small | Self::Post | Self::Close | Self::Tls | Self::H2 => "/small",
            Self::Large => "/large.bin",
            Self::Huge => "/huge.bin",
        }
    }

    /// Bytes of the request's body.
    pub(super) const fn request_bytes(self) -> usize {
        match self {
            Self::Post => 4_096,
            _ => 0,
        }
    }

    /// Bytes of the answer's body.
    pub(super) const fn answer_bytes(self) -> usize {
        match self {
            Self::Small | Self::Post | Self::Close | Self::Tls | Self::H2 => SMALL_BYTES,
            Self::Large => LARGE_BYTES,
            Self::Huge => HUGE_BYTES,
        }
    }

    /// Whether it goes to the proxy's port for TLS.
    pub(super) const fn is_encrypted(self) -> bool {
        matches!(self, Self::Tls | Self::H2)
    }
}

/// The body of a small answer.
pub(super) const SMALL_BYTES: usize = 100;
/// The body of a large answer.
pub(super) const LARGE_BYTES: usize = 16 * 1024;
/// The body of a huge answer.
pub(super) const HUGE_BYTES: usize = 1024 * 1024;
