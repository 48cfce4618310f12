use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::error::WireError;
use crate::membership::node::{LABEL_MAX, Node, NodeId, Record, Status};

/// Takes fields from bytes, one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(WireError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(WireError::Truncated)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, WireError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u32(&mut self) -> Result<u32, WireError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, WireError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn id(&mut self) -> Result<NodeId, WireError> {
        self.u64().map(NodeId)
    }

    pub(super) fn number(&mut self) -> Result<u64, WireError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits || (byte == 0 && shift > 0) {
                return Err(WireError::Number);
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(WireError::Number)
    }

    /// A number that has to fit into 32 bits.
    pub(super) fn small(&mut self, what: &'static str) -> Result<u32, WireError> {
        let number = self.number()?;
        u32::try_from(number).map_err(|_above| WireError::TooMany(number, what))
    }

    /// The length of a list.
    pub(super) fn count(&mut self, max: usize, what: &'static str) -> Result<usize, WireError> {
        let count = self.number()?;
        match usize::try_from(count) {
            Ok(few) if few <= max => Ok(few),
            _ => Err(WireError::TooMany(count, what)),
        }
    }

    pub(super) fn bytes(&mut self, max: usize, what: &'static str) -> Result<&'a [u8], WireError> {
        let len = self.count(max, what)?;
        self.take(len)
    }

    pub(super) fn text(&mut self, max: usize, what: &'static str) -> Result<Arc<str>, WireError> {
        let bytes = self.bytes(max, what)?;
        let text = std::str::from_utf8(bytes).map_err(|_position| WireError::Text)?;
        Ok(text.into())
    }

    pub(super) fn addr(&mut self) -> Result<SocketAddr, WireError> {
        let ip: IpAddr = match self.u8()? {
            4 => self.array::<4>()?.into(),
            6 => self.array::<16>()?.into(),
            other => return Err(WireError::Unknown(other, "family of addresses")),
        };
        let port = self.array().map(u16::from_le_bytes)?;
        Ok(SocketAddr::new(ip, port))
    }

    pub(super) fn status(&mut self) -> Result<Status, WireError> {
        match self.u8()? {
            0 => Ok(Status::Alive),
            1 => Ok(Status::Left),
            2 => Ok(Status::Down),
            other => Err(WireError::Unknown(other, "status")),
        }
    }

    pub(super) fn record(&mut self) -> Result<Record, WireError> {
        Ok(Record {
            node: Node {
                id: self.id()?,
                name: self.text(LABEL_MAX, "bytes of a name")?,
                zone: self.text(LABEL_MAX, "bytes of a zone")?,
                addr: self.addr()?,
            },
            incarnation: self.number()?,
            nonce: self.u64()?,
            status: self.status()?,
            held_secs: self.small("seconds that one is held out")?,
        })
    }
}

/// Puts fields behind each other.
#[derive(Debug, Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.0.extend(value.to_le_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.0.extend(value.to_le_bytes());
    }

    pub(super) fn id(&mut self, id: NodeId) {
        self.u64(id.0);
    }

    pub(super) fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(low_bits(value) | 0x80);
            value >>= 7;
        }
        self.0.push(low_bits(value));
    }

    pub(super) fn count(&mut self, count: usize) {
        self.number(u64::try_from(count).unwrap_or(u64::MAX));
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend(bytes);
    }

    pub(super) fn addr(&mut self, addr: SocketAddr) {
        match addr.ip() {
            IpAddr::V4(ip) => {
                self.u8(4);
                self.0.extend(ip.octets());
            }
            IpAddr::V6(ip) => {
                self.u8(6);
                self.0.extend(ip.octets());
            }
        }
        self.0.extend(addr.port().to_le_bytes());
    }

    pub(super) fn status(&mut self, status: Status) {
        self.u8(match status {
            Status::Alive => 0,
            Status::Left => 1,
            Status::Down => 2,
        });
    }

    pub(super) fn record(&mut self, record: &Record) {
        self.id(record.node.id);
        self.bytes(record.node.name.as_bytes());
        self.bytes(record.node.zone.as_bytes());
        self.addr(record.node.addr);
        self.number(record.incarnation);
        self.u64(record.nonce);
        self.status(record.status);
        self.number(record.held_secs.into());
    }
}

fn low_bits(value: u64) -> u8 {
    u8::try_from(value & 0x7f).unwrap_or(0x7f)
}
