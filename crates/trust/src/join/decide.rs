//! Who is admitted.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ninefold_core::time::Timestamp;

use super::message::{Admitted, Refusal, Request, VERSION};
use super::proof::{Binding, NodeKey};
use crate::authority::Authority;
use crate::folder::SecretsFolder;
use crate::identity::Identity;
use crate::name::NodeName;
use crate::rotation::Keys;
use crate::token::{Secret, TokenBook, TokenRefusal};

/// Addresses of members that a newcomer is told at most.
const SEEDS_MAX: usize = 64;

/// Names of members that are told at most to who wanted one of them.
const TAKEN_MAX: usize = 64;

/// So long a name is kept for who was just admitted by it: until then it is a live member.
const RESERVE: Duration = Duration::from_secs(30);

/// A live member, as the membership sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: Arc<str>,
    /// Where it gossips.
    pub gossip: SocketAddr,
}

/// Tells the live members, this node included.
pub(super) type Roster = dyn Fn() -> Vec<Member> + Send + Sync;

/// Decides about requests, one after the other for each token.
pub(super) struct Decider {
    pub(super) folder: SecretsFolder,
    pub(super) authority: Authority,
    pub(super) own: Identity,
    pub(super) roster: Box<Roster>,
    /// Until when a name is kept for who was just admitted.
    recent: Mutex<BTreeMap<NodeName, Timestamp>>,
}

impl fmt::Debug for Decider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decider")
            .field("own", &self.own)
            .finish_non_exhaustive()
    }
}

impl Decider {
    pub(super) fn new(
        folder: SecretsFolder,
        authority: Authority,
        own: Identity,
        roster: Box<Roster>,
    ) -> Self {
        Self {
            folder,
            authority,
            own,
            roster,
            recent: Mutex::default(),
        }
    }

    /// Whoever shows no good token is told nothing but that, and changes nothing.
    pub(super) fn decide(
        &self,
        request: &Request,
        binding: &Binding,
        now: Timestamp,
    ) -> Result<Admitted, Refusal> {
        if request.version != VERSION {
            return Err(Refusal::Version(VERSION));
        }
        if request.cluster != **self.authority.cluster() {
            return Err(Refusal::Cluster(self.authority.cluster().to_string()));
        }
        let key = NodeKey::of_bytes(&request.key.0);
        let signed = |key: &NodeKey| {
            key.has_signed(&request.proof.0, binding, &request.cluster, &request.node)
        };
        let key = key
            .filter(signed)
            .ok_or_else(|| Refusal::Request("its key has not signed it".to_owned()))?;
        let secret = Secret::try_from(request.secret.0.as_slice());
        let secret = secret.map_err(|_length| Refusal::Token)?;
        let book = TokenBook::new(self.folder.clone());
        let admitted = book.admit(&secret, now, || self.admit(&request.node, key, now));
        admitted.map_err(|refusal| match refusal {
            TokenRefusal::Unknown => Refusal::Token,
            TokenRefusal::Expired => Refusal::Expired,
            TokenRefusal::UsedUp => Refusal::UsedUp,
            TokenRefusal::Other(refusal) => refusal,
            TokenRefusal::Folder(error) => failed(error),
        })
    }

    /// For who has shown a good token.
    fn admit(&self, node: &str, key: NodeKey, now: Timestamp) -> Result<Admitted, Refusal> {
        let name: NodeName = node
            .parse()
            .map_err(|error: crate::name::NameError| Refusal::Name(error.to_string()))?;
        let keys = Keys::load(&self.folder).map_err(failed)?;
        if keys.expelled().has(&name) {
            return Err(Refusal::Expelled(name.to_string()));
        }
        let members = (self.roster)();
        self.reserve(&name, &members, now)?;
        let certificate = self.authority.sign_node(&name, &key, now);
        let own = self.own.address();
        let others = members.iter().map(|member| member.gossip);
        let seeds = std::iter::once(own).chain(others.filter(|seed| *seed != own));
        Ok(Admitted {
            certificate: certificate.map_err(failed)?,
            authority: self.authority.certificate().to_owned(),
            keys: keys.ring().clone(),
            seeds: seeds.take(SEEDS_MAX).collect(),
        })
    }

    fn reserve(&self, name: &NodeName, members: &[Member], now: Timestamp) -> Result<(), Refusal> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|_, until| now < *until);
        let own = name == self.own.node();
        let live = members.iter().any(|member| *member.name == **name);
        if own || live || recent.contains_key(name) {
            let names = members.iter().map(|member| member.name.to_string());
            return Err(Refusal::Taken {
                node: name.to_string(),
                taken: names.take(TAKEN_MAX).collect(),
            });
        }
        recent.insert(name.clone(), now + RESERVE);
        Ok(())
    }
}

fn failed(error: impl fmt::Display) -> Refusal {
    tracing::error!("nobody can be admitted: {error}");
    Refusal::Failed("its files or its authority cannot be used".to_owned())
}
