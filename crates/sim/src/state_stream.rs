//! The two ends of a stream for states, as the driver in production has them: how it is opened, how many are served,
//! and how long each may take. TLS is as long as it is there, and says nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use ninefold_core::time::Timestamp;

use crate::NodeId;

/// Streams that one node serves at once.
const SERVED_MAX: usize = 4;
/// How long one may take.
const STREAM_MAX: Duration = Duration::from_secs(5);
/// One on which nothing was asked for so long is over.
const QUIET_MAX: Duration = Duration::from_secs(2);
/// What TCP and TLS 1.3 send: there, and back; then what belongs to the first question.
const HANDSHAKE: [(usize, usize); 2] = [(60, 60), (300, 1_500)];

/// What is said on a stream: a byte, and what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A round trip of the handshake.
    Open(u8),
    Opened(u8),
    /// There are others.
    Busy,
    Question(Vec<u8>),
    Answer(Vec<u8>),
    /// It has all, or will not go on.
    Closed,
}

impl Piece {
    pub(crate) fn encode(self) -> Vec<u8> {
        let padded = |kind, step: u8, there: bool| {
            let sizes = HANDSHAKE.get(usize::from(step)).copied();
            let (out, back) = sizes.unwrap_or_default();
            let mut bytes = vec![0; if there { out } else { back }.max(2)];
            bytes.splice(..2, [kind, step]);
            bytes
        };
        let whole = |kind, bytes: Vec<u8>| [vec![kind], bytes].concat();
        match self {
            Self::Open(step) => padded(0, step, true),
            Self::Opened(step) => padded(1, step, false),
            Self::Busy => vec![2],
            Self::Question(bytes) => whole(3, bytes),
            Self::Answer(bytes) => whole(4, bytes),
            Self::Closed => vec![5],
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        Some(match bytes {
            [0, step, ..] => Self::Open(*step),
            [1, step, ..] => Self::Opened(*step),
            [2] => Self::Busy,
            [3, bytes @ ..] => Self::Question(bytes.to_vec()),
            [4, bytes @ ..] => Self::Answer(bytes.to_vec()),
            [5] => Self::Closed,
            _ => return None,
        })
    }
}

/// What follows from a piece for the end that opened the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing: it is of another stream.
    Nothing,
    /// One more round trip of the handshake.
    Open(u8),
    /// The stream is open.
    Ask,
    Refused,
}

/// The streams of a node: the one that it has opened, and those it serves.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    fetched: Option<(NodeId, Timestamp)>,
    /// When each last asked.
    served: BTreeMap<NodeId, Timestamp>,
}

impl Streams {
    /// Begins one; what goes there first.
    pub(crate) fn open(&mut self, peer: NodeId, now: Timestamp) -> Piece {
        self.fetched = Some((peer, now + STREAM_MAX));
        Piece::Open(0)
    }

    /// When the one that it has opened has taken too long.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        self.fetched.map(|(_, until)| until)
    }

    /// Whether it has; then it is over.
    pub(crate) fn is_late(&mut self, now: Timestamp) -> bool {
        self.fetched.take_if(|(_, until)| *until <= now).is_some()
    }

    pub(crate) fn is_with(&self, peer: NodeId) -> bool {
        self.fetched.is_some_and(|(of, _)| of == peer)
    }

    pub(crate) fn close(&mut self) {
        self.fetched = None;
    }

    /// What comes back to the end that opened it, but for answers.
    pub(crate) fn came(&self, peer: NodeId, piece: &Piece) -> Next {
        match piece {
            _ if !self.is_with(peer) => Next::Nothing,
            Piece::Opened(step) if usize::from(*step) + 1 < HANDSHAKE.len() => Next::Open(step + 1),
            Piece::Opened(_) => Next::Ask,
            Piece::Busy => Next::Refused,
            Piece::Open(_) | Piece::Question(_) | Piece::Answer(_) | Piece::Closed => Next::Nothing,
        }
    }

    /// Whether there is a place for one that asks.
    pub(crate) fn serves(&mut self, peer: NodeId, now: Timestamp) -> bool {
        self.served.retain(|_, at| now.since(*at) < QUIET_MAX);
        let room = self.served.len() < SERVED_MAX || self.served.contains_key(&peer);
        if room {
            self.served.insert(peer, now);
        }
        room
    }

    /// That one has all.
    pub(crate) fn served(&mut self, peer: NodeId) {
        self.served.remove(&peer);
    }
}
