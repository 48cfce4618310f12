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
//! the authority's key, and not against a member that gives the keys away: it is a member.

use std::time::Duration;

use ninefold_core::status::KeysStep;
use ninefold_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::authority::{Authority, AuthorityError};
use crate::folder::{FolderError, SecretsFolder};
use crate::identity::Identity;
use crate::join::Bytes;
use crate::name::ClusterName;
use crate::random::NoRandom;
use crate::seal::{GossipKey, KeyRing, RingError};
use crate::tls;

/// What the client says in the handshake (ALPN).
pub const PROTOCOL: &[u8] = b"ninefold-keys/1";
/// Bytes of a request, or of an answer, at most.
pub const MESSAGE_MAX: usize = 4 << 10;
/// How long an old key may be kept.
pub const KEEP_MAX: Duration = Duration::from_secs(30 * 86_400);

const FILE: &str = "keys.json";
const VERSION: u32 = 1;
/// What is signed begins with it, so that no other signature of the authority is one of keys.
const LABEL: &[u8] = b"ninefold gossip keys 1";

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
    pub(crate) const fn first(keys: KeyRing) -> Self {
        Self {
            version: VERSION,
            keys,
            generation: 0,
            step: KeysStep::Settled,
            signature: None,
            since: 0,
            keep: 0,
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

    fn text(&self, cluster: &ClusterName) -> Vec<u8> {
        let mut text = [LABEL, cluster.as_bytes(), &[0]].concat();
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
        let present = Keys::load(&self.folder)?;
        if present.step != KeysStep::Settled {
            return Err(KeysError::UnderWay {
                generation: present.generation,
                step: present.step,
                since: present.since(),
            });
        }
        let mut next = present;
        next.keys.add(GossipKey::generate()?)?;
        next.keep = keep.min(KEEP_MAX).as_secs();
        self.finish(next, KeysStep::Spreading, now)
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
        let primary = next.keys.primary().id();
        let other = next
            .keys
            .keys()
            .map(GossipKey::id)
            .find(|id| *id != primary);
        if let Some(other) = other {
            if step == KeysStep::Retiring {
                next.keys.make_primary(other)?;
            } else {
                next.keys.remove(other)?;
            }
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
mod tests {
    use super::*;
    use crate::local;

    const DAY: Duration = Duration::from_secs(86_400);

    struct Cluster {
        _folder: tempfile::TempDir,
        secrets: Vec<SecretsFolder>,
        identities: Vec<Identity>,
    }

    fn cluster(name: &str) -> Cluster {
        let folder = tempfile::tempdir().unwrap();
        let states: Vec<_> = ["n1", "n2"].map(|n| folder.path().join(n)).into();
        for state in &states {
            std::fs::create_dir(state).unwrap();
        }
        local::prepare(&states, name).unwrap();
        let secrets: Vec<_> = states.iter().map(|s| SecretsFolder::of_state(s)).collect();
        let load = |secrets| Identity::load(secrets, crate::now()).unwrap().unwrap();
        let identities = secrets.iter().map(load).collect();
        Cluster {
            _folder: folder,
            secrets,
            identities,
        }
    }

    impl Cluster {
        fn rotator(&self) -> Rotator {
            let name = self.identities[0].cluster();
            let rotator = Rotator::load(&self.secrets[0], name, crate::now());
            rotator.unwrap().unwrap()
        }

        /// What the second node makes of what the first one has.
        fn told(&self, present: &Keys) -> Result<Option<Keys>, KeysError> {
            let first = Keys::load(&self.secrets[0]).unwrap();
            let answer = first.answer(&present.request().unwrap()).unwrap();
            present.taken(&answer, &self.identities[1])
        }
    }

    fn ids(keys: &Keys) -> Vec<String> {
        keys.ring().keys().map(|key| key.id().to_string()).collect()
    }

    #[test]
    fn each_step_waits_for_those_that_are_behind_and_the_last_for_its_time() {
        let cluster = cluster("shop");
        let (rotator, now) = (cluster.rotator(), crate::now());
        let first = Keys::load(&cluster.secrets[0]).unwrap();
        assert_eq!((first.generation(), first.step()), (0, KeysStep::Settled));
        assert!(
            rotator.go_on(0, now).unwrap().is_none(),
            "nothing is wanted"
        );

        let spreading = rotator.begin(DAY, now).unwrap();
        assert_eq!(
            (spreading.generation(), spreading.step()),
            (1, KeysStep::Spreading)
        );
        assert_eq!(ids(&spreading)[0], ids(&first)[0], "the old one seals");
        let again = rotator.begin(DAY, now).unwrap_err();
        assert!(
            again.to_string().contains("generation 1 is spreading"),
            "{again}"
        );
        assert!(rotator.go_on(1, now).unwrap().is_none(), "one is behind");

        let retiring = rotator.go_on(0, now).unwrap().unwrap();
        assert_eq!(
            (retiring.generation(), retiring.step()),
            (2, KeysStep::Retiring)
        );
        assert_eq!(ids(&retiring)[0], ids(&spreading)[1], "the new one seals");
        assert_eq!(ids(&retiring)[1], ids(&first)[0]);
        assert!(
            rotator.go_on(0, now + DAY / 2).unwrap().is_none(),
            "it is kept"
        );
        assert!(
            rotator.go_on(1, now + DAY).unwrap().is_none(),
            "one is behind"
        );

        let settled = rotator.go_on(0, now + DAY).unwrap().unwrap();
        assert_eq!(
            (settled.generation(), settled.step()),
            (3, KeysStep::Settled)
        );
        assert_eq!(ids(&settled), [ids(&retiring)[0].clone()]);
        assert_eq!(Keys::load(&cluster.secrets[0]).unwrap(), settled);
        let loaded = Identity::load(&cluster.secrets[0], now).unwrap().unwrap();
        assert_eq!(loaded.keys(), settled.ring());
        assert_eq!(rotator.begin(DAY, now).unwrap().generation(), 4);
    }

    #[test]
    fn a_member_takes_what_is_later_and_signed_and_nothing_else() {
        let cluster = cluster("shop");
        let rotator = cluster.rotator();
        let own = Keys::load(&cluster.secrets[1]).unwrap();
        assert!(cluster.told(&own).unwrap().is_none(), "there is none");
        let spreading = rotator.begin(DAY, crate::now()).unwrap();
        let taken = cluster.told(&own).unwrap().unwrap();
        assert_eq!(taken, spreading);
        taken.save(&cluster.secrets[1]).unwrap();
        assert_eq!(Keys::load(&cluster.secrets[1]).unwrap(), spreading);
        assert!(cluster.told(&taken).unwrap().is_none(), "it has it");

        let retiring = rotator.go_on(0, crate::now()).unwrap().unwrap();
        assert_eq!(
            cluster.told(&own).unwrap().unwrap(),
            retiring,
            "steps are left out"
        );
        retiring.save(&cluster.secrets[1]).unwrap();
        spreading.save(&cluster.secrets[1]).unwrap();
        assert_eq!(
            Keys::load(&cluster.secrets[1]).unwrap(),
            retiring,
            "no way back"
        );
        let old = serde_json::to_vec(&Answer::Keys(spreading)).unwrap();
        let later = retiring.taken(&old, &cluster.identities[1]);
        assert!(later.unwrap().is_none(), "no way back");

        let mut changed = [
            retiring.clone(),
            retiring.clone(),
            retiring.clone(),
            retiring,
        ];
        changed[0].generation += 1;
        changed[1].step = KeysStep::Settled;
        changed[2].keys = KeyRing::new(GossipKey::generate().unwrap());
        changed[3].signature = None;
        for keys in changed {
            let answer = serde_json::to_vec(&Answer::Keys(keys)).unwrap();
            let refused = own.taken(&answer, &cluster.identities[1]);
            assert!(matches!(refused, Err(KeysError::Unsigned)), "{refused:?}");
        }
        assert!(own.taken(b"{", &cluster.identities[1]).is_err());
        assert!(own.answer(b"{}").is_err());
    }

    #[test]
    fn another_clusters_authority_is_not_believed() {
        let (one, other) = (cluster("shop"), cluster("shop"));
        let keys = other.rotator().begin(DAY, crate::now()).unwrap();
        let answer = serde_json::to_vec(&Answer::Keys(keys)).unwrap();
        let own = Keys::load(&one.secrets[1]).unwrap();
        let refused = own.taken(&answer, &one.identities[1]);
        assert!(matches!(refused, Err(KeysError::Unsigned)), "{refused:?}");
        assert!(
            Rotator::load(&one.secrets[1], one.identities[1].cluster(), crate::now())
                .unwrap()
                .is_none()
        );
    }
}
