//! How all members of a cluster come by another key of gossip, while nobody is cut off.
//!
//! The node that has the authority changes the ring in three steps, each of them a *generation* that it signs:
//!
//! 1. [spreading](KeysStep::Spreading): a new key is there, and everybody opens with it, too.
//! 2. [retiring](KeysStep::Retiring): everybody seals with the new one. Who was away speaks by the old one and is answered by
//!    it ([`Sealer::seal_under`](crate::seal::Sealer::seal_under)), until it has fetched the new one.
//! 3. [settled](KeysStep::Settled): the old one is gone.
//!
//! The next step is taken when none of the members that are there is behind, the last one not before the old key was kept
//! for as long as was asked. Members fetch the newest generation from any other that has it, over mutual TLS.
//!
//! Against a member that would have others take keys of its own, or go back to old ones: a generation is signed by the
//! authority, whose certificate every member has, and only a later one takes the place of another. Not against one who has
//! the authority's key, and not against a member that gives the keys away: it is a member, until it is
//! [expelled](Rotator::expel). That begins to change to a key which it is not given, and each generation says who is.

use std::time::Duration;

use ninefold_core::status::KeysStep;
use ninefold_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::authority::{Authority, AuthorityError};
use crate::expelled::{EXPELLED_MAX, Expelled};
use crate::folder::{FolderError, SecretsFolder};
use crate::identity::{Identity, IdentityError};
use crate::join::Bytes;
use crate::name::{ClusterName, NodeName};
use crate::random::NoRandom;
use crate::seal::{GossipKey, KeyRing, RingError};
use crate::tls;
use crate::token::TokenBook;

/// What the client says in the handshake (ALPN).
pub const PROTOCOL: &[u8] = b"ninefold-keys/1";
/// Bytes of a request, or of an answer, at most.
pub const MESSAGE_MAX: usize = 16 << 10;
/// How long an old key may be kept.
pub const KEEP_MAX: Duration = Duration::from_secs(30 * 86_400);

const FILE: &str = "keys.json";
const VERSION: u32 = 1;
/// What is signed begins with it, so that no other signature of the authority is one of keys.
const LABEL: &[u8] = b"ninefold gossip keys 1";
/// Where nodes are expelled their names follow this. No cluster's name begins so.
const WITHOUT: &[u8] = b", without";

/// A generation of the keys of gossip, as it lies in a node's folder of secrets, and as members give it to each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    version: u32,
    /// The first one is the primary.
    keys: KeyRing,
    #[serde(default)]
    generation: u64,
    #[serde(default)]
    step: KeysStep,
    /// The authority's, of all that is above. The first generation, which came with the identity, has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<Bytes>,
    /// Since when, and for how long the old key is kept, in seconds. Only who has the authority goes by it.
    #[serde(default)]
    since: u64,
    #[serde(default)]
    keep: u64,
    #[serde(default, skip_serializing_if = "Expelled::is_empty")]
    expelled: Expelled,
}

/// The keys are not changed. Those before are as good as they were.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The files.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The authority.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] NoRandom),
    /// It could not sign.
    #[error("the authority signs nothing: {0}")]
    Sign(#[from] rcgen::Error),
    /// The ring.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// The node's own files.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// One change after the other.
    #[error(
        "the keys are being changed already: generation {generation} is {} since {since}; wait until it is settled",
        step.name()
    )]
    UnderWay {
        /// The present one.
        generation: u64,
        /// How far it is.
        step: KeysStep,
        /// Since when.
        since: Timestamp,
    },
    /// It has to remain.
    #[error("{0} has the cluster's authority and cannot be expelled")]
    Own(NodeName),
    /// It was done before.
    #[error("{0} is expelled already")]
    Already(NodeName),
    /// It is not.
    #[error("{0} is not expelled")]
    NotExpelled(NodeName),
    /// There is no room.
    #[error(
        "{EXPELLED_MAX} nodes are expelled already; take one back that is of no danger any more"
    )]
    Many,
    /// What came is not signed by the authority, or was changed.
    #[error("the cluster's authority has not signed these keys")]
    Unsigned,
    /// What came is no answer.
    #[error("what was said is not understood: {0}")]
    Message(#[from] serde_json::Error),
    /// It speaks otherwise.
    #[error("this Ninefold has keys of version {VERSION}")]
    Version,
}

/// What a member asks for: keys later than it has.
#[derive(Debug, Serialize, Deserialize)]
struct Request {
    version: u32,
    generation: u64,
}

/// What it is told.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    Keys(Keys),
    NoneLater,
}

impl Keys {
    /// Those of an identity that was just made.
    pub(crate) fn first(keys: KeyRing) -> Self {
        Self {
            version: VERSION,
            keys,
            generation: 0,
            step: KeysStep::Settled,
            signature: None,
            since: 0,
            keep: 0,
            expelled: Expelled::default(),
        }
    }

    /// As they are in the folder now.
    ///
    /// # Errors
    /// When the file is missing, readable by others or broken.
    pub fn load(folder: &SecretsFolder) -> Result<Self, FolderError> {
        let broken = |detail: String| FolderError::Broken {
            path: folder.file(FILE),
            detail,
        };
        let keys = folder.read_json::<Self>(FILE)?;
        let keys = keys.ok_or_else(|| broken("it is not there".to_owned()))?;
        if keys.version == VERSION {
            return Ok(keys);
        }
        let version = keys.version;
        Err(broken(format!(
            "it is of version {version}, and this Ninefold reads {VERSION}"
        )))
    }

    pub(crate) fn write(&self, folder: &SecretsFolder) -> Result<(), FolderError> {
        folder.write_json(FILE, self)
    }

    /// Writes them, unless the folder has later ones.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn save(&self, folder: &SecretsFolder) -> Result<(), FolderError> {
        let _lock = folder.lock()?;
        if Self::load(folder)?.generation >= self.generation {
            return Ok(());
        }
        self.write(folder)
    }

    /// What is sealed and opened with.
    #[must_use]
    pub const fn ring(&self) -> &KeyRing {
        &self.keys
    }

    /// Grows with each step; 0 where there was none.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// How far the change is.
    #[must_use]
    pub const fn step(&self) -> KeysStep {
        self.step
    }

    /// Since when, by the clock of the node with the authority.
    #[must_use]
    pub const fn since(&self) -> Timestamp {
        Timestamp::from_secs(self.since)
    }

    /// For how long the old key is kept while it is retiring.
    #[must_use]
    pub const fn keep(&self) -> Duration {
        Duration::from_secs(self.keep)
    }

    /// Who is no member any more.
    #[must_use]
    pub const fn expelled(&self) -> &Expelled {
        &self.expelled
    }

    /// The next step, where it is time for it: `behind` members that are there do not have this one.
    #[must_use]
    pub fn due(&self, behind: usize, now: Timestamp) -> Option<KeysStep> {
        if behind > 0 {
            return None;
        }
        match self.step {
            KeysStep::Settled => None,
            KeysStep::Spreading => Some(KeysStep::Retiring),
            KeysStep::Retiring if now.since(self.since()) >= self.keep() => Some(KeysStep::Settled),
            KeysStep::Retiring => None,
        }
    }

    fn is_settled(&self) -> Result<(), KeysError> {
        if self.step == KeysStep::Settled {
            return Ok(());
        }
        Err(KeysError::UnderWay {
            generation: self.generation,
            step: self.step,
            since: self.since(),
        })
    }

    fn text(&self, cluster: &ClusterName) -> Vec<u8> {
        let mut text = LABEL.to_vec();
        if !self.expelled.is_empty() {
            text.extend(WITHOUT);
            for name in self.expelled.names() {
                text.push(b' ');
                text.extend(name.as_bytes());
            }
            text.push(0);
        }
        text.extend(cluster.as_bytes());
        text.push(0);
        text.extend(self.generation.to_be_bytes());
        // By its name, which is the same whatever else there will be.
        text.extend(self.step.name().as_bytes());
        text.push(0);
        for key in self.keys.keys() {
            text.extend(key.bytes());
        }
        text
    }

    fn is_signed(&self, of: &Identity) -> bool {
        let Some(signature) = &self.signature else {
            return false;
        };
        tls::has_signed(&of.authority, &self.text(of.cluster()), &signature.0)
    }

    /// Asks another member for later ones.
    ///
    /// # Errors
    /// Never; numbers can be written.
    pub fn request(&self) -> Result<Vec<u8>, KeysError> {
        let request = Request {
            version: VERSION,
            generation: self.generation,
        };
        Ok(serde_json::to_vec(&request)?)
    }

    /// Answers a member that asks.
    ///
    /// # Errors
    /// When it says something else.
    pub fn answer(&self, request: &[u8]) -> Result<Vec<u8>, KeysError> {
        let request: Request = serde_json::from_slice(request)?;
        if request.version != VERSION {
            return Err(KeysError::Version);
        }
        let answer = if self.generation > request.generation {
            Answer::Keys(self.clone())
        } else {
            Answer::NoneLater
        };
        Ok(serde_json::to_vec(&answer)?)
    }

    /// What was answered, if it is later than these and the authority has signed it.
    ///
    /// # Errors
    /// When it is no answer, or was not signed.
    pub fn taken(&self, answer: &[u8], of: &Identity) -> Result<Option<Self>, KeysError> {
        let Answer::Keys(keys) = serde_json::from_slice(answer)? else {
            return Ok(None);
        };
        if keys.version != VERSION {
            return Err(KeysError::Version);
        }
        if !keys.is_signed(of) {
            return Err(KeysError::Unsigned);
        }
        Ok((keys.generation > self.generation).then_some(keys))
    }
}

/// Changes the keys, at the node that has the authority.
#[derive(Debug)]
pub struct Rotator {
    authority: Authority,
    folder: SecretsFolder,
}

impl Rotator {
    /// With the authority of a folder; none where there is none.
    ///
    /// # Errors
    /// When the files cannot be used.
    pub fn load(
        folder: &SecretsFolder,
        cluster: &ClusterName,
        now: Timestamp,
    ) -> Result<Option<Self>, KeysError> {
        let authority = Authority::load(folder, cluster, now)?;
        Ok(authority.map(|authority| Self {
            authority,
            folder: folder.clone(),
        }))
    }

    /// Begins to change to a new key, and keeps the old one for so long once nobody seals with it any more.
    ///
    /// # Errors
    /// When a change is under way, or something cannot be read, made or written.
    pub fn begin(&self, keep: Duration, now: Timestamp) -> Result<Keys, KeysError> {
        let _lock = self.folder.lock()?;
        let mut next = Keys::load(&self.folder)?;
        next.is_settled()?;
        next.keys.add(GossipKey::generate()?)?;
        next.keep = keep.min(KEEP_MAX).as_secs();
        self.finish(next, KeysStep::Spreading, now)
    }

    /// From now on a node is no member, and the others begin to change to a key that it is not given. Whatever change
    /// was under way ends in this one. Tokens admit nobody any more: it may have one.
    ///
    /// # Errors
    /// When it is this node, is expelled already, or something cannot be read, made or written.
    pub fn expel(&self, node: &NodeName, now: Timestamp) -> Result<Keys, KeysError> {
        let own = Identity::load(&self.folder, now)?;
        if own.is_some_and(|own| own.node() == node) {
            return Err(KeysError::Own(node.clone()));
        }
        let with = |mut keys: Keys| {
            if keys.expelled.has(node) {
                return Err(KeysError::Already(node.clone()));
            }
            let has_room = keys.expelled.add(node);
            has_room.then_some(keys).ok_or(KeysError::Many)
        };
        with(Keys::load(&self.folder)?)?;
        TokenBook::new(self.folder.clone()).void()?;
        let _lock = self.folder.lock()?;
        let mut next = with(Keys::load(&self.folder)?)?;
        // What is spreading nobody seals with, and the node may have it; by what is retiring some seal still.
        if next.step == KeysStep::Spreading {
            next.keys = KeyRing::new(next.keys.primary().clone());
        }
        next.keys.add(GossipKey::generate()?)?;
        next.keep = 0;
        self.finish(next, KeysStep::Spreading, now)
    }

    /// A node may be a member again: its certificate counts, and it may join.
    ///
    /// # Errors
    /// When it is not expelled, a change is under way, or something cannot be read or written.
    pub fn take_back(&self, node: &NodeName, now: Timestamp) -> Result<Keys, KeysError> {
        let _lock = self.folder.lock()?;
        let mut next = Keys::load(&self.folder)?;
        next.is_settled()?;
        if !next.expelled.remove(node) {
            return Err(KeysError::NotExpelled(node.clone()));
        }
        self.finish(next, KeysStep::Settled, now)
    }

    /// Takes the next step, where it is [due](Keys::due).
    ///
    /// # Errors
    /// When something cannot be read, signed or written.
    pub fn go_on(&self, behind: usize, now: Timestamp) -> Result<Option<Keys>, KeysError> {
        let _lock = self.folder.lock()?;
        let mut next = Keys::load(&self.folder)?;
        let Some(step) = next.due(behind, now) else {
            return Ok(None);
        };
        match step {
            KeysStep::Retiring => {
                // The one that was added last.
                let newest = next.keys.keys().last().map(GossipKey::id);
                newest.map_or(Ok(()), |newest| next.keys.make_primary(newest))?;
            }
            KeysStep::Settled => next.keys = KeyRing::new(next.keys.primary().clone()),
            KeysStep::Spreading => {}
        }
        self.finish(next, step, now).map(Some)
    }

    fn finish(&self, mut next: Keys, step: KeysStep, now: Timestamp) -> Result<Keys, KeysError> {
        next.generation += 1;
        next.step = step;
        next.since = now.as_secs();
        let text = next.text(self.authority.cluster());
        next.signature = Some(Bytes(self.authority.sign_text(&text)?));
        next.write(&self.folder)?;
        Ok(next)
    }
}

#[cfg(test)]
mod tests;
