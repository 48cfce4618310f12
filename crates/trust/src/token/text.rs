//! A token as text.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ninefold_core::time::Timestamp;
use ring::digest::{SHA256, digest};

use crate::name::ClusterName;

/// What every token begins with; another form would get another number.
const PREFIX: &str = "nf1.";

/// Characters of a token at most.
const TOKEN_MAX: usize = 256;

/// Bytes of the hash at its end, which finds a token that was cut or mistyped.
const CHECK: usize = 4;

/// What makes a token good.
pub(crate) type Secret = [u8; 16];

/// A join token: `nf1.` and, in base64 for URLs, the cluster's name, the SHA-256 of its authority's certificate, the
/// secret, the second that it ends with, and a hash of all that. It is a secret, and only its text shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    pub(crate) cluster: ClusterName,
    pub(crate) authority: [u8; 32],
    pub(crate) secret: Secret,
    pub(crate) expires: Timestamp,
}

/// A token is none, or not for this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is something else.
    #[error(
        "this is no join token: one begins with `{PREFIX}`; `ninefold token` makes one on the node where `ninefold init` was run"
    )]
    Other,
    /// It was cut or changed.
    #[error(
        "this join token is damaged: it was cut or mistyped; copy all of it, from `{PREFIX}` to its last character"
    )]
    Damaged,
    /// Its time is over.
    #[error(
        "this join token ended at {expired}, and this host's clock says {now}; make another one with `ninefold token`"
    )]
    Expired {
        /// When it ended.
        expired: Timestamp,
        /// What the clock says.
        now: Timestamp,
    },
    /// It is another cluster's.
    #[error(
        "this join token is for the cluster `{token}`, and the file is of `{file}`; take a token of `{file}`, or the other file"
    )]
    Cluster {
        /// The token's.
        token: ClusterName,
        /// The file's.
        file: ClusterName,
    },
}

impl Token {
    /// Whose it is.
    #[must_use]
    pub const fn cluster(&self) -> &ClusterName {
        &self.cluster
    }

    /// When it ends.
    #[must_use]
    pub const fn expires(&self) -> Timestamp {
        self.expires
    }

    /// Whether it is worth being shown to `cluster` now: so much can be told without asking.
    ///
    /// # Errors
    /// When it is another cluster's, or over by this host's clock.
    pub fn check(&self, cluster: &ClusterName, now: Timestamp) -> Result<(), TokenError> {
        if self.cluster != *cluster {
            return Err(TokenError::Cluster {
                token: self.cluster.clone(),
                file: cluster.clone(),
            });
        }
        if now >= self.expires {
            return Err(TokenError::Expired {
                expired: self.expires,
                now,
            });
        }
        Ok(())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("cluster", &self.cluster)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.cluster.as_bytes();
        let mut bytes = vec![u8::try_from(name.len()).unwrap_or(u8::MAX)];
        bytes.extend(name);
        bytes.extend(self.authority);
        bytes.extend(self.secret);
        bytes.extend(self.expires.as_secs().to_be_bytes());
        let check = check(&bytes);
        bytes.extend(check);
        write!(f, "{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        let body = text.strip_prefix(PREFIX).ok_or(TokenError::Other)?;
        if text.len() > TOKEN_MAX {
            return Err(TokenError::Damaged);
        }
        let bytes = URL_SAFE_NO_PAD.decode(body).ok();
        bytes
            .and_then(|bytes| decode(&bytes))
            .ok_or(TokenError::Damaged)
    }
}

fn decode(bytes: &[u8]) -> Option<Token> {
    let (rest, found) = bytes.split_last_chunk::<CHECK>()?;
    if check(rest) != *found {
        return None;
    }
    let (length, rest) = rest.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    let (authority, rest) = rest.split_first_chunk()?;
    let (secret, rest) = rest.split_first_chunk()?;
    let expires = u64::from_be_bytes(rest.try_into().ok()?);
    Some(Token {
        cluster: std::str::from_utf8(name).ok()?.parse().ok()?,
        authority: *authority,
        secret: *secret,
        expires: Timestamp::from_secs(expires),
    })
}

fn check(bytes: &[u8]) -> [u8; CHECK] {
    let mut check = [0; CHECK];
    for (byte, of) in check.iter_mut().zip(digest(&SHA256, bytes).as_ref()) {
        *byte = *of;
    }
    check
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(name: &str) -> Token {
        Token {
            cluster: name.parse().unwrap(),
            authority: [7; 32],
            secret: [9; 16],
            expires: Timestamp::from_secs(1_800_000_000),
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(name in "[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?", secret: [u8; 16]) {
            let token = Token { secret, ..token(&name) };
            let text = token.to_string();
            prop_assert!(text.len() <= TOKEN_MAX);
            prop_assert_eq!(text.parse(), Ok(token.clone()));
            prop_assert_eq!(format!(" {text}\n").parse(), Ok(token));
        }

        #[test]
        fn any_text_is_a_token_or_refused(text in ".{0,300}", bytes: Vec<u8>) {
            prop_assert_eq!(text.parse::<Token>(), Err(TokenError::Other));
            for text in [format!("nf1.{text}"), format!("nf1.{}", URL_SAFE_NO_PAD.encode(bytes))] {
                prop_assert_eq!(text.parse::<Token>(), Err(TokenError::Damaged));
            }
        }
    }

    #[test]
    fn a_token_that_is_cut_or_mistyped_is_told_so() {
        let text = token("shop").to_string();
        for length in PREFIX.len()..text.len() {
            let cut = text[..length].parse::<Token>();
            assert_eq!(cut, Err(TokenError::Damaged), "{length}");
        }
        for at in PREFIX.len()..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(changed.parse::<Token>(), Err(TokenError::Damaged), "{at}");
        }
    }

    #[test]
    fn it_is_known_without_asking_that_it_is_over_or_of_another_cluster() {
        let token = token("shop");
        let before = Timestamp::from_secs(1_799_999_999);
        let shop = "shop".parse().unwrap();
        assert_eq!(token.check(&shop, before), Ok(()));
        let over = token.check(&shop, token.expires()).unwrap_err().to_string();
        assert!(over.contains("ninefold token"), "{over}");
        let other = token.check(&"site".parse().unwrap(), before).unwrap_err();
        assert!(other.to_string().contains("`shop`"), "{other}");
        assert!(!format!("{token:?}").contains('9'.to_string().repeat(2).as_str()));
    }
}
