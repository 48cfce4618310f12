//! Clusters whose nodes all run on this host, as `ninefold up --nodes` makes them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use ninefold_core::time::Timestamp;

use crate::authority::Authority;
use crate::clock;
use crate::folder::{FolderError, SecretsFolder};
use crate::identity::{Identity, Who};
use crate::name::{ClusterName, NodeName};
use crate::rotation::Keys;
use crate::seal::{GossipKey, KeyRing};

/// Where gossip goes, by UDP, and joins are answered, by TCP, where nothing else is said.
pub const PORT: u16 = 7_946;

/// Nodes of one host at most: each has a loopback address of its own, the last of them ends with 250.
pub const LOCAL_NODES_MAX: usize = 250;

/// Sees to it that the nodes `n1`, `n2` … with these state folders are a cluster: one authority, whose key is in the
/// first folder, an identity for each, one ring of keys. What is there and belongs together stays; else all of it is
/// made anew, so call it when none of them runs.
///
/// # Errors
/// When the name is none, there are no folders or too many, or a file cannot be read or written.
pub fn prepare(folders: &[PathBuf], cluster: &str) -> io::Result<()> {
    prepare_at(folders, cluster, clock::now())
}

/// The same at another time, for tests of what has an end.
#[doc(hidden)]
pub fn prepare_at(folders: &[PathBuf], cluster: &str, now: Timestamp) -> io::Result<()> {
    if folders.is_empty() || folders.len() > LOCAL_NODES_MAX {
        let why = format!("a cluster on one host has 1 to {LOCAL_NODES_MAX} nodes");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    let cluster: ClusterName = cluster.parse().map_err(io::Error::other)?;
    let folders: Vec<SecretsFolder> = folders
        .iter()
        .map(|folder| SecretsFolder::of_state(folder))
        .collect();
    let Some(first) = folders.first() else {
        return Ok(());
    };
    first.make().map_err(io::Error::other)?;
    let _lock = first.lock().map_err(io::Error::other)?;
    if belong_together(&folders, &cluster, now) {
        return give_keys(first, folders.get(1..).unwrap_or_default()).map_err(io::Error::other);
    }
    make(&folders, &cluster, now)
}

/// Gives the keys of the node with the authority to those that have others, as they were not there when they changed.
fn give_keys(first: &SecretsFolder, others: &[SecretsFolder]) -> Result<(), FolderError> {
    let keys = Keys::load(first)?;
    for other in others {
        let _lock = other.lock()?;
        if Keys::load(other)? != keys {
            keys.write(other)?;
        }
    }
    Ok(())
}

fn belong_together(folders: &[SecretsFolder], cluster: &ClusterName, now: Timestamp) -> bool {
    let mut first: Option<Identity> = None;
    for (index, folder) in folders.iter().enumerate() {
        let Ok(Some(identity)) = Identity::load(folder, now) else {
            return false;
        };
        let named = node_name(index).is_ok_and(|name| name == *identity.node());
        let same = first.as_ref().is_none_or(|first| {
            // Not all of them need have the newest keys.
            first.authority == identity.authority
        });
        if !named || !same || identity.cluster() != cluster {
            return false;
        }
        first.get_or_insert(identity);
    }
    let authority = folders
        .first()
        .map(|folder| Authority::load(folder, cluster, now));
    matches!(authority, Some(Ok(Some(_))))
}

fn make(folders: &[SecretsFolder], cluster: &ClusterName, now: Timestamp) -> io::Result<()> {
    let authority = Authority::make(cluster, now).map_err(io::Error::other)?;
    let keys = KeyRing::new(GossipKey::generate().map_err(io::Error::other)?);
    let seed = address(0);
    for (index, folder) in folders.iter().enumerate() {
        let name = node_name(index)?;
        let who = Who::new(cluster.clone(), name, address(index), vec![seed]);
        let identity = Identity::make(&authority, who, keys.clone(), now);
        if index == 0 {
            authority.save(folder).map_err(io::Error::other)?;
        }
        let saved = identity.map_err(io::Error::other)?.save(folder);
        saved.map_err(io::Error::other)?;
    }
    Ok(())
}

fn node_name(index: usize) -> io::Result<NodeName> {
    let name = format!("n{}", index + 1);
    name.parse().map_err(io::Error::other)
}

/// `127.0.0.1` for the first node, and so on.
fn address(index: usize) -> SocketAddr {
    let last = u8::try_from(index + 1).unwrap_or(u8::MAX);
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)), PORT)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::rotation::Rotator;

    fn folders(of: &tempfile::TempDir, count: usize) -> Vec<PathBuf> {
        (1..=count)
            .map(|k| of.path().join(format!("n{k}")))
            .collect()
    }

    fn load(folder: impl AsRef<Path>) -> Identity {
        let folder = SecretsFolder::of_state(folder.as_ref());
        Identity::load(&folder, clock::now()).unwrap().unwrap()
    }

    #[test]
    fn what_belongs_together_is_kept_and_what_does_not_is_made_anew() {
        let state = tempfile::tempdir().unwrap();
        let three = folders(&state, 3);
        prepare(&three, "shop").unwrap();
        let before: Vec<Identity> = three.iter().map(load).collect();
        for (index, identity) in before.iter().enumerate() {
            assert_eq!(**identity.node(), format!("n{}", index + 1));
            assert_eq!(identity.keys(), before[0].keys());
            assert_eq!(identity.authority(), before[0].authority());
            assert_eq!(identity.seeds(), [before[0].address()]);
            let has_authority = three[index].join("cluster/ca.key").exists();
            assert_eq!(has_authority, index == 0);
        }
        prepare(&three, "shop").unwrap();
        assert_eq!(load(&three[2]).certificate, before[2].certificate);

        // Keys that changed while some did not run.
        let (secrets, now) = (SecretsFolder::of_state(&three[0]), clock::now());
        let cluster = before[0].cluster();
        let rotator = Rotator::load(&secrets, cluster, now).unwrap().unwrap();
        rotator.begin(Duration::ZERO, now).unwrap();
        prepare(&three, "shop").unwrap();
        assert_eq!(load(&three[2]).certificate, before[2].certificate);
        assert_eq!(load(&three[2]).keys(), load(&three[0]).keys());
        assert_eq!(load(&three[2]).keys().keys().count(), 2);

        // Other keys of the same generation.
        let other = KeyRing::new(GossipKey::generate().unwrap());
        let second = SecretsFolder::of_state(&three[1]);
        Keys::first(other).write(&second).unwrap();
        prepare(&three, "shop").unwrap();
        assert_eq!(load(&three[1]).keys(), load(&three[0]).keys());
        let newer = Keys::load(&secrets).unwrap();
        Keys::first(before[0].keys().clone())
            .write(&secrets)
            .unwrap();
        assert_eq!(Keys::load(&second).unwrap(), newer);
        prepare(&three, "shop").unwrap();
        assert_eq!(load(&three[1]).keys(), before[0].keys(), "the first one's");

        // One node more, one that is broken, another name.
        let four = folders(&state, 4);
        prepare(&four, "shop").unwrap();
        assert_ne!(load(&four[0]).authority(), before[0].authority());
        assert_eq!(load(&four[0]).authority(), load(&four[3]).authority());
        std::fs::remove_file(four[1].join("cluster/node.key")).unwrap();
        prepare(&four, "shop").unwrap();
        prepare(&four, "site").unwrap();
        assert_eq!(&**load(&four[1]).cluster(), "site");
        assert!(prepare(&[], "shop").is_err());
        assert!(prepare(&four, "no name").is_err());
    }
}
