//! Nodes that were expelled from a cluster: what they have counts no more.

use std::collections::BTreeSet;

use rustls_pki_types::CertificateDer;
use serde::{Deserialize, Serialize};

use crate::identity::Identity;
use crate::name::NodeName;
use crate::tls;

/// Nodes that are expelled at once at most.
pub const EXPELLED_MAX: usize = 128;

/// Who was expelled, by name. The authority signs it with the keys of gossip, see [`crate::rotation`].
///
/// Against one who has the certificate of a node that is not to be a member any more: each member refuses it, also on
/// connections that it is named for, and the authority neither renews it nor admits anybody under that name. Not against
/// one who has the keys of gossip, until all have others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Expelled(BTreeSet<NodeName>);

impl Expelled {
    /// Whether nobody is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a node is.
    #[must_use]
    pub fn has(&self, node: &NodeName) -> bool {
        self.0.contains(node)
    }

    /// Who is, in the order of names.
    pub fn names(&self) -> impl Iterator<Item = &NodeName> {
        self.0.iter()
    }

    /// Whose certificate this is, if it is one of theirs.
    #[must_use]
    pub fn shown_by(&self, of: &Identity, certificate: &CertificateDer<'_>) -> Option<&NodeName> {
        let is_of = |name: &&NodeName| tls::is_for(certificate, &of.cluster().host(name));
        self.0.iter().find(is_of)
    }

    /// Whether there was room for it.
    pub(crate) fn add(&mut self, node: &NodeName) -> bool {
        let has_room = self.0.len() < EXPELLED_MAX || self.has(node);
        if has_room {
            self.0.insert(node.clone());
        }
        has_room
    }

    pub(crate) fn remove(&mut self, node: &NodeName) -> bool {
        self.0.remove(node)
    }
}
