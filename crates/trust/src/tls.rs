//! TLS between those whom the cluster's authority vouches for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ninefold_core::time::Timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use webpki::EndEntityCert;
use webpki::ring::ECDSA_P256_SHA256;

use crate::authority::{Issued, private_key};

/// No certificate of ours is good for so long.
const LIFE_SECS_MAX: u64 = 100 * 365 * 86_400;

/// Certificates or keys that TLS cannot use.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TlsError {
    /// Something is not PEM, or holds something else.
    #[error("no {0} in PEM")]
    Pem(&'static str),
    /// A certificate does not fit its name, its key, its authority or the time.
    #[error("{0}")]
    Certificate(#[from] rustls::Error),
    /// The authority cannot be asked.
    #[error("{0}")]
    Verifier(String),
}

/// What one end of a connection shows, and whom it believes; all in PEM.
pub(crate) struct Credentials<'a> {
    pub(crate) authority: &'a str,
    pub(crate) certificate: &'a str,
    pub(crate) key: &'a str,
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

impl Credentials<'_> {
    /// Accepts connections of those who have a certificate of the authority, by TLS 1.3 only.
    pub(crate) fn server(&self) -> Result<ServerConfig, TlsError> {
        let verifier =
            WebPkiClientVerifier::builder_with_provider(roots(self.authority)?, provider())
                .build()
                .map_err(|error| TlsError::Verifier(error.to_string()))?;
        let (chain, key) = self.own()?;
        Ok(ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)?)
    }

    /// Makes connections to those who have a certificate of the authority, by TLS 1.3 only.
    pub(crate) fn client(&self) -> Result<ClientConfig, TlsError> {
        let (chain, key) = self.own()?;
        Ok(ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])?
            .with_root_certificates(roots(self.authority)?)
            .with_client_auth_cert(chain, key)?)
    }

    fn own(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
        let key = private_key(self.key).map_err(|_error| TlsError::Pem("private key"))?;
        Ok((vec![certificate(self.certificate)?], key.into()))
    }
}

/// Accepts connections of anybody, with the certificate for joins, and shows the authority's besides: a newcomer has
/// only its hash.
pub(crate) fn join_server(authority: &str, shown: &Issued) -> Result<ServerConfig, TlsError> {
    let chain = vec![certificate(&shown.certificate)?, certificate(authority)?];
    let key = private_key(&shown.key).map_err(|_error| TlsError::Pem("private key"))?;
    Ok(ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, key.into())?)
}

/// Whether a certificate is the authority's, for that host, in force, and that of its key.
pub(crate) fn check(
    authority: &str,
    issued: &Issued,
    host: &str,
    now: Timestamp,
) -> Result<(), TlsError> {
    let end = certificate(&issued.certificate)?;
    let key = private_key(&issued.key).map_err(|_error| TlsError::Pem("private key"))?;
    let believed = verifier(roots(authority)?)?;
    let now = UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs()));
    believed.verify_server_cert(&end, &[], &server_name(host)?, &[], now)?;
    CertifiedKey::from_der(vec![end], key.into(), &provider())?;
    Ok(())
}

/// Whether a certificate that was shown is the authority's, for that host, and in force.
pub(crate) fn believed(
    authority: &str,
    shown: &CertificateDer<'_>,
    host: &str,
    now: Timestamp,
) -> Result<(), TlsError> {
    let believed = verifier(roots(authority)?)?;
    let now = UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs()));
    believed.verify_server_cert(shown, &[], &server_name(host)?, &[], now)?;
    Ok(())
}

/// Whether a certificate is for a host, whoever has signed it.
pub(crate) fn is_for(shown: &CertificateDer<'_>, host: &str) -> bool {
    let (Ok(shown), Ok(name)) = (EndEntityCert::try_from(shown), server_name(host)) else {
        return false;
    };
    shown.verify_is_valid_for_subject_name(&name).is_ok()
}

/// Whether the authority has signed a text.
pub(crate) fn has_signed(authority: &str, text: &[u8], signature: &[u8]) -> bool {
    let Ok(certificate) = certificate(authority) else {
        return false;
    };
    let Ok(authority) = EndEntityCert::try_from(&certificate) else {
        return false;
    };
    let signed = authority.verify_signature(ECDSA_P256_SHA256, text, signature);
    signed.is_ok()
}

/// From when to when a certificate that is good now is believed, to the second. Whoever verifies it is asked, so that
/// this and what TLS says are the same.
pub(crate) fn validity(
    authority: &str,
    certificate_pem: &str,
    host: &str,
    now: Timestamp,
) -> Result<(Timestamp, Timestamp), TlsError> {
    let shown = certificate(certificate_pem)?;
    believed(authority, &shown, host, now)?;
    let (believed, name) = (verifier(roots(authority)?)?, server_name(host)?);
    let is_good = |secs: u64| {
        let at = UnixTime::since_unix_epoch(Duration::from_secs(secs));
        believed
            .verify_server_cert(&shown, &[], &name, &[], at)
            .is_ok()
    };
    // The last second on this side of `now` and the first on the other are found by halves.
    let edge = |mut good: u64, mut bad: u64| {
        while good.abs_diff(bad) > 1 {
            let middle = good.midpoint(bad);
            if is_good(middle) {
                good = middle;
            } else {
                bad = middle;
            }
        }
        Timestamp::from_secs(good)
    };
    let now = now.as_secs();
    Ok((edge(now, 0), edge(now, now + LIFE_SECS_MAX)))
}

/// Believes nobody but the authorities that are given.
pub(crate) fn verifier(roots: Arc<RootCertStore>) -> Result<Arc<WebPkiServerVerifier>, TlsError> {
    WebPkiServerVerifier::builder_with_provider(roots, provider())
        .build()
        .map_err(|error| TlsError::Verifier(error.to_string()))
}

pub(crate) fn server_name(host: &str) -> Result<ServerName<'static>, TlsError> {
    let name = ServerName::try_from(host.to_owned());
    name.map_err(|error| TlsError::Verifier(format!("{host}: {error}")))
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

pub(crate) fn certificate(pem: &str) -> Result<CertificateDer<'static>, TlsError> {
    CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_error| TlsError::Pem("certificate"))
}

fn roots(authority: &str) -> Result<Arc<RootCertStore>, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate(authority)?)?;
    Ok(Arc::new(roots))
}
