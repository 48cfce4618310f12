//! Whose trace a request belongs to.

use std::fmt;

/// The id of a trace that is recorded: 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct TraceId([u8; 32]);

impl TraceId {
    /// That of a valid `traceparent`, where its flags say that the trace is sampled: an id of one
    /// that nobody keeps leads nowhere.
    pub(crate) fn sampled(traceparent: &[u8]) -> Option<Self> {
        let id = traceparent.get(3..)?.first_chunk()?;
        let flags = *traceparent.get(54)?;
        let digit = match flags {
            b'0'..=b'9' => flags - b'0',
            // From `a`, whose code is odd and whose value is not.
            _ => !flags,
        };
        (digit & 1 == 1).then_some(Self(*id))
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_lowest_bit_says_that_a_trace_is_sampled() {
        let id = "0af7651916cd43dd8448eb211c80319c";
        for (digit, value) in "0123456789abcdef".chars().zip(0..) {
            let parent = format!("00-{id}-b7ad6b7169203331-0{digit}");
            let sampled = TraceId::sampled(parent.as_bytes());
            let read = sampled.as_ref().map(TraceId::as_str);
            assert_eq!(read, (value % 2 == 1).then_some(id), "{parent}");
        }
        assert_eq!(TraceId::sampled(b"00-0af7"), None);
        assert_eq!(TraceId::sampled(b""), None);
    }
}
