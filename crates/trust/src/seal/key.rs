//! A cluster key of gossip, and what is derived from it.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{Context, SHA256};
use ring::error::Unspecified;
use ring::hkdf::{HKDF_SHA256, KeyType, Salt as HkdfSalt};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::header::Salt;
use crate::random;

/// What a key is derived for; another use would get another text.
const PURPOSE: &[u8] = b"ninefold gossip 1";

/// What a key's id is made of besides the key.
const ID_PURPOSE: &[u8] = b"ninefold gossip key id 1";

/// Names a key, and says nothing about it: the first eight bytes of a hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 8]);

impl KeyId {
    pub(super) const fn of_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn bytes(self) -> [u8; 8] {
        self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// 32 random bytes that all members share. They are never shown; in JSON they are base64.
#[derive(Clone, PartialEq, Eq)]
pub struct GossipKey {
    bytes: [u8; 32],
    id: KeyId,
}

impl GossipKey {
    /// Draws one.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn generate() -> Result<Self, random::NoRandom> {
        Ok(Self::of_bytes(random::bytes()?))
    }

    /// From its bytes, which have to be random.
    #[must_use]
    pub fn of_bytes(bytes: [u8; 32]) -> Self {
        let mut hash = Context::new(&SHA256);
        hash.update(ID_PURPOSE);
        hash.update(&bytes);
        let mut id = [0; 8];
        for (id, byte) in id.iter_mut().zip(hash.finish().as_ref()) {
            *id = *byte;
        }
        Self {
            bytes,
            id: KeyId(id),
        }
    }

    /// For what the authority signs.
    pub(crate) const fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// Its name.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The key of one sender's process.
    pub(super) fn derive(&self, from: u64, salt: &Salt) -> Result<ProcessKey, Unspecified> {
        let secret = HkdfSalt::new(HKDF_SHA256, salt).extract(&self.bytes);
        let from = from.to_be_bytes();
        let info = [PURPOSE, from.as_slice()];
        let mut bytes = [0; 32];
        secret.expand(&info, Length)?.fill(&mut bytes)?;
        Ok(ProcessKey { id: self.id, bytes })
    }
}

/// How long a derived key is.
struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        32
    }
}

/// The key of one sender's process, derived from a cluster key. As bytes it takes a tenth of the room of a cipher
/// that is set up, which takes no time.
#[derive(Clone)]
pub(super) struct ProcessKey {
    /// Of the cluster key.
    pub(super) id: KeyId,
    bytes: [u8; 32],
}

impl ProcessKey {
    pub(super) fn cipher(&self) -> Result<LessSafeKey, Unspecified> {
        UnboundKey::new(&CHACHA20_POLY1305, &self.bytes).map(LessSafeKey::new)
    }
}

impl fmt::Debug for ProcessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProcessKey({})", self.id)
    }
}

/// The nonce of a counter, which comes once under a key.
pub(super) fn nonce(counter: u64) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    if let Some(last) = bytes.last_chunk_mut() {
        *last = counter.to_be_bytes();
    }
    Nonce::assume_unique_for_key(bytes)
}

impl fmt::Debug for GossipKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GossipKey({})", self.id)
    }
}

impl Serialize for GossipKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(self.bytes))
    }
}

impl<'de> Deserialize<'de> for GossipKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text).ok();
        let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        // The text is secret, and stays out of the message.
        bytes
            .map(Self::of_bytes)
            .ok_or_else(|| D::Error::custom("a gossip key is not 32 bytes in base64"))
    }
}
