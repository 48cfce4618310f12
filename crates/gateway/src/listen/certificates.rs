//! Certificates of a TLS listener: chosen by server name, read again when their files change.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use ninefold_config::model::TlsCertificate;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, DnsName, PrivateKeyDer, ServerName};

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
    /// No TLS version or cipher is available.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[source] rustls::Error),
}

/// The certificates of one listener.
#[derive(Debug)]
pub(crate) struct Certificates {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    certificate: PathBuf,
    key: PathBuf,
    current: ArcSwap<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    key: Arc<CertifiedKey>,
    stamp: Stamp,
}

/// When the two files were written; one that is missing has none.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl Certificates {
    /// Reads all certificates; relative paths are relative to `folder`.
    pub(crate) fn load(
        list: &[TlsCertificate],
        folder: &Path,
    ) -> Result<Arc<Self>, CertificateError> {
        let entries = list
            .iter()
            .map(|entry| {
                let certificate = folder.join(&entry.certificate);
                let key = folder.join(&entry.key);
                let loaded = read(&certificate, &key)?;
                Ok(Entry {
                    certificate,
                    key,
                    current: ArcSwap::from_pointee(loaded),
                })
            })
            .collect::<Result<_, CertificateError>>()?;
        Ok(Arc::new(Self { entries }))
    }

    /// The TLS configuration that chooses among them.
    pub(crate) fn server_config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, CertificateError> {
        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(CertificateError::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// Reads again what changed on disk. A pair that cannot be used is logged and the old one kept.
    pub(crate) fn reload(&self) {
        for entry in &self.entries {
            let stamp = stamp(&entry.certificate, &entry.key);
            if entry.current.load().stamp == stamp {
                continue;
            }
            match read(&entry.certificate, &entry.key) {
                Ok(loaded) => {
                    tracing::info!(path = %entry.certificate.display(), "certificate read again");
                    entry.current.store(Arc::new(loaded));
                }
                Err(error) => {
                    tracing::error!(%error, "the new certificate cannot be used, the old one is kept");
                    // The same broken files are not tried, and logged, every second.
                    let key = Arc::clone(&entry.current.load().key);
                    entry.current.store(Arc::new(Loaded { key, stamp }));
                }
            }
        }
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let all = || self.entries.iter().map(|entry| entry.current.load());
        let named = hello
            .server_name()
            .and_then(|name| DnsName::try_from(name.to_owned()).ok())
            .map(ServerName::DnsName)
            .and_then(|name| all().find(|loaded| covers(&loaded.key, &name)));
        named
            .or_else(|| all().next())
            .map(|loaded| Arc::clone(&loaded.key))
    }
}

fn covers(key: &CertifiedKey, name: &ServerName<'_>) -> bool {
    key.end_entity_cert()
        .and_then(rustls::server::ParsedCertificate::try_from)
        .is_ok_and(|parsed| rustls::client::verify_server_name(&parsed, name).is_ok())
}

fn stamp(certificate: &Path, key: &Path) -> Stamp {
    [certificate, key].map(|path| {
        let meta = std::fs::metadata(path).ok()?;
        Some((meta.modified().ok()?, meta.len()))
    })
}

fn read(certificate: &Path, key: &Path) -> Result<Loaded, CertificateError> {
    let stamp = stamp(certificate, key);
    let text = |path: &Path| {
        std::fs::read(path).map_err(|error| CertificateError::Read {
            path: path.to_owned(),
            error,
        })
    };
    let pem = |path: &Path, expected, detail: String| CertificateError::Pem {
        path: path.to_owned(),
        expected,
        detail,
    };
    let chain = CertificateDer::pem_slice_iter(&text(certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| pem(certificate, "certificate", error.to_string()))?;
    if chain.is_empty() {
        return Err(pem(certificate, "certificate", "there is none".to_owned()));
    }
    let private = PrivateKeyDer::from_pem_slice(&text(key)?)
        .map_err(|error| pem(key, "private key", error.to_string()))?;
    let unusable = |error| CertificateError::Unusable {
        path: certificate.to_owned(),
        error,
    };
    let signer = ring::sign::any_supported_type(&private).map_err(unusable)?;
    let pair = CertifiedKey::new(chain, signer);
    pair.keys_match().map_err(unusable)?;
    Ok(Loaded {
        key: Arc::new(pair),
        stamp,
    })
}
