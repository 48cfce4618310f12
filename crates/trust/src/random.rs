//! Random bytes of the system.

use ring::rand::{SecureRandom, SystemRandom};

/// The system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gave no random bytes; nothing secret can be made")]
pub struct NoRandom;

/// As many as are asked for.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], NoRandom> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|ring::error::Unspecified| NoRandom)?;
    Ok(bytes)
}
