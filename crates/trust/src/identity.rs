//! What makes a node a member: its certificate, its key, the cluster's authority and the keys of gossip.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use ninefold_core::time::Timestamp;
use rustls::{ClientConfig, ServerConfig};
use rustls_pki_types::{CertificateDer, ServerName};
use serde::{Deserialize, Serialize};

use crate::authority::{
    Authority, AuthorityError, CERTIFICATE_FILE, Issued, fingerprint, generate_key,
};
use crate::folder::{FolderError, SecretsFolder};
use crate::name::{ClusterName, NodeName};
use crate::rotation::Keys;
use crate::seal::KeyRing;
use crate::tls::{self, Credentials, TlsError};

const NODE_FILE: &str = "node.pem";
const NODE_KEY_FILE: &str = "node.key";

/// Who it is. It is written last: with it, everything else is there.
const IDENTITY_FILE: &str = "identity.json";

/// The version of the file.
const VERSION: u32 = 1;

/// What makes a node a member of its cluster, as it lies in its folder of secrets.
///
/// Against one who has none: he can neither connect to a member as one, nor be taken for one, nor read gossip. Whoever
/// copies it is the node, so the folder is for its owner only, and the key was made here and never sent.
#[derive(Clone)]
pub struct Identity {
    pub(crate) who: Who,
    pub(crate) authority: String,
    pub(crate) certificate: String,
    pub(crate) key: String,
    pub(crate) keys: KeyRing,
}

/// For how long a certificate is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// From then on.
    pub from: Timestamp,
    /// Until then.
    pub until: Timestamp,
}

impl Validity {
    /// Whether it is in its last third, and to be renewed.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.until.since(now) <= self.until.since(self.from) / 3
    }
}

/// The part that is no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Who {
    version: u32,
    pub(crate) cluster: ClusterName,
    pub(crate) node: NodeName,
    pub(crate) address: SocketAddr,
    pub(crate) seeds: Vec<SocketAddr>,
}

/// An identity cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Its files.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// It could not be made.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// Its certificate.
    #[error(
        "the certificate of {node} cannot be used: {source}; look at this host's clock, or remove {folder} and join again",
        folder = folder.display()
    )]
    Certificate {
        /// Whose.
        node: NodeName,
        /// Where it is.
        folder: std::path::PathBuf,
        /// What is wrong.
        source: TlsError,
    },
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("who", &self.who)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

impl Who {
    pub(crate) const fn new(
        cluster: ClusterName,
        node: NodeName,
        address: SocketAddr,
        seeds: Vec<SocketAddr>,
    ) -> Self {
        Self {
            version: VERSION,
            cluster,
            node,
            address,
            seeds,
        }
    }
}

impl Identity {
    /// Makes that of a node which has the authority at hand.
    pub(crate) fn make(
        authority: &Authority,
        who: Who,
        keys: KeyRing,
        now: Timestamp,
    ) -> Result<Self, AuthorityError> {
        let key = generate_key()?;
        Ok(Self {
            authority: authority.certificate().to_owned(),
            certificate: authority.sign_node(&who.node, &key, now)?,
            key: key.serialize_pem(),
            keys,
            who,
        })
    }

    /// Whether there is one in the folder.
    #[must_use]
    pub fn exists(folder: &SecretsFolder) -> bool {
        folder.file(IDENTITY_FILE).exists()
    }

    /// Reads the one of a folder, if there is one, and looks whether it is good for anything.
    ///
    /// # Errors
    /// When a file is missing, readable by others or broken, when the certificate is over or not yet in force, or when
    /// the files do not belong together.
    pub fn load(folder: &SecretsFolder, now: Timestamp) -> Result<Option<Self>, IdentityError> {
        let Some(who) = folder.read_json::<Who>(IDENTITY_FILE)? else {
            return Ok(None);
        };
        let keys = Keys::load(folder)?.ring().clone();
        version(folder, IDENTITY_FILE, who.version)?;
        let identity = Self {
            authority: folder.need(CERTIFICATE_FILE)?,
            certificate: folder.need(NODE_FILE)?,
            key: folder.need(NODE_KEY_FILE)?,
            keys,
            who,
        };
        // Where the process ended while its certificate was renewed there are two keys.
        let keys = single_keys(&identity.key);
        let mut candidates = keys.map(|key| identity.with(identity.certificate.clone(), key));
        let identity = candidates
            .find(|one| one.check(now).is_ok())
            .unwrap_or_else(|| identity.clone());
        identity
            .check(now)
            .map_err(|source| IdentityError::Certificate {
                node: identity.who.node.clone(),
                folder: folder.path().to_owned(),
                source,
            })?;
        Ok(Some(identity))
    }

    /// Whether its parts belong together and are in force.
    pub(crate) fn check(&self, now: Timestamp) -> Result<(), TlsError> {
        let issued = Issued {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
        };
        let host = self.who.cluster.host(&self.who.node);
        tls::check(&self.authority, &issued, &host, now)
    }

    /// Writes it.
    ///
    /// # Errors
    /// When a file cannot be written. There is no identity then, or the one before.
    pub fn save(&self, folder: &SecretsFolder) -> Result<(), FolderError> {
        folder.make()?;
        folder.write(CERTIFICATE_FILE, &self.authority)?;
        folder.write(NODE_KEY_FILE, &self.key)?;
        folder.write(NODE_FILE, &self.certificate)?;
        Keys::first(self.keys.clone()).write(folder)?;
        folder.write_json(IDENTITY_FILE, &self.who)
    }

    /// The same with another certificate and its key.
    pub(crate) fn with(&self, certificate: String, key: String) -> Self {
        Self {
            certificate,
            key,
            ..self.clone()
        }
    }

    /// Writes the certificate and the key of an identity that took the place of `before`. Wherever this ends there is an
    /// identity, since the old key goes last.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn replace(&self, folder: &SecretsFolder, before: &Self) -> Result<(), FolderError> {
        let _lock = folder.lock()?;
        self.replace_key(folder, before)?;
        self.replace_certificate(folder)?;
        folder.write(NODE_KEY_FILE, &self.key)
    }

    pub(crate) fn replace_key(
        &self,
        folder: &SecretsFolder,
        before: &Self,
    ) -> Result<(), FolderError> {
        folder.write(NODE_KEY_FILE, &format!("{}{}", self.key, before.key))
    }

    pub(crate) fn replace_certificate(&self, folder: &SecretsFolder) -> Result<(), FolderError> {
        folder.write(NODE_FILE, &self.certificate)
    }

    /// The certificate that it shows.
    ///
    /// # Errors
    /// When it is none.
    pub fn shown(&self) -> Result<CertificateDer<'static>, TlsError> {
        tls::certificate(&self.certificate)
    }

    /// For how long its certificate is good.
    ///
    /// # Errors
    /// When it is not good now.
    pub fn validity(&self, now: Timestamp) -> Result<Validity, TlsError> {
        let host = self.who.cluster.host(&self.who.node);
        let found = tls::validity(&self.authority, &self.certificate, &host, now);
        found.map(|(from, until)| Validity { from, until })
    }

    /// The cluster.
    #[must_use]
    pub const fn cluster(&self) -> &ClusterName {
        &self.who.cluster
    }

    /// The node.
    #[must_use]
    pub const fn node(&self) -> &NodeName {
        &self.who.node
    }

    /// Where other nodes reach it: gossip by UDP, joins by TCP where it answers them.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.who.address
    }

    /// Members that it knew when it joined.
    #[must_use]
    pub fn seeds(&self) -> &[SocketAddr] {
        &self.who.seeds
    }

    /// The keys of gossip.
    #[must_use]
    pub const fn keys(&self) -> &KeyRing {
        &self.keys
    }

    /// The SHA-256 of the authority's certificate, which names the cluster without doubt.
    #[must_use]
    pub fn authority(&self) -> Option<[u8; 32]> {
        fingerprint(&self.authority)
    }

    /// For connections of other nodes: each has to show a certificate of the cluster. TLS 1.3 only.
    ///
    /// # Errors
    /// When its files are not what they should be; [`Self::load`] has looked.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>, TlsError> {
        self.credentials().server().map(Arc::new)
    }

    /// For connections to other nodes, whose certificate has to be the cluster's and for the
    /// [name](Self::server_name) that is asked for. TLS 1.3 only.
    ///
    /// # Errors
    /// When its files are not what they should be; [`Self::load`] has looked.
    pub fn client_config(&self) -> Result<Arc<ClientConfig>, TlsError> {
        self.credentials().client().map(Arc::new)
    }

    /// What another node's certificate is for.
    ///
    /// # Errors
    /// Never, for a name that is one.
    pub fn server_name(&self, node: &NodeName) -> Result<ServerName<'static>, TlsError> {
        tls::server_name(&self.who.cluster.host(node))
    }

    fn credentials(&self) -> Credentials<'_> {
        Credentials {
            authority: &self.authority,
            certificate: &self.certificate,
            key: &self.key,
        }
    }
}

/// The keys of a file, one by one.
fn single_keys(pem: &str) -> impl Iterator<Item = String> {
    const END: &str = "-----END PRIVATE KEY-----\n";
    let keys = pem.split_inclusive(END);
    keys.filter(|key| key.ends_with(END)).map(str::to_owned)
}

fn version(folder: &SecretsFolder, file: &str, version: u32) -> Result<(), FolderError> {
    if version == VERSION {
        return Ok(());
    }
    Err(FolderError::Broken {
        path: folder.file(file),
        detail: format!("it is of version {version}, and this Ninefold reads {VERSION}"),
    })
}
