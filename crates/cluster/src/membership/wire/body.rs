use std::sync::Arc;

use ninefold_core::hash::checksum;

use crate::membership::node::{NodeId, Record, Status};

/// What a packet is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Is `target` there? Whoever gets it and is not, is somebody else at its address.
    Ping {
        /// Comes back in the answer.
        seq: u64,
        /// Who is asked.
        target: NodeId,
        /// It has not answered in time: it is told before anybody else is.
        doubted: bool,
    },
    /// I am.
    Ack {
        /// Of the question.
        seq: u64,
        /// Of the process that answers.
        nonce: u64,
        /// In how many milliseconds the subject wants the next question, so that those of all its observers are
        /// spread evenly.
        next_in_ms: u64,
    },
    /// Ask `target` for me.
    IndirectPing {
        /// Comes back in the answer.
        seq: u64,
        /// Who is to be asked.
        target: NodeId,
        /// How long the answer is waited for.
        wait_ms: u64,
    },
    /// It answered me.
    IndirectAck {
        /// Of the question.
        seq: u64,
        /// Who was asked.
        target: NodeId,
        /// Of the process that answered.
        nonce: u64,
    },
    /// It has not answered me so far; but I am here, and I hear you (Lifeguard, section IV-A).
    Nack {
        /// Of the question.
        seq: u64,
        /// Who was asked.
        target: NodeId,
    },
    /// News.
    Gossip(Vec<Update>),
    /// Hashes of what I know of ranges of members: is that what you know?
    Summary(Vec<(Range, u64)>),
    /// What I know of a range of members: tell me what I do not.
    Digest(Digest),
    /// What you do not know.
    Delta(Delta),
    /// Take me in.
    Join(Record),
}

/// One piece of news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update {
    /// What is known of a member.
    Member(Record),
    /// `observer` has a case against this process of `subject`.
    Accuse {
        /// Who does not answer.
        subject: NodeId,
        /// Which process of it.
        nonce: u64,
        /// As the observer knows it: who has proved since then that it is there is not meant.
        incarnation: u64,
        /// Who says so.
        observer: NodeId,
        /// Grows with every statement of this observer on this subject; the last one counts.
        number: u64,
        /// The observer's local health, 0 (well) to 7.
        health: u8,
        /// What a refutation must quote.
        challenge: u32,
        /// What it has found.
        cause: Cause,
    },
    /// `observer` takes it back.
    Withdraw {
        /// Who answers again.
        subject: NodeId,
        /// Who says so.
        observer: NodeId,
        /// As in `Accuse`.
        number: u64,
    },
    /// The subject itself contradicts those accusations whose challenges it quotes.
    Refute {
        /// Who contradicts.
        subject: NodeId,
        /// Its process.
        nonce: u64,
        /// Its incarnation from now on.
        incarnation: u64,
        /// What it quotes.
        challenges: Vec<u32>,
    },
    /// Members were convicted elsewhere, by that many observers each.
    Down {
        /// Who.
        subject: NodeId,
        /// Which process.
        nonce: u64,
        /// As of which incarnation.
        incarnation: u64,
        /// How many accused it.
        observers: u8,
        /// What they have found.
        cause: Cause,
        /// How often it was convicted in a row, this time included.
        strikes: u32,
    },
    /// What a member says about itself.
    Entry(Entry),
}

/// Why a member is accused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// It does not answer, on no path. It may contradict.
    Silent,
    /// Of what it is asked too much is lost, though it is there: so it cannot contradict.
    Lossy,
    /// Its own host says that the process has ended: no more silence is waited for.
    Ended,
}

impl Cause {
    /// In the order of their numbers on the wire.
    pub(super) const ALL: [Self; 3] = [Self::Silent, Self::Ended, Self::Lossy];
}

/// One key of a member's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whose.
    pub owner: NodeId,
    /// Which process of it; what another one said is worth nothing.
    pub nonce: u64,
    /// Grows with every change of any key of this owner.
    pub version: u64,
    /// The key.
    pub key: Arc<str>,
    /// Nothing where the key was taken away.
    pub value: Option<Arc<[u8]>>,
    /// After how many milliseconds without renewal it counts as gone; 0 for never.
    pub ttl_ms: u64,
    /// [`Entry::sum`], as its owner reckoned it: whoever passes it on, or keeps it, may turn a bit.
    pub sum: u32,
}

impl Entry {
    /// A checksum of all of it but the nonce, under which its owner may change without saying it again. Against
    /// accidents, not against a member that lies.
    #[must_use]
    pub fn sum(owner: NodeId, version: u64, key: &str, value: Option<&[u8]>, ttl_ms: u64) -> u32 {
        let numbers = [
            owner.0,
            version,
            ttl_ms,
            u64::from(value.is_some()),
            key.len() as u64,
        ];
        let numbers = numbers.into_iter().flat_map(u64::to_le_bytes);
        let text = key.bytes().chain(value.unwrap_or_default().iter().copied());
        checksum(numbers.chain(text))
    }

    /// Whether it is what its owner has said.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let value = self.value.as_deref();
        self.sum == Self::sum(self.owner, self.version, &self.key, value, self.ttl_ms)
    }
}

/// What is known of the members of a part of the ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// It answers another digest, and is not answered by a third.
    pub reply: bool,
    /// Which part.
    pub range: Range,
    /// Each with its incarnation, status and newest version.
    pub known: Vec<Version>,
}

/// Up to where a member is known: its incarnation, its status, and the newest version of what it says.
pub type Version = (NodeId, u64, Status, u64);

/// The ids from `first` to `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first.
    pub first: NodeId,
    /// The last, which belongs to it.
    pub last: NodeId,
}

/// The answer to a digest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// Members that are not known, or not so well.
    pub records: Vec<Record>,
    /// Metadata of the same, of each owner in the order of versions and without gaps from what the digest says.
    pub entries: Vec<Entry>,
    /// Bytes of what is known besides and found no room, about; counted up to [`LEFT_MAX`](super::LEFT_MAX).
    pub left: u64,
}
