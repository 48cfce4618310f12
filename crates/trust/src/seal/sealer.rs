//! Seals what this node sends, and opens what it is sent.

use std::ops::Range;

use ninefold_core::time::Timestamp;
use ring::aead::{Aad, LessSafeKey};

use super::error::{Counters, OpenError, SealError};
use super::header::{HEADER, Header, OVERHEAD, Salt, TAG};
use super::key::{GossipKey, KeyId, nonce};
use super::ring::KeyRing;
use super::senders::Senders;
use crate::random::{self, NoRandom};

/// Bytes that one packet seals: with the overhead and the heads of IPv6 and UDP they are Ethernet's 1,500.
pub const PLAIN_MAX: usize = 1_387;

/// One process of one node: what it seals with, and what it remembers of the others. See the module for whom it is
/// against.
///
/// The times that it is told are the wall clock's.
#[derive(Debug)]
pub struct Sealer {
    ring: KeyRing,
    own: u64,
    salt: Salt,
    counter: u64,
    sent_ms: u64,
    cipher: Option<(KeyId, LessSafeKey)>,
    senders: Senders,
    counters: Counters,
}

/// A packet that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Who sealed it: one who has the key and says so.
    pub from: u64,
    /// By which key.
    pub key: KeyId,
    /// Where in the packet its text is now.
    pub range: Range<usize>,
}

impl Sealer {
    /// For a process of the node `own`, which begins now.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn new(ring: KeyRing, own: u64, now: Timestamp) -> Result<Self, NoRandom> {
        Ok(Self {
            ring,
            own,
            salt: random::bytes()?,
            counter: 0,
            sent_ms: 0,
            cipher: None,
            senders: Senders::new(now.as_millis()),
            counters: Counters::default(),
        })
    }

    /// Goes on with other keys.
    pub fn set_ring(&mut self, ring: KeyRing) {
        self.ring = ring;
    }

    /// The keys it knows.
    #[must_use]
    pub const fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// What was sealed, opened and refused.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Seals a text by the primary key and appends the packet to `out`.
    ///
    /// # Errors
    /// When the text is longer than [`PLAIN_MAX`], or nothing can be sealed; `out` is as before then.
    pub fn seal(
        &mut self,
        plain: &[u8],
        now: Timestamp,
        out: &mut Vec<u8>,
    ) -> Result<(), SealError> {
        self.seal_under(self.ring.primary().id(), plain, now, out)
    }

    /// The same by another key of the ring, for one that does not know the primary one yet. By one that is not there
    /// nothing is sealed, but by the primary one.
    ///
    /// # Errors
    /// As those of [`Self::seal`].
    pub fn seal_under(
        &mut self,
        key: KeyId,
        plain: &[u8],
        now: Timestamp,
        out: &mut Vec<u8>,
    ) -> Result<(), SealError> {
        let key = self.ring.get(key).unwrap_or_else(|| self.ring.primary());
        let key = key.clone();
        if plain.len() > PLAIN_MAX {
            return Err(SealError::Length(plain.len()));
        }
        // A packet more than there are numbers begins another salt.
        self.counter = if let Some(next) = self.counter.checked_add(1) {
            next
        } else {
            self.salt = random::bytes().map_err(|NoRandom| SealError::Random)?;
            self.cipher = None;
            1
        };
        // A clock that is set back does not make us somebody who was before us.
        self.sent_ms = self.sent_ms.max(now.as_millis());
        let head = Header {
            key: key.id(),
            from: self.own,
            salt: self.salt,
            sent_ms: self.sent_ms,
            counter: self.counter,
        };
        self.put(&key, &head, plain, out)
            .map_err(|ring::error::Unspecified| SealError::Random)?;
        self.counters.sealed += 1;
        Ok(())
    }

    fn put(
        &mut self,
        key: &GossipKey,
        head: &Header,
        plain: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), ring::error::Unspecified> {
        let cipher = match &mut self.cipher {
            Some((id, cipher)) if *id == head.key => cipher,
            other => {
                let key = key.derive(self.own, &self.salt)?;
                &mut other.insert((head.key, key.cipher()?)).1
            }
        };
        let start = out.len();
        let open = head.encode();
        out.extend_from_slice(&open);
        out.extend_from_slice(plain);
        let text = out.get_mut(start + HEADER..).unwrap_or_default();
        let sealed = cipher.seal_in_place_separate_tag(nonce(head.counter), Aad::from(open), text);
        match sealed {
            Ok(tag) => out.extend_from_slice(tag.as_ref()),
            Err(error) => {
                out.truncate(start);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Opens a packet where it lies.
    ///
    /// # Errors
    /// When it is refused. Nothing is changed then, but for a counter and the bytes of the packet.
    pub fn open(&mut self, packet: &mut [u8], now: Timestamp) -> Result<Opened, OpenError> {
        let opened = self.check(packet, now.as_millis());
        match &opened {
            Ok(_) => self.counters.opened += 1,
            Err(error) => self.counters.count(*error),
        }
        opened
    }

    fn check(&mut self, packet: &mut [u8], now_ms: u64) -> Result<Opened, OpenError> {
        let length = packet.len();
        if !(OVERHEAD..=OVERHEAD + PLAIN_MAX).contains(&length) {
            return Err(OpenError::Length(length));
        }
        let (open, sealed) = packet.split_at_mut(HEADER);
        let head = Header::decode(open)?;
        let cluster_key = self.ring.get(head.key);
        let cluster_key = cluster_key.ok_or(OpenError::UnknownKey(head.key))?;
        if head.from == self.own {
            return Err(OpenError::Reflected);
        }
        let forged = |ring::error::Unspecified| OpenError::Forged;
        let key = match self.senders.admit(&head, now_ms)? {
            Some(key) if key.id == head.key => key.clone(),
            _ => cluster_key.derive(head.from, &head.salt).map_err(forged)?,
        };
        let cipher = key.cipher().map_err(forged)?;
        cipher
            .open_in_place(nonce(head.counter), Aad::from(open), sealed)
            .map_err(forged)?;
        self.senders.accept(&head, key, now_ms)?;
        Ok(Opened {
            from: head.from,
            key: head.key,
            range: HEADER..length - TAG,
        })
    }

    #[cfg(test)]
    pub(super) fn limit_senders(&mut self, limit: usize, now: Timestamp) {
        self.senders = Senders::new(now.as_millis()).with_limit(limit);
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.senders.len()
    }

    #[cfg(test)]
    pub(super) fn set_counter(&mut self, counter: u64) {
        self.counter = counter;
    }
}
