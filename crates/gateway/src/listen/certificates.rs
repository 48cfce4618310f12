//! Certificates of a TLS listener: chosen by server name, read again when their files change.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use ninefold_config::model::Listener;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::{DnsName, ServerName};

use super::client_authority::ClientAuthority;
use crate::certificate::{CertificateError, Stamp, read_certificates, read_key, stamp};

/// The certificates of one listener.
#[derive(Debug)]
pub(crate) struct Certificates {
    entries: Vec<Entry>,
    clients: Option<Arc<ClientAuthority>>,
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
    stamp: [Stamp; 2],
}

impl Certificates {
    /// Reads all certificates; relative paths are relative to `folder`.
    pub(crate) fn load(listener: &Listener, folder: &Path) -> Result<Arc<Self>, CertificateError> {
        let entries = listener
            .tls
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
        let ca = listener.client_ca.as_ref();
        let clients = ca
            .map(|ca| ClientAuthority::load(folder.join(ca)))
            .transpose()?;
        Ok(Arc::new(Self { entries, clients }))
    }

    /// The TLS configuration that chooses among them.
    pub(crate) fn server_config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, CertificateError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(CertificateError::Setup)?;
        let builder = match &self.clients {
            Some(clients) => builder
                .with_client_cert_verifier(Arc::clone(clients) as Arc<dyn ClientCertVerifier>),
            None => builder.with_no_client_auth(),
        };
        let mut config =
            builder.with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// Reads again what changed on disk. A pair that cannot be used is logged and the old one kept.
    pub(crate) fn reload(&self) {
        if let Some(clients) = &self.clients {
            clients.reload();
        }
        for entry in &self.entries {
            let stamp = stamps(&entry.certificate, &entry.key);
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

fn stamps(certificate: &Path, key: &Path) -> [Stamp; 2] {
    [certificate, key].map(stamp)
}

fn read(certificate: &Path, key: &Path) -> Result<Loaded, CertificateError> {
    let stamp = stamps(certificate, key);
    let chain = read_certificates(certificate)?;
    let private = read_key(key)?;
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
