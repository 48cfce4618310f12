//! The first node of a cluster.

use std::net::SocketAddr;
use std::path::PathBuf;

use ninefold_core::time::Timestamp;

use crate::authority::{Authority, AuthorityError, CERTIFICATE_FILE, KEY_FILE};
use crate::folder::{FolderError, SecretsFolder};
use crate::identity::{Identity, Who};
use crate::name::{ClusterName, NodeName};
use crate::random::NoRandom;
use crate::seal::{GossipKey, KeyRing};

/// A cluster has not begun.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// One has begun here already, or this node has joined one.
    #[error(
        "{path} is there: this node belongs to a cluster already; `ninefold token` admits another host. To begin anew remove {folder}, and join every other node again",
        path = path.display(),
        folder = folder.display()
    )]
    Exists {
        /// What is there.
        path: PathBuf,
        /// The folder of secrets.
        folder: PathBuf,
    },
    /// The files.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The certificates.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] NoRandom),
}

/// Makes the authority of a cluster, the identity of its first node and the first key of gossip. Nothing that is there
/// is overwritten: with another authority, all nodes would be strangers to each other.
///
/// # Errors
/// When there is an authority or an identity, or the files cannot be written.
pub fn begin(
    folder: &SecretsFolder,
    cluster: ClusterName,
    node: NodeName,
    address: SocketAddr,
    now: Timestamp,
) -> Result<(Authority, Identity), BeginError> {
    folder.make()?;
    let _lock = folder.lock()?;
    let there = [KEY_FILE, CERTIFICATE_FILE]
        .map(|name| folder.file(name))
        .into_iter()
        .find(|path| path.exists());
    if let Some(path) = there {
        return Err(BeginError::Exists {
            path,
            folder: folder.path().to_owned(),
        });
    }
    let authority = Authority::make(&cluster, now)?;
    let keys = KeyRing::new(GossipKey::generate()?);
    let who = Who::new(cluster, node, address, Vec::new());
    let identity = Identity::make(&authority, who, keys, now)?;
    authority.save(folder)?;
    identity.save(folder)?;
    Ok((authority, identity))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::now;

    #[test]
    fn a_cluster_begins_once_in_a_folder() {
        let state = tempfile::tempdir().unwrap();
        let folder = SecretsFolder::of_state(state.path());
        let address = ([10, 0, 0, 1], 7_946).into();
        let again = || {
            let node = "n1".parse().unwrap();
            begin(&folder, "shop".parse().unwrap(), node, address, now())
        };
        let (_, first) = again().unwrap();
        let read = Identity::load(&folder, now()).unwrap().unwrap();
        assert_eq!(read.authority(), first.authority());
        assert_eq!(read.address(), address);
        // Nor where a node has joined, which has the certificate and not the key.
        for file in ["ca.key", "ca.pem"] {
            let refused = again().unwrap_err().to_string();
            assert!(refused.contains(file), "{refused}");
            assert!(refused.contains("ninefold token"), "{refused}");
            std::fs::remove_file(folder.file(file)).unwrap();
        }
        assert!(again().is_ok());
    }
}
