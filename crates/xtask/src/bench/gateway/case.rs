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
    /// GET, 100 bytes back, a new connection each time.
    Close,
}

impl Case {
    pub(super) const ALL: [Self; 4] = [Self::Small, Self::Large, Self::Post, Self::Close];

    /// The name on the command line and in JSON.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Large => "16k",
            Self::Post => "post",
            Self::Close => "close",
        }
    }

    /// What it is, for people.
    pub(super) const fn about(self) -> &'static str {
        match self {
            Self::Small => "GET, 100 B answer",
            Self::Large => "GET, 16 KiB answer",
            Self::Post => "POST of 4 KiB, 100 B answer",
            Self::Close => "GET, 100 B answer, a new connection each",
        }
    }

    /// The path that the backend answers in this way.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Small | Self::Post | Self::Close => "/small",
            Self::Large => "/large.bin",
        }
    }

    /// Bytes of the request's body.
    pub(super) const fn request_bytes(self) -> usize {
        match self {
            Self::Post => 4_096,
            Self::Small | Self::Large | Self::Close => 0,
        }
    }

    /// Bytes of the answer's body.
    pub(super) const fn answer_bytes(self) -> usize {
        match self {
            Self::Small | Self::Post | Self::Close => SMALL_BYTES,
            Self::Large => LARGE_BYTES,
        }
    }
}

/// The body of a small answer.
pub(super) const SMALL_BYTES: usize = 100;
/// The body of a large answer.
pub(super) const LARGE_BYTES: usize = 16 * 1024;
