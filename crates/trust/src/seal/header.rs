//! The open head of a sealed packet.

use super::error::OpenError;
use super::key::KeyId;

/// The only version there is.
const VERSION: u8 = 1;

/// Bytes of a head: version, key, sender, salt, time, counter.
pub(super) const HEADER: usize = 1 + 8 + 8 + 16 + 8 + 8;

/// Bytes of the cipher's tag.
pub(super) const TAG: usize = 16;

/// Bytes that sealing adds to a packet.
pub const OVERHEAD: usize = HEADER + TAG;

/// Names one process of a sender.
pub(super) type Salt = [u8; 16];

/// What stands before what is sealed. It can be read by anybody, and changed by nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) key: KeyId,
    pub(super) from: u64,
    pub(super) salt: Salt,
    /// The sender's wall clock in milliseconds; it never goes back within one process.
    pub(super) sent_ms: u64,
    pub(super) counter: u64,
}

impl Header {
    pub(super) fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let mut rest = bytes.as_mut_slice();
        for field in [
            [VERSION].as_slice(),
            &self.key.bytes(),
            &self.from.to_be_bytes(),
            &self.salt,
            &self.sent_ms.to_be_bytes(),
            &self.counter.to_be_bytes(),
        ] {
            let (here, after) = rest.split_at_mut(field.len());
            here.copy_from_slice(field);
            rest = after;
        }
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, OpenError> {
        let mut fields = Fields(bytes);
        let [version] = fields.take()?;
        if version != VERSION {
            return Err(OpenError::Version(version));
        }
        Ok(Self {
            key: KeyId::of_bytes(fields.take()?),
            from: u64::from_be_bytes(fields.take()?),
            salt: fields.take()?,
            sent_ms: u64::from_be_bytes(fields.take()?),
            counter: u64::from_be_bytes(fields.take()?),
        })
    }
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], OpenError> {
        let (field, rest) = self
            .0
            .split_first_chunk()
            .ok_or(OpenError::Length(self.0.len()))?;
        self.0 = rest;
        Ok(*field)
    }
}
