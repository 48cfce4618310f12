//! The cluster's own certificate authority.

use std::fmt;
use std::time::Duration;

use ninefold_core::time::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
    PKCS_ECDSA_P256_SHA256, PublicKeyData, SerialNumber, SigningKey, date_time_ymd,
};
use ring::digest::{SHA256, digest};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use crate::folder::{FolderError, SecretsFolder};
use crate::name::{ClusterName, NodeName};
use crate::random;
use crate::tls;

/// The file of its certificate, which every node has.
pub(crate) const CERTIFICATE_FILE: &str = "ca.pem";

/// The file of its key, which only the node has that began the cluster.
pub(crate) const KEY_FILE: &str = "ca.key";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long its own certificate is good for.
const AUTHORITY_LIFE: Duration = DAY.saturating_mul(3_650);

/// How long a node's certificate is good for.
const NODE_LIFE: Duration = DAY.saturating_mul(365);

/// How long the certificate of who answers joins is good for; it is made anew at each start, and each day.
const JOIN_LIFE: Duration = DAY.saturating_mul(2);

/// Certificates begin so much earlier, for hosts whose clock is behind.
const CLOCK_SKEW: Duration = Duration::from_secs(60 * 60);

/// The cluster's own certificate authority, with its key. It says who is a node of the cluster, and nobody else does:
/// no authority of the system or of the internet is asked.
///
/// Against one who would be a member without having been admitted, and against one who would be the cluster to a
/// newcomer. Not against one who has its key: that lies on one node only, and joins are answered by that one alone.
/// Its certificates are good for names below `CLUSTER.ninefold` only, so it is of no use where it is trusted by
/// mistake.
pub struct Authority {
    cluster: ClusterName,
    key: KeyPair,
    certificate: String,
}

/// A certificate and its key, both in PEM.
pub(crate) struct Issued {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// The authority cannot do its work.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// Its files.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] random::NoRandom),
    /// A certificate could not be made.
    #[error("a certificate cannot be made: {0}")]
    Make(#[from] rcgen::Error),
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("cluster", &self.cluster)
            .finish_non_exhaustive()
    }
}

impl Authority {
    /// Makes one: a key of ECDSA P-256 and a certificate signed by itself.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn make(cluster: &ClusterName, now: Timestamp) -> Result<Self, AuthorityError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = subject(cluster)?;
        life(&mut params, now, AUTHORITY_LIFE)?;
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self {
            cluster: cluster.clone(),
            key,
            certificate,
        })
    }

    /// Reads the one of a folder; none if its key is not there.
    ///
    /// # Errors
    /// When the files cannot be used, or the key is not that of the certificate.
    pub fn load(
        folder: &SecretsFolder,
        cluster: &ClusterName,
        now: Timestamp,
    ) -> Result<Option<Self>, AuthorityError> {
        let Some(key) = folder.read(KEY_FILE)? else {
            return Ok(None);
        };
        let certificate = folder.need(CERTIFICATE_FILE)?;
        let broken = |detail: String| FolderError::Broken {
            path: folder.file(KEY_FILE),
            detail,
        };
        let key = KeyPair::from_pkcs8_pem_and_sign_algo(&key, &PKCS_ECDSA_P256_SHA256)
            .map_err(|error| broken(error.to_string()))?;
        let authority = Self {
            cluster: cluster.clone(),
            key,
            certificate,
        };
        // What it signs must be believed by those who have its certificate.
        let trial = authority.join_certificate(now)?;
        tls::check(&authority.certificate, &trial, &cluster.join_host(), now)
            .map_err(|error| broken(format!("it does not fit {CERTIFICATE_FILE}: {error}")))?;
        Ok(Some(authority))
    }

    /// Writes it; the key before the certificate, by which it is found.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn save(&self, folder: &SecretsFolder) -> Result<(), FolderError> {
        folder.make()?;
        folder.write(KEY_FILE, &self.key.serialize_pem())?;
        folder.write(CERTIFICATE_FILE, &self.certificate)
    }

    /// Its cluster.
    #[must_use]
    pub const fn cluster(&self) -> &ClusterName {
        &self.cluster
    }

    /// Its certificate, in PEM.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Signs the certificate of a node, for the key that the node has; in PEM.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn sign_node(
        &self,
        node: &NodeName,
        key: &impl PublicKeyData,
        now: Timestamp,
    ) -> Result<String, AuthorityError> {
        let mut params = CertificateParams::new(vec![self.cluster.host(node)])?;
        name(&mut params, &self.cluster.host(node));
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        self.sign(params, key, now, NODE_LIFE)
    }

    /// Signs the certificate of who answers joins, which is the one who has this authority. A member cannot stand in
    /// for it, with the certificate that it has, to be told tokens.
    pub(crate) fn join_certificate(&self, now: Timestamp) -> Result<Issued, AuthorityError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let host = self.cluster.join_host();
        let mut params = CertificateParams::new(vec![host.clone()])?;
        name(&mut params, &host);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        Ok(Issued {
            certificate: self.sign(params, &key, now, JOIN_LIFE)?,
            key: key.serialize_pem(),
        })
    }

    /// Signs something that is no certificate.
    pub(crate) fn sign_text(&self, text: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.key.sign(text)
    }

    fn sign(
        &self,
        mut params: CertificateParams,
        key: &impl PublicKeyData,
        now: Timestamp,
        for_so_long: Duration,
    ) -> Result<String, AuthorityError> {
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        life(&mut params, now, for_so_long)?;
        let subject = subject(&self.cluster)?;
        let issuer = Issuer::from_params(&subject, &self.key);
        Ok(params.signed_by(key, &issuer)?.pem())
    }
}

/// What follows from the cluster's name: the same when it is made and whenever it signs.
fn subject(cluster: &ClusterName) -> Result<CertificateParams, AuthorityError> {
    let mut params = CertificateParams::new(Vec::new())?;
    name(&mut params, &format!("authority of {}", cluster.domain()));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName(cluster.domain())],
        excluded_subtrees: Vec::new(),
    });
    Ok(params)
}

fn name(params: &mut CertificateParams, name: &str) {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    params.distinguished_name = names;
}

fn life(
    params: &mut CertificateParams,
    now: Timestamp,
    for_so_long: Duration,
) -> Result<(), random::NoRandom> {
    let epoch = date_time_ymd(1970, 1, 1);
    let now = epoch + Duration::from_secs(now.as_secs());
    params.not_before = now - CLOCK_SKEW;
    params.not_after = now + for_so_long;
    let mut serial: [u8; 16] = random::bytes()?;
    // A positive number, of the same length always.
    if let Some(first) = serial.first_mut() {
        *first = *first & 0x7f | 0x40;
    }
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(())
}

/// A new key of a node, in PEM; it never leaves the node.
pub(crate) fn generate_key() -> Result<KeyPair, AuthorityError> {
    Ok(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?)
}

/// The SHA-256 of a certificate in PEM.
pub(crate) fn fingerprint(certificate: &str) -> Option<[u8; 32]> {
    let der = CertificateDer::from_pem_slice(certificate.as_bytes()).ok()?;
    Some(fingerprint_der(&der))
}

/// The SHA-256 of a certificate.
pub(crate) fn fingerprint_der(certificate: &CertificateDer<'_>) -> [u8; 32] {
    let mut hash = [0; 32];
    for (byte, of) in hash.iter_mut().zip(digest(&SHA256, certificate).as_ref()) {
        *byte = *of;
    }
    hash
}

/// Reads a key in PEM.
pub(crate) fn private_key(pem: &str) -> Result<PrivatePkcs8KeyDer<'static>, String> {
    PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::now;
    use crate::tls::TlsError;

    #[test]
    fn what_it_signs_for_other_domains_is_not_believed() {
        let authority = Authority::make(&"shop".parse().unwrap(), now()).unwrap();
        let check = |host: &str| {
            let key = generate_key().unwrap();
            let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            let issued = Issued {
                certificate: authority.sign(params, &key, now(), NODE_LIFE).unwrap(),
                key: key.serialize_pem(),
            };
            tls::check(authority.certificate(), &issued, host, now())
        };
        assert_eq!(check("any.shop.ninefold"), Ok(()));
        for host in ["n1.site.ninefold", "example.org"] {
            let refused = check(host).unwrap_err();
            assert!(matches!(refused, TlsError::Certificate(_)), "{refused}");
            assert!(refused.to_string().contains("NameConstraint"), "{refused}");
        }
    }
}
