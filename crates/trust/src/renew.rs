//! How a node's certificate is renewed before it runs out: the node makes a new key, and asks the node that has the
//! authority for a certificate of the same name, over a connection on which it shows the one that it has.
//!
//! Against one who would be another node: the certificate that is shown must be in force and of the name that is asked
//! for, and the new key has to sign that very connection. A member gets nothing by it that it does not have already.
//!
//! Here are the messages and what is decided on them; whoever drives this has the connection.

use std::fmt;

use ninefold_core::time::Timestamp;
use rcgen::{KeyPair, PublicKeyData};
use rustls_pki_types::CertificateDer;
use serde::{Deserialize, Serialize};

use crate::authority::{Authority, AuthorityError, generate_key};
use crate::folder::{FolderError, SecretsFolder};
use crate::identity::{Identity, IdentityError};
use crate::join::{Bytes, NodeKey, sign};
use crate::name::NodeName;
use crate::tls::{self, TlsError};

/// What the client says in the handshake (ALPN).
pub const PROTOCOL: &[u8] = b"ninefold-renew/1";
/// Under which name both ends export what binds the new key to the connection (RFC 8446, section 7.5).
pub const LABEL: &[u8] = b"EXPORTER-ninefold-renew-1";
/// Bytes of a request, or of an answer, at most.
pub const MESSAGE_MAX: usize = 16 << 10;

const VERSION: u32 = 1;

/// What a node asks for.
#[derive(Debug, Serialize, Deserialize)]
struct Request {
    version: u32,
    node: String,
    /// The new public key: a point of P-256, uncompressed.
    key: Bytes,
    /// Its signature of this name and this connection.
    proof: Bytes,
}

/// What it is told.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    /// The certificate, in PEM.
    Renewed(String),
    Refused(String),
}

/// A certificate is not renewed. The one before is as good as it was.
#[derive(Debug, thiserror::Error)]
pub enum RenewError {
    /// The authority.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The files.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// What came is of no use.
    #[error("the new certificate cannot be used: {0}")]
    Certificate(#[from] TlsError),
    /// A key could not sign.
    #[error("the new key signs nothing: {0}")]
    Sign(#[from] rcgen::Error),
    /// The other side says no.
    #[error("it was refused: {0}")]
    Refused(String),
    /// The other side says something else.
    #[error("what was said is not understood: {0}")]
    Message(#[from] serde_json::Error),
}

/// A certificate that is being renewed, at its node.
pub struct Renewal {
    key: KeyPair,
}

impl fmt::Debug for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Renewal")
    }
}

impl Renewal {
    /// Makes the new key.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn begin() -> Result<Self, RenewError> {
        let key = generate_key()?;
        Ok(Self { key })
    }

    /// What is asked, on the connection that `binding` was exported from.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn request(&self, of: &Identity, binding: &[u8; 32]) -> Result<Vec<u8>, RenewError> {
        let (cluster, node) = (of.cluster(), of.node());
        let request = Request {
            version: VERSION,
            node: node.to_string(),
            key: Bytes(self.key.der_bytes().to_vec()),
            proof: Bytes(sign(&self.key, binding, cluster, node)?),
        };
        Ok(serde_json::to_vec(&request)?)
    }

    /// The identity with what was answered, if that is good.
    ///
    /// # Errors
    /// When it was refused, or what came does not fit the name, the new key, the authority or the time.
    pub fn finish(
        self,
        of: &Identity,
        answer: &[u8],
        now: Timestamp,
    ) -> Result<Identity, RenewError> {
        match serde_json::from_slice(answer)? {
            Answer::Refused(why) => Err(RenewError::Refused(why)),
            Answer::Renewed(certificate) => {
                let renewed = of.with(certificate, self.key.serialize_pem());
                renewed.check(now)?;
                Ok(renewed)
            }
        }
    }
}

/// Renews certificates, at the node that has the authority.
#[derive(Debug)]
pub struct Renewer(Authority);

impl Renewer {
    /// With the authority of a folder; none where there is none.
    ///
    /// # Errors
    /// When the files cannot be used.
    pub fn load(
        folder: &SecretsFolder,
        own: &Identity,
        now: Timestamp,
    ) -> Result<Option<Self>, RenewError> {
        Ok(Authority::load(folder, own.cluster(), now)?.map(Self))
    }

    /// What is answered to one that shows a certificate, and whose name that is, or why it was refused.
    pub fn answer(
        &self,
        request: &[u8],
        shown: Option<&CertificateDer<'_>>,
        binding: &[u8; 32],
        now: Timestamp,
    ) -> (Vec<u8>, Result<NodeName, String>) {
        let decided = self.decide(request, shown, binding, now);
        let answer = match &decided {
            Ok((_, certificate)) => Answer::Renewed(certificate.clone()),
            Err(why) => Answer::Refused(why.clone()),
        };
        // It is made of texts alone, of which each can be written.
        let bytes = serde_json::to_vec(&answer).unwrap_or_default();
        (bytes, decided.map(|(node, _)| node))
    }

    fn decide(
        &self,
        request: &[u8],
        shown: Option<&CertificateDer<'_>>,
        binding: &[u8; 32],
        now: Timestamp,
    ) -> Result<(NodeName, String), String> {
        let request: Request =
            serde_json::from_slice(request).map_err(|error| error.to_string())?;
        if request.version != VERSION {
            return Err(format!("this Ninefold renews by version {VERSION}"));
        }
        let cluster = self.0.cluster();
        let node: NodeName = request
            .node
            .parse()
            .map_err(|error: crate::name::NameError| error.to_string())?;
        let shown = shown.ok_or_else(|| "no certificate is shown".to_owned())?;
        tls::believed(self.0.certificate(), shown, &cluster.host(&node), now)
            .map_err(|error| format!("the certificate that is shown is not {node}'s: {error}"))?;
        let key = NodeKey::of_bytes(&request.key.0);
        let signed =
            |key: &NodeKey| key.has_signed(&request.proof.0, binding, cluster, &request.node);
        let key = key
            .filter(signed)
            .ok_or_else(|| "its new key has not signed it".to_owned())?;
        let certificate = self.0.sign_node(&node, &key, now);
        let certificate = certificate.map_err(|error| error.to_string())?;
        Ok((node, certificate))
    }

    /// The identity of the node itself that has the authority, with a new certificate.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn renew_own(&self, own: &Identity, now: Timestamp) -> Result<Identity, RenewError> {
        let key = generate_key()?;
        let certificate = self.0.sign_node(own.node(), &key, now)?;
        let renewed = own.with(certificate, key.serialize_pem());
        renewed.check(now)?;
        Ok(renewed)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use super::*;
    use crate::local;

    const DAY: Duration = Duration::from_secs(86_400);
    const BINDING: [u8; 32] = [7; 32];

    /// Two nodes whose identities were made at a time.
    fn nodes(at: Timestamp) -> (tempfile::TempDir, Vec<SecretsFolder>, Vec<Identity>) {
        let folder = tempfile::tempdir().unwrap();
        let states: Vec<_> = ["n1", "n2"].map(|n| folder.path().join(n)).into();
        for state in &states {
            std::fs::create_dir(state).unwrap();
        }
        local::prepare_at(&states, "test", at).unwrap();
        let secrets: Vec<_> = states.iter().map(|s| SecretsFolder::of_state(s)).collect();
        let load = |secrets| Identity::load(secrets, at).unwrap().unwrap();
        let identities = secrets.iter().map(load).collect();
        (folder, secrets, identities)
    }

    fn der(identity: &Identity) -> CertificateDer<'static> {
        tls::certificate(&identity.certificate).unwrap()
    }

    #[test]
    fn the_last_third_of_a_year_is_the_time_for_it() {
        let at = crate::now();
        let (_folder, _, identities) = nodes(at);
        let validity = identities[1].validity(at).unwrap();
        assert_eq!(validity.until.as_secs(), at.as_secs() + 365 * 86_400);
        assert_eq!(validity.from.as_secs(), at.as_secs() - 3_600);
        assert!(!validity.is_due(at) && !validity.is_due(at + DAY * 243));
        assert!(validity.is_due(at + DAY * 244));
        assert!(identities[1].validity(at + DAY * 366).is_err());
    }

    #[test]
    fn a_node_gets_another_certificate_of_its_name_and_writes_it_whole() {
        let at = crate::now();
        let (_folder, secrets, identities) = nodes(at);
        let now = at + DAY * 300;
        let renewer = Renewer::load(&secrets[0], &identities[0], now);
        let renewer = renewer.unwrap().unwrap();
        assert!(
            Renewer::load(&secrets[1], &identities[1], now)
                .unwrap()
                .is_none()
        );
        let old = &identities[1];
        let renewal = Renewal::begin().unwrap();
        let request = renewal.request(old, &BINDING).unwrap();
        let (answer, decided) = renewer.answer(&request, Some(&der(old)), &BINDING, now);
        assert_eq!(decided.unwrap().to_string(), "n2");
        let renewed = renewal.finish(old, &answer, now).unwrap();
        assert_eq!(renewed.node(), old.node());
        assert!(renewed.key != old.key && renewed.keys() == old.keys());
        let until = renewed.validity(now).unwrap().until;
        assert_eq!(until.as_secs(), now.as_secs() + 365 * 86_400);

        // Wherever the process ends while it is written, there is an identity: that before, or the new one.
        renewed.replace_key(&secrets[1], old).unwrap();
        let between = Identity::load(&secrets[1], now).unwrap().unwrap();
        assert_eq!(
            (&between.certificate, &between.key),
            (&old.certificate, &old.key)
        );
        renewed.replace_certificate(&secrets[1]).unwrap();
        let after = Identity::load(&secrets[1], now).unwrap().unwrap();
        assert_eq!(
            (&after.certificate, &after.key),
            (&renewed.certificate, &renewed.key)
        );
        renewed.replace(&secrets[1], old).unwrap();
        let whole = Identity::load(&secrets[1], now + DAY * 300)
            .unwrap()
            .unwrap();
        assert_eq!(whole.key, renewed.key);
        let key = std::fs::read_to_string(secrets[1].file("node.key")).unwrap();
        assert_eq!(key, renewed.key, "the old key is gone");
        let mode = std::fs::metadata(secrets[1].file("node.key")).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o600);
        assert!(renewer.renew_own(&identities[0], now).is_ok());
    }

    #[test]
    fn nobody_gets_one_of_another_name_or_without_what_it_needs() {
        let at = crate::now();
        let (_folder, secrets, identities) = nodes(at);
        let (_other_folder, _, strangers) = nodes(at);
        let renewer = Renewer::load(&secrets[0], &identities[0], at);
        let renewer = renewer.unwrap().unwrap();
        let renewal = Renewal::begin().unwrap();
        let (one, two) = (&identities[0], &identities[1]);
        let request = renewal.request(two, &BINDING).unwrap();
        let refused = |request: &[u8], shown: Option<&CertificateDer<'_>>, binding, now| {
            let (answer, decided) = renewer.answer(request, shown, binding, now);
            let why = decided.unwrap_err();
            let told: Answer = serde_json::from_slice(&answer).unwrap();
            assert!(matches!(told, Answer::Refused(told) if told == why));
            why
        };
        let why = refused(&request, Some(&der(one)), &BINDING, at);
        assert!(why.contains("not n2's"), "{why}");
        let why = refused(&request, Some(&der(&strangers[1])), &BINDING, at);
        assert!(why.contains("not n2's"), "{why}");
        let why = refused(&request, Some(&der(two)), &BINDING, at + DAY * 366);
        assert!(why.contains("expired") || why.contains("Expired"), "{why}");
        assert_eq!(
            refused(&request, None, &BINDING, at),
            "no certificate is shown"
        );
        let why = refused(&request, Some(&der(two)), &[8; 32], at);
        assert_eq!(why, "its new key has not signed it");
        refused(b"{", Some(&der(two)), &BINDING, at);

        // What comes back is looked at as well: of another key it is of no use.
        let (answer, decided) = renewer.answer(&request, Some(&der(two)), &BINDING, at);
        assert!(decided.is_ok());
        let other = Renewal::begin().unwrap();
        assert!(matches!(
            other.finish(two, &answer, at),
            Err(RenewError::Certificate(_))
        ));
        assert!(renewal.finish(two, b"{\"refused\":\"no\"}", at).is_err());
    }
}
