use super::body::{Body, Cause, Delta, Digest, Entry, Range, Update, Version};
use super::error::WireError;
use super::fields::{Reader, Writer};
use crate::membership::node::{NodeId, Record};

/// Bytes of a packet at most: with a seal and the heads of UDP and IP it passes every usual path whole.
pub const PACKET_MAX: usize = 1_200;
/// Pieces of news in a packet at most.
pub const UPDATES_MAX: usize = 64;
/// Challenges that a refutation quotes at most.
pub const CHALLENGES_MAX: usize = 16;
/// Members in a digest or a delta at most.
pub const RECORDS_MAX: usize = 48;
/// Ranges in a summary at most.
pub const RANGES_MAX: usize = 16;
/// Entries of metadata in a delta at most.
pub const ENTRIES_PACKET_MAX: usize = 64;
/// Bytes of a key of metadata at most.
pub const KEY_MAX: usize = 64;
/// Bytes of its value at most.
pub const VALUE_MAX: usize = 512;

/// Of what found no room in a delta at most so many bytes are counted.
pub const LEFT_MAX: u64 = 65_536;

/// Of this protocol. Another one is refused, not guessed at.
const VERSION: u8 = 1;

/// One packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Who says it.
    pub from: NodeId,
    /// Its incarnation.
    pub incarnation: u64,
    /// What.
    pub body: Body,
}

impl Packet {
    /// In bytes, for the cluster whose name has this hash.
    #[must_use]
    pub fn encode(&self, cluster: u64) -> Vec<u8> {
        let mut to = Writer(Vec::with_capacity(64));
        write_head(&mut to, cluster, self.from);
        to.number(self.incarnation);
        write_body(&mut to, &self.body);
        to.0
    }

    /// From bytes.
    ///
    /// # Errors
    ///
    /// If they are not exactly one packet of this version and cluster.
    pub fn decode(bytes: &[u8], cluster: u64) -> Result<Self, WireError> {
        if bytes.len() > PACKET_MAX {
            return Err(WireError::TooLong(bytes.len()));
        }
        let mut from = Reader(bytes);
        let packet = Self {
            from: read_head(&mut from, cluster)?,
            incarnation: from.number()?,
            body: read_body(&mut from)?,
        };
        match from.0.len() {
            0 => Ok(packet),
            left => Err(WireError::LeftOver(left)),
        }
    }
}

pub(super) fn write_head(to: &mut Writer, cluster: u64, from: NodeId) {
    to.u8(VERSION);
    to.u64(cluster);
    to.id(from);
}

/// Who says it.
pub(super) fn read_head(from: &mut Reader<'_>, cluster: u64) -> Result<NodeId, WireError> {
    match from.u8()? {
        VERSION => {}
        other => return Err(WireError::Version(other)),
    }
    if from.u64()? != cluster {
        return Err(WireError::OtherCluster);
    }
    from.id()
}

fn write_body(to: &mut Writer, body: &Body) {
    match body {
        Body::Ping {
            seq,
            target,
            doubted,
        } => {
            to.u8(if *doubted { 2 } else { 1 });
            to.number(*seq);
            to.id(*target);
        }
        Body::Ack {
            seq,
            nonce,
            next_in_ms,
        } => {
            to.u8(3);
            to.number(*seq);
            to.u64(*nonce);
            to.number(*next_in_ms);
        }
        Body::IndirectPing {
            seq,
            target,
            wait_ms,
        } => {
            to.u8(4);
            to.number(*seq);
            to.id(*target);
            to.number(*wait_ms);
        }
        Body::IndirectAck { seq, target, nonce } => {
            to.u8(5);
            to.number(*seq);
            to.id(*target);
            to.u64(*nonce);
        }
        Body::Nack { seq, target } => {
            to.u8(6);
            to.number(*seq);
            to.id(*target);
        }
        Body::Gossip(updates) => {
            to.u8(7);
            to.count(updates.len());
            updates.iter().for_each(|update| write_update(to, update));
        }
        Body::Summary(ranges) => {
            to.u8(12);
            write_summary(to, ranges);
        }
        Body::Digest(digest) => {
            to.u8(if digest.reply { 11 } else { 8 });
            write_digest(to, digest);
        }
        Body::Delta(delta) => {
            to.u8(if delta.left == 0 { 9 } else { 13 });
            write_delta(to, delta);
        }
        Body::Join(record) => {
            to.u8(10);
            to.record(record);
        }
    }
}

fn write_delta(to: &mut Writer, delta: &Delta) {
    if delta.left > 0 {
        to.number(delta.left);
    }
    write_known(to, &delta.records, &delta.entries);
}

pub(super) fn write_known(to: &mut Writer, records: &[Record], entries: &[Entry]) {
    to.count(records.len());
    records.iter().for_each(|record| to.record(record));
    to.count(entries.len());
    entries.iter().for_each(|entry| write_entry(to, entry));
}

/// What is left over is told only where there is something.
fn read_delta(from: &mut Reader<'_>, kind: u8) -> Result<Delta, WireError> {
    let left = if kind == 13 { from.number()? } else { 0 };
    if kind == 13 && left == 0 {
        return Err(WireError::Number);
    }
    let (records, entries) = read_known(from, (RECORDS_MAX, ENTRIES_PACKET_MAX))?;
    Ok(Delta {
        records,
        entries,
        left,
    })
}

/// Records and entries, of each up to so many.
pub(super) fn read_known(
    from: &mut Reader<'_>,
    (records, entries): (usize, usize),
) -> Result<(Vec<Record>, Vec<Entry>), WireError> {
    let count = from.count(records, "records")?;
    let records: Result<_, _> = (0..count).map(|_| from.record()).collect();
    let records = records?;
    let count = from.count(entries, "entries")?;
    let entries: Result<_, _> = (0..count).map(|_| read_entry(from)).collect();
    Ok((records, entries?))
}

fn read_body(from: &mut Reader<'_>) -> Result<Body, WireError> {
    let kind = from.u8()?;
    Ok(match kind {
        1 | 2 => Body::Ping {
            seq: from.number()?,
            target: from.id()?,
            doubted: kind == 2,
        },
        3 => Body::Ack {
            seq: from.number()?,
            nonce: from.u64()?,
            next_in_ms: from.number()?,
        },
        4 => Body::IndirectPing {
            seq: from.number()?,
            target: from.id()?,
            wait_ms: from.number()?,
        },
        5 => Body::IndirectAck {
            seq: from.number()?,
            target: from.id()?,
            nonce: from.u64()?,
        },
        6 => Body::Nack {
            seq: from.number()?,
            target: from.id()?,
        },
        7 => {
            let count = from.count(UPDATES_MAX, "pieces of news")?;
            let updates: Result<_, _> = (0..count).map(|_| read_update(from)).collect();
            Body::Gossip(updates?)
        }
        8 | 11 => Body::Digest(read_digest(from, kind == 11)?),
        9 | 13 => Body::Delta(read_delta(from, kind)?),
        10 => Body::Join(from.record()?),
        12 => {
            let count = from.count(RANGES_MAX, "ranges of a summary")?;
            let one = |_| Ok((read_range(from)?, from.u64()?));
            let ranges: Result<_, WireError> = (0..count).map(one).collect();
            Body::Summary(ranges?)
        }
        other => return Err(WireError::Unknown(other, "kind of packet")),
    })
}

fn write_summary(to: &mut Writer, ranges: &[(Range, u64)]) {
    to.count(ranges.len());
    for (range, hash) in ranges {
        to.id(range.first);
        to.id(range.last);
        to.u64(*hash);
    }
}

fn write_digest(to: &mut Writer, digest: &Digest) {
    write_versions(to, digest.range, &digest.known);
}

pub(super) fn write_versions(to: &mut Writer, range: Range, known: &[Version]) {
    to.id(range.first);
    to.id(range.last);
    to.count(known.len());
    for (id, incarnation, status, version) in known {
        to.id(*id);
        to.number(*incarnation);
        to.status(*status);
        to.number(*version);
    }
}

fn read_range(from: &mut Reader<'_>) -> Result<Range, WireError> {
    Ok(Range {
        first: from.id()?,
        last: from.id()?,
    })
}

fn read_digest(from: &mut Reader<'_>, reply: bool) -> Result<Digest, WireError> {
    let (range, known) = read_versions(from, RECORDS_MAX)?;
    Ok(Digest {
        reply,
        range,
        known,
    })
}

pub(super) fn read_versions(
    from: &mut Reader<'_>,
    max: usize,
) -> Result<(Range, Vec<Version>), WireError> {
    let range = read_range(from)?;
    let count = from.count(max, "members of a digest")?;
    let one = |_| Ok((from.id()?, from.number()?, from.status()?, from.number()?));
    let known: Result<_, WireError> = (0..count).map(one).collect();
    Ok((range, known?))
}

fn write_update(to: &mut Writer, update: &Update) {
    match update {
        Update::Member(record) => {
            to.u8(1);
            to.record(record);
        }
        Update::Accuse {
            subject,
            nonce,
            incarnation,
            observer,
            number,
            health,
            challenge,
            cause,
        } => {
            to.u8(2);
            to.id(*subject);
            to.u64(*nonce);
            to.number(*incarnation);
            to.id(*observer);
            to.number(*number);
            to.u8(*health);
            to.u32(*challenge);
            write_cause(to, *cause);
        }
        Update::Withdraw {
            subject,
            observer,
            number,
        } => {
            to.u8(3);
            to.id(*subject);
            to.id(*observer);
            to.number(*number);
        }
        Update::Refute {
            subject,
            nonce,
            incarnation,
            challenges,
        } => {
            to.u8(4);
            to.id(*subject);
            to.u64(*nonce);
            to.number(*incarnation);
            to.count(challenges.len());
            challenges.iter().for_each(|challenge| to.u32(*challenge));
        }
        Update::Down {
            subject,
            nonce,
            incarnation,
            observers,
            cause,
            strikes,
        } => {
            to.u8(5);
            to.id(*subject);
            to.u64(*nonce);
            to.number(*incarnation);
            to.u8(*observers);
            write_cause(to, *cause);
            to.number((*strikes).into());
        }
        Update::Entry(entry) => {
            to.u8(6);
            write_entry(to, entry);
        }
    }
}

fn read_update(from: &mut Reader<'_>) -> Result<Update, WireError> {
    Ok(match from.u8()? {
        1 => Update::Member(from.record()?),
        2 => Update::Accuse {
            subject: from.id()?,
            nonce: from.u64()?,
            incarnation: from.number()?,
            observer: from.id()?,
            number: from.number()?,
            health: match from.u8()? {
                health @ 0..=7 => health,
                other => return Err(WireError::Unknown(other, "local health")),
            },
            challenge: from.u32()?,
            cause: read_cause(from)?,
        },
        3 => Update::Withdraw {
            subject: from.id()?,
            observer: from.id()?,
            number: from.number()?,
        },
        4 => {
            let (subject, nonce, incarnation) = (from.id()?, from.u64()?, from.number()?);
            let count = from.count(CHALLENGES_MAX, "challenges")?;
            let challenges: Result<_, _> = (0..count).map(|_| from.u32()).collect();
            Update::Refute {
                subject,
                nonce,
                incarnation,
                challenges: challenges?,
            }
        }
        5 => Update::Down {
            subject: from.id()?,
            nonce: from.u64()?,
            incarnation: from.number()?,
            observers: from.u8()?,
            cause: read_cause(from)?,
            strikes: from.small("convictions in a row")?,
        },
        6 => Update::Entry(read_entry(from)?),
        other => return Err(WireError::Unknown(other, "kind of news")),
    })
}

fn write_cause(to: &mut Writer, cause: Cause) {
    let at = Cause::ALL.iter().position(|one| *one == cause);
    to.u8(at.and_then(|at| u8::try_from(at).ok()).unwrap_or_default());
}

fn read_cause(from: &mut Reader<'_>) -> Result<Cause, WireError> {
    let number = from.u8()?;
    let cause = Cause::ALL.get(usize::from(number)).copied();
    cause.ok_or(WireError::Unknown(number, "cause of an accusation"))
}

fn write_entry(to: &mut Writer, entry: &Entry) {
    to.id(entry.owner);
    to.u64(entry.nonce);
    to.number(entry.version);
    to.bytes(entry.key.as_bytes());
    to.u8(u8::from(entry.value.is_some()));
    if let Some(value) = &entry.value {
        to.bytes(value);
    }
    to.number(entry.ttl_ms);
    to.u32(entry.sum);
}

fn read_entry(from: &mut Reader<'_>) -> Result<Entry, WireError> {
    Ok(Entry {
        owner: from.id()?,
        nonce: from.u64()?,
        version: from.number()?,
        key: from.text(KEY_MAX, "bytes of a key")?,
        value: match from.u8()? {
            0 => None,
            1 => Some(from.bytes(VALUE_MAX, "bytes of a value")?.into()),
            other => return Err(WireError::Unknown(other, "presence of a value")),
        },
        ttl_ms: from.number()?,
        sum: from.u32()?,
    })
}
