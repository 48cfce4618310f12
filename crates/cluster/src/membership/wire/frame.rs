use super::body::{Entry, Range, Version};
use super::error::WireError;
use super::fields::{Reader, Writer};
use super::packet::{
    read_head, read_known, read_versions, write_head, write_known, write_versions,
};
use crate::membership::node::{NodeId, Record};

/// Bytes of a frame at most: so much is read, or made, at once by whoever has packets to answer in between.
pub const FRAME_MAX: usize = 65_536;
/// Members of which a question says how far they are known at most.
pub const KNOWN_MAX: usize = 2_048;

/// More records or entries do not fit into a frame.
const PARTS_MAX: usize = FRAME_MAX / 20;

/// One piece of a state as it goes over a stream, in the same form as packets but for its length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Who says it.
    pub from: NodeId,
    /// What.
    pub part: Part,
}

/// A question, or its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// What I know of a range of members, in the order of their ids: tell me what I do not.
    Question {
        /// Which part of the ids.
        range: Range,
        /// Up to where they are known.
        known: Vec<Version>,
    },
    /// What you do not know, as far as it fits.
    Answer {
        /// Up to this id everything is said.
        last: NodeId,
        /// Members that are not known, or not so well.
        records: Vec<Record>,
        /// What they say, as in a [`Delta`](super::Delta).
        entries: Vec<Entry>,
    },
}

impl Frame {
    /// In bytes, for the cluster whose name has this hash.
    #[must_use]
    pub fn encode(&self, cluster: u64) -> Vec<u8> {
        let mut to = Writer(Vec::with_capacity(1_024));
        write_head(&mut to, cluster, self.from);
        match &self.part {
            Part::Question { range, known } => {
                to.u8(1);
                write_versions(&mut to, *range, known);
            }
            Part::Answer {
                last,
                records,
                entries,
            } => {
                to.u8(2);
                to.id(*last);
                write_known(&mut to, records, entries);
            }
        }
        to.0
    }

    /// From bytes.
    ///
    /// # Errors
    ///
    /// If they are not exactly one frame of this version and cluster.
    pub fn decode(bytes: &[u8], cluster: u64) -> Result<Self, WireError> {
        if bytes.len() > FRAME_MAX {
            return Err(WireError::TooLong(bytes.len()));
        }
        let mut reader = Reader(bytes);
        let from = read_head(&mut reader, cluster)?;
        let part = match reader.u8()? {
            1 => {
                let (range, known) = read_versions(&mut reader, KNOWN_MAX)?;
                let ascending = known.is_sorted_by(|(a, ..), (b, ..)| a < b);
                let inside = |(id, ..): &Version| (range.first..=range.last).contains(id);
                if !ascending || !known.iter().all(inside) {
                    return Err(WireError::Order("members of a question"));
                }
                Part::Question { range, known }
            }
            2 => {
                let last = reader.id()?;
                let (records, entries) = read_known(&mut reader, (PARTS_MAX, PARTS_MAX))?;
                Part::Answer {
                    last,
                    records,
                    entries,
                }
            }
            other => return Err(WireError::Unknown(other, "kind of frame")),
        };
        match reader.0.len() {
            0 => Ok(Self { from, part }),
            left => Err(WireError::LeftOver(left)),
        }
    }
}
