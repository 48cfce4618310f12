//! Names that stand in certificates.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Characters of a name at most: those of a DNS label.
const NAME_MAX: usize = 63;

/// What every name in a certificate ends with. It is no domain of the internet.
const DOMAIN: &str = "ninefold";

/// Who answers joins is called so in its certificate; no node is.
const JOIN: &str = "join";

/// A text cannot be a name in a certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Not a label.
    #[error(
        "`{0}` is no name for a certificate: 1 to {NAME_MAX} of a-z, 0-9, `-` and `_`, beginning and ending with a letter or digit"
    )]
    Invalid(String),
    /// It means something else.
    #[error(
        "`{JOIN}` is no name of a node: who answers joins is called so; choose another, as in `n2`"
    )]
    Reserved,
}

/// A cluster's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClusterName(Arc<str>);

/// A node's name: unique in its cluster, as `n1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeName(Arc<str>);

impl ClusterName {
    /// What the certificate of a node is for: `n1.shop.ninefold`.
    #[must_use]
    pub fn host(&self, node: &NodeName) -> String {
        format!("{node}.{}", self.domain())
    }

    /// What the certificate of who answers joins is for.
    pub(crate) fn join_host(&self) -> String {
        format!("{JOIN}.{}", self.domain())
    }

    /// What all of its certificates are for: `shop.ninefold`.
    pub(crate) fn domain(&self) -> String {
        format!("{self}.{DOMAIN}")
    }

    /// The name as a shared text.
    #[must_use]
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl NodeName {
    /// The name as a shared text.
    #[must_use]
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl FromStr for ClusterName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        label(text).map(Self)
    }
}

impl FromStr for NodeName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text == JOIN {
            return Err(NameError::Reserved);
        }
        label(text).map(Self)
    }
}

fn label(text: &str) -> Result<Arc<str>, NameError> {
    let allowed = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    let edges = edge(text.bytes().next()) && edge(text.bytes().next_back());
    if edges && text.len() <= NAME_MAX && text.bytes().all(allowed) {
        Ok(text.into())
    } else {
        let shown = text.chars().filter(|c| !c.is_control()).take(80);
        Err(NameError::Invalid(shown.collect()))
    }
}

macro_rules! text {
    ($name:ty) => {
        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }
    };
}

text!(ClusterName);
text!(NodeName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_label() {
        for name in ["a", "n1", "shop-2", "a_b", &"x".repeat(63)] {
            assert!(name.parse::<NodeName>().is_ok(), "{name}");
        }
        for name in [
            "",
            "-a",
            "a-",
            "_",
            "A",
            "a.b",
            "a b",
            "é",
            "a\n",
            &"x".repeat(64),
        ] {
            assert!(name.parse::<NodeName>().is_err(), "{name}");
            assert!(name.parse::<ClusterName>().is_err(), "{name}");
        }
        assert_eq!("join".parse::<NodeName>(), Err(NameError::Reserved));
        let cluster: ClusterName = "shop".parse().unwrap();
        assert_eq!(cluster.host(&"n1".parse().unwrap()), "n1.shop.ninefold");
    }
}
