//! Messages, several in a packet behind a checksum.

use ninefold_core::hash::{CHECKSUM_SIZE, checksum};

use crate::NodeId;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    Ping {
        seq: u32,
        target: NodeId,
    },
    PingReq {
        seq: u32,
        target: NodeId,
    },
    Ack {
        seq: u32,
    },
    Nack {
        seq: u32,
    },
    Alive {
        incarnation: u32,
        node: NodeId,
    },
    Suspect {
        incarnation: u32,
        node: NodeId,
        from: NodeId,
    },
    Dead {
        incarnation: u32,
        node: NodeId,
        from: NodeId,
    },
    /// What follows is all that the sender knows; whether it wants the same.
    State {
        reply: bool,
    },
}

/// The size of the largest one.
pub(super) const LARGEST_SIZE: usize = 13;
impl Message {
    pub(super) fn encode(self, packet: &mut Vec<u8>) {
        let (kind, fields): (u8, [Option<u32>; 3]) = match self {
            Self::Ping { seq, target } => (0, [Some(seq), Some(target.0), None]),
            Self::PingReq { seq, target } => (1, [Some(seq), Some(target.0), None]),
            Self::Ack { seq } => (2, [Some(seq), None, None]),
            Self::Nack { seq } => (3, [Some(seq), None, None]),
            Self::Alive { incarnation, node } => (4, [Some(incarnation), Some(node.0), None]),
            Self::Suspect {
                incarnation,
                node,
                from,
            } => (5, [Some(incarnation), Some(node.0), Some(from.0)]),
            Self::Dead {
                incarnation,
                node,
                from,
            } => (6, [Some(incarnation), Some(node.0), Some(from.0)]),
            Self::State { reply } => (7, [Some(u32::from(reply)), None, None]),
        };
        packet.push(kind);
        for field in fields.into_iter().flatten() {
            packet.extend_from_slice(&field.to_le_bytes());
        }
    }

    /// The first message of what is left of a packet.
    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        *bytes = rest;
        let mut field = || {
            let (field, rest) = bytes.split_first_chunk::<4>()?;
            *bytes = rest;
            Some(u32::from_le_bytes(*field))
        };
        let first = field()?;
        let mut node = || field().map(NodeId);
        Some(match kind {
            0 => Self::Ping {
                seq: first,
                target: node()?,
            },
            1 => Self::PingReq {
                seq: first,
                target: node()?,
            },
            2 => Self::Ack { seq: first },
            3 => Self::Nack { seq: first },
            4 => Self::Alive {
                incarnation: first,
                node: node()?,
            },
            5 => Self::Suspect {
                incarnation: first,
                node: node()?,
                from: node()?,
            },
            6 => Self::Dead {
                incarnation: first,
                node: node()?,
                from: node()?,
            },
            7 => Self::State { reply: first == 1 },
            _ => return None,
        })
    }
}

/// An empty packet, with room for its checksum.
pub(super) fn begin() -> Vec<u8> {
    vec![0; CHECKSUM_SIZE]
}

/// Writes the checksum into its place.
pub(super) fn seal(packet: &mut [u8]) {
    if let Some((place, rest)) = packet.split_first_chunk_mut::<CHECKSUM_SIZE>() {
        *place = checksum(rest.iter().copied()).to_le_bytes();
    }
}

/// The messages of a packet; none of one that is broken.
pub(super) fn open(packet: &[u8]) -> Vec<Message> {
    let Some((sum, mut rest)) = packet.split_first_chunk::<CHECKSUM_SIZE>() else {
        return Vec::new();
    };
    if u32::from_le_bytes(*sum) != checksum(rest.iter().copied()) {
        return Vec::new();
    }
    std::iter::from_fn(|| Message::decode(&mut rest)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: NodeId = NodeId(7);

    fn all() -> Vec<Message> {
        vec![
            Message::Ping {
                seq: 1,
                target: NODE,
            },
            Message::PingReq {
                seq: 2,
                target: NODE,
            },
            Message::Ack { seq: 3 },
            Message::Nack { seq: 4 },
            Message::Alive {
                incarnation: 5,
                node: NODE,
            },
            Message::Suspect {
                incarnation: 6,
                node: NODE,
                from: NodeId(8),
            },
            Message::Dead {
                incarnation: 7,
                node: NODE,
                from: NodeId(8),
            },
            Message::State { reply: true },
        ]
    }

    #[test]
    fn what_is_sealed_is_opened_and_nothing_broken_is() {
        let mut packet = begin();
        for message in all() {
            message.encode(&mut packet);
        }
        seal(&mut packet);
        assert_eq!(open(&packet), all());
        for bit in 0..packet.len() * 8 {
            let mut broken = packet.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open(&broken), [], "bit {bit}");
        }
        for size in 0..packet.len() {
            assert_eq!(open(&packet[..size]), [], "{size} bytes");
        }
    }
}
