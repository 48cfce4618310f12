//! Why packets are refused, and how often.

use super::key::KeyId;

/// A packet was refused. Nothing was changed by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It is shorter than an empty one, or longer than any.
    #[error("a packet of {0} bytes is none of ours")]
    Length(usize),
    /// It is of another version, or of something else.
    #[error("a packet of version {0}, which is not known here")]
    Version(u8),
    /// Its key is not in our ring: it is another cluster's, or a rotation has not reached one of us.
    #[error("a packet under the key {0}, which is not in this node's ring")]
    UnknownKey(KeyId),
    /// It says that we sent it. Whoever repeats our packets to us gets nothing for it.
    #[error("a packet that says that this node sent it")]
    Reflected,
    /// It was sent at a time that cannot be: too far from our clock, or before what its sender sent already.
    #[error("a packet that was sent too long ago, or too far ahead of this node's clock")]
    Stale,
    /// It was changed, or made without the key.
    #[error("a packet that was changed on its way, or made without the cluster's key")]
    Forged,
    /// It was there already, or so many came after it that this cannot be told any more.
    #[error("a packet that was there already")]
    Replayed,
    /// Too many senders are remembered, and none of them may be forgotten yet.
    #[error("a packet from a new sender, with no room to remember it")]
    Full,
}

/// A packet was not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It is too long.
    #[error("{0} bytes are too many for one packet")]
    Length(usize),
    /// The system gave no random bytes, or the cipher refused.
    #[error("the system gave no random bytes")]
    Random,
}

/// How many packets were opened, and refused for what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Sealed by us.
    pub sealed: u64,
    /// Opened.
    pub opened: u64,
    /// [`OpenError::Length`].
    pub length: u64,
    /// [`OpenError::Version`].
    pub version: u64,
    /// [`OpenError::UnknownKey`].
    pub unknown_key: u64,
    /// [`OpenError::Reflected`].
    pub reflected: u64,
    /// [`OpenError::Stale`].
    pub stale: u64,
    /// [`OpenError::Forged`].
    pub forged: u64,
    /// [`OpenError::Replayed`].
    pub replayed: u64,
    /// [`OpenError::Full`].
    pub full: u64,
}

impl Counters {
    pub(super) const fn count(&mut self, error: OpenError) {
        let counter = match error {
            OpenError::Length(_) => &mut self.length,
            OpenError::Version(_) => &mut self.version,
            OpenError::UnknownKey(_) => &mut self.unknown_key,
            OpenError::Reflected => &mut self.reflected,
            OpenError::Stale => &mut self.stale,
            OpenError::Forged => &mut self.forged,
            OpenError::Replayed => &mut self.replayed,
            OpenError::Full => &mut self.full,
        };
        *counter += 1;
    }

    /// All that were refused.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.length
            + self.version
            + self.unknown_key
            + self.reflected
            + self.stale
            + self.forged
            + self.replayed
            + self.full
    }
}
