//! The two messages of gRPC's health checking protocol
//! (<https://github.com/grpc/grpc/blob/master/doc/health-checking.md>). Pure.

use bytes::{BufMut as _, Bytes, BytesMut};

/// The call.
pub(super) const CHECK: &str = "/grpc.health.v1.Health/Check";

/// Of `HealthCheckResponse`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ServingStatus {
    Unknown,
    Serving,
    NotServing,
    ServiceUnknown,
    /// One that this version does not know.
    Other,
}

impl ServingStatus {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Serving => "SERVING",
            Self::NotServing => "NOT_SERVING",
            Self::ServiceUnknown => "SERVICE_UNKNOWN",
            Self::Other => "an unknown status",
        }
    }

    const fn of(number: u64) -> Self {
        match number {
            0 => Self::Unknown,
            1 => Self::Serving,
            2 => Self::NotServing,
            3 => Self::ServiceUnknown,
            _ => Self::Other,
        }
    }
}

/// `HealthCheckRequest { service }`, framed. Names are shorter than 128 bytes; what is longer is cut.
pub(super) fn question(service: &str) -> Bytes {
    let name = service.as_bytes();
    let name = name.get(..SERVICE_BYTES_MAX).unwrap_or(name);
    let length = u8::try_from(name.len()).unwrap_or_default();
    let mut message = BytesMut::new();
    if length > 0 {
        message.put_u8(0x0a);
        message.put_u8(length);
        message.put_slice(name);
    }
    let mut framed = BytesMut::new();
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap_or_default());
    framed.put(message);
    framed.freeze()
}

/// Longer names of services are none of ours; one byte tells their length.
const SERVICE_BYTES_MAX: usize = 127;

/// `HealthCheckResponse { status }`, framed. Nothing if it is no such thing.
pub(super) fn answer(framed: &[u8]) -> Option<ServingStatus> {
    let (head, message) = framed.split_at_checked(5)?;
    let (compressed, length) = head.split_first()?;
    let length = u32::from_be_bytes(length.try_into().ok()?);
    if *compressed != 0 || usize::try_from(length).ok()? != message.len() {
        return None;
    }
    let mut rest = message;
    // A field that is not there is 0.
    let mut status = ServingStatus::Unknown;
    while !rest.is_empty() {
        let tag = varint(&mut rest)?;
        match tag & 7 {
            0 => {
                let value = varint(&mut rest)?;
                if tag == 8 {
                    status = ServingStatus::of(value);
                }
            }
            1 => rest = rest.get(8..)?,
            2 => {
                let length = usize::try_from(varint(&mut rest)?).ok()?;
                rest = rest.get(length..)?;
            }
            5 => rest = rest.get(4..)?,
            _ => return None,
        }
    }
    Some(status)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, more) = rest.split_first()?;
        *rest = more;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_question_names_its_service() {
        assert_eq!(&question("")[..], [0, 0, 0, 0, 0]);
        assert_eq!(&question("ab")[..], [0, 0, 0, 0, 4, 0x0a, 2, b'a', b'b']);
        assert_eq!(question(&"x".repeat(500)).len(), 5 + 2 + 127);
    }

    #[test]
    fn an_answer_has_a_status_among_what_else_it_has() {
        let framed = |message: &[u8]| {
            let length = u32::try_from(message.len()).unwrap();
            [&[0][..], &length.to_be_bytes(), message].concat()
        };
        for (message, expected) in [
            (&[][..], Some(ServingStatus::Unknown)),
            (&[8, 1], Some(ServingStatus::Serving)),
            (&[8, 2], Some(ServingStatus::NotServing)),
            (&[8, 3], Some(ServingStatus::ServiceUnknown)),
            (&[8, 0x81, 1], Some(ServingStatus::Other)),
            (
                &[0x12, 1, b'x', 8, 1, 0x18, 5],
                Some(ServingStatus::Serving),
            ),
            (&[0x15, 1, 2, 3, 4, 8, 1], Some(ServingStatus::Serving)),
            (&[8], None),
            (&[0x12, 9, 1], None),
            (&[0x0b], None),
        ] {
            assert_eq!(answer(&framed(message)), expected, "{message:?}");
        }
        assert_eq!(answer(&[1, 0, 0, 0, 2, 8, 1]), None);
        assert_eq!(answer(&[0, 0, 0, 0, 3, 8, 1]), None);
        assert_eq!(answer(&[0, 0]), None);
    }

    proptest! {
        #[test]
        fn no_answer_is_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let status = answer(&bytes);
            prop_assert!(status.is_none() || bytes.len() >= 5);
        }
    }
}
