//! Who vouches for clients of a listener: authorities in a file that is read again when it changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::ring;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};

use crate::certificate::{CertificateError, Stamp, read_certificates, stamp};

/// Verifies clients by the authorities that the file holds now.
#[derive(Debug)]
pub(super) struct ClientAuthority {
    path: PathBuf,
    current: ArcSwap<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    verifier: Arc<dyn ClientCertVerifier>,
    stamp: Stamp,
}

impl ClientAuthority {
    pub(super) fn load(path: PathBuf) -> Result<Arc<Self>, CertificateError> {
        let current = ArcSwap::from_pointee(read(&path)?);
        Ok(Arc::new(Self { path, current }))
    }

    /// Reads the file again if it changed. One that cannot be used is logged and the old one kept.
    pub(super) fn reload(&self) {
        let stamp = stamp(&self.path);
        let current = self.current.load();
        if current.stamp == stamp {
            return;
        }
        let path = self.path.display();
        let loaded = match read(&self.path) {
            Ok(loaded) => {
                tracing::info!(%path, "authorities of clients read again");
                loaded
            }
            Err(error) => {
                tracing::error!(%error, "the new authorities cannot be used, the old ones are kept");
                let verifier = Arc::clone(&current.verifier);
                Loaded { verifier, stamp }
            }
        };
        self.current.store(Arc::new(loaded));
    }
}

fn read(path: &Path) -> Result<Loaded, CertificateError> {
    let stamp = stamp(path);
    let unusable = |detail: String| CertificateError::Verifier {
        path: path.to_owned(),
        detail,
    };
    let mut roots = RootCertStore::empty();
    for certificate in read_certificates(path)? {
        let added = roots.add(certificate);
        added.map_err(|error| unusable(error.to_string()))?;
    }
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| unusable(error.to_string()))?;
    Ok(Loaded { verifier, stamp })
}

impl ClientCertVerifier for ClientAuthority {
    /// None: they may change while a handshake is under way, and clients know what they have.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let current = self.current.load();
        let verifier = &current.verifier;
        verifier.verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let verifier = Arc::clone(&self.current.load().verifier);
        verifier.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let verifier = Arc::clone(&self.current.load().verifier);
        verifier.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.current.load().verifier.supported_verify_schemes()
    }
}
