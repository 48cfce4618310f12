//! Certificates and keys in PEM files.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate could not be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("{path} cannot be read: {error}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// A file holds no PEM of the expected kind.
    #[error("{path} holds no {expected} in PEM: {detail}")]
    Pem {
        /// The file.
        path: PathBuf,
        /// `certificate` or `private key`.
        expected: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// Certificate and key do not fit, or are of a kind that is not supported.
    #[error("{path} cannot be used: {error}")]
    Unusable {
        /// The certificate's file.
        path: PathBuf,
        /// What rustls said.
        #[source]
        error: rustls::Error,
    },
    /// Nobody would be believed.
    #[error("this host has no certificate authorities; install ca-certificates, or set `tls.ca`")]
    NoRoots,
    /// Nobody could be asked for a certificate.
    #[error("{path} cannot be used to verify clients: {detail}")]
    Verifier {
        /// The file of certificate authorities.
        path: PathBuf,
        /// What rustls said.
        detail: String,
    },
    /// No TLS version or cipher is available.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[source] rustls::Error),
}

/// When a file was written, and its size; one that is missing has none.
pub(crate) type Stamp = Option<(SystemTime, u64)>;

pub(crate) fn stamp(path: &Path) -> Stamp {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.modified().ok()?, meta.len()))
}

/// All certificates of a file, at least one.
pub(crate) fn read_certificates(
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let pem = |detail: String| CertificateError::Pem {
        path: path.to_owned(),
        expected: "certificate",
        detail,
    };
    let all = CertificateDer::pem_slice_iter(&text(path)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| pem(error.to_string()))?;
    if all.is_empty() {
        return Err(pem("there is none".to_owned()));
    }
    Ok(all)
}

/// The first private key of a file.
pub(crate) fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, CertificateError> {
    PrivateKeyDer::from_pem_slice(&text(path)?).map_err(|error| CertificateError::Pem {
        path: path.to_owned(),
        expected: "private key",
        detail: error.to_string(),
    })
}

fn text(path: &Path) -> Result<Vec<u8>, CertificateError> {
    std::fs::read(path).map_err(|error| CertificateError::Read {
        path: path.to_owned(),
        error,
    })
}
