//! Packets as they go over the network: sealed, each by a key that its receiver knows.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use ninefold_cluster::membership::NodeId;
use ninefold_core::status::KeysStatus;
use ninefold_trust::rotation::Keys;
use ninefold_trust::seal::{Counters, KeyId, OpenError, SealError, Sealer};

use crate::control;

/// Nodes that speak by another key than the primary one, which are remembered at most. Others of them are not understood
/// until they are heard again.
const OLDER_MAX: usize = 4_096;

/// What this node seals with, and opens.
#[derive(Debug)]
pub(super) struct Sealing {
    sealer: Sealer,
    /// The packet that is being sealed.
    sealed: Vec<u8>,
    /// Who spoke last by another key than the primary one, and is answered by that.
    older: BTreeMap<SocketAddr, KeyId>,
    status: KeysStatus,
}

impl Sealing {
    /// # Errors
    /// When the system gives no random bytes.
    pub(super) fn new(keys: &Keys, me: NodeId) -> io::Result<Self> {
        let sealer = Sealer::new(keys.ring().clone(), me.0, control::now());
        Ok(Self {
            sealer: sealer.map_err(io::Error::other)?,
            sealed: Vec::new(),
            older: BTreeMap::new(),
            status: status(keys),
        })
    }

    /// Goes on with other keys.
    pub(super) fn adopt(&mut self, keys: &Keys) {
        let primary = keys.ring().primary().id();
        self.older
            .retain(|_, key| *key != primary && keys.ring().get(*key).is_some());
        self.sealer.set_ring(keys.ring().clone());
        self.status = status(keys);
    }

    /// The text of a packet.
    pub(super) fn open<'p>(
        &mut self,
        packet: &'p mut [u8],
        from: SocketAddr,
    ) -> Result<&'p [u8], OpenError> {
        let opened = self.sealer.open(packet, control::now())?;
        if opened.key == self.sealer.ring().primary().id() {
            self.older.remove(&from);
        } else if self.older.len() < OLDER_MAX || self.older.contains_key(&from) {
            self.older.insert(from, opened.key);
        }
        Ok(packet.get(opened.range).unwrap_or_default())
    }

    /// The packet of a text.
    pub(super) fn seal(&mut self, plain: &[u8], to: SocketAddr) -> Result<&[u8], SealError> {
        let primary = self.sealer.ring().primary().id();
        let key = self.older.get(&to).copied().unwrap_or(primary);
        self.sealed.clear();
        self.sealer
            .seal_under(key, plain, control::now(), &mut self.sealed)?;
        Ok(&self.sealed)
    }

    pub(super) const fn counters(&self) -> Counters {
        self.sealer.counters()
    }

    pub(super) const fn status(&self) -> KeysStatus {
        self.status
    }
}

fn status(keys: &Keys) -> KeysStatus {
    KeysStatus {
        generation: keys.generation(),
        step: keys.step(),
        count: u32::try_from(keys.ring().keys().count()).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ninefold_trust::rotation::Rotator;
    use ninefold_trust::{Identity, SecretsFolder, local};

    use super::*;

    #[test]
    fn one_that_was_away_is_answered_by_the_key_that_it_knows() {
        let folder = tempfile::tempdir().unwrap();
        let states = [folder.path().join("n1")];
        std::fs::create_dir(&states[0]).unwrap();
        local::prepare(&states, "test").unwrap();
        let secrets = SecretsFolder::of_state(&states[0]);
        let now = control::now();
        let identity = Identity::load(&secrets, now).unwrap().unwrap();
        let rotator = Rotator::load(&secrets, identity.cluster(), now);
        let rotator = rotator.unwrap().unwrap();

        let first = Keys::load(&secrets).unwrap();
        let (mut one, mut two) = (
            Sealing::new(&first, NodeId(1)).unwrap(),
            Sealing::new(&first, NodeId(2)).unwrap(),
        );
        let (at_one, at_two) = (([10, 0, 0, 1], 7).into(), ([10, 0, 0, 2], 7).into());
        let said = |by: &mut Sealing, to: SocketAddr, from: SocketAddr, other: &mut Sealing| {
            let mut packet = by.seal(b"word", to).unwrap().to_vec();
            other.open(&mut packet, from).map(<[u8]>::to_vec)
        };
        one.adopt(&rotator.begin(Duration::ZERO, now).unwrap());
        assert!(
            said(&mut one, at_two, at_one, &mut two).is_ok(),
            "still the old one"
        );
        one.adopt(&rotator.go_on(0, now).unwrap().unwrap());
        let deaf = said(&mut one, at_two, at_one, &mut two);
        assert!(matches!(deaf, Err(OpenError::UnknownKey(_))), "{deaf:?}");
        // Once it has spoken it is understood, and understands.
        assert!(said(&mut two, at_one, at_two, &mut one).is_ok());
        assert!(said(&mut one, at_two, at_one, &mut two).is_ok());
        let retiring = Keys::load(&secrets).unwrap();
        two.adopt(&retiring);
        assert!(said(&mut two, at_one, at_two, &mut one).is_ok());
        assert!(one.older.is_empty());
        one.adopt(&rotator.go_on(0, now).unwrap().unwrap());
        assert!(said(&mut two, at_one, at_two, &mut one).is_ok());
        assert!(said(&mut one, at_two, at_one, &mut two).is_ok());
        assert_eq!(one.status().count, 1);
    }
}
