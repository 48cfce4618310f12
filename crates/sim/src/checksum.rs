//! What tells broken packets from whole ones, where nothing seals them.

pub(crate) const CHECKSUM_SIZE: usize = 4;

/// FNV-1a: one turned bit is always seen.
pub(crate) fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |sum: u32, byte| {
        (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}
